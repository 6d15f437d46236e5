"""Turn the Markdown of the chapters into plain Markdown, for readers without Sphinx.

Understands the subset of MyST that CONTRIBUTING.md lists, and raises on anything else, so that no
role or directive reaches a notebook in Colab.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from pybtex.database import parse_file

ADMONITIONS = ("admonition", "note", "tip", "warning", "important", "margin")
ROLE = re.compile(r"\{([a-z]+(?::[a-z]+)?)\}`([^`]+)`")
FENCE = re.compile(r"^(:{3,})\{([\w:-]+)\}[ \t]*(.*)$")
DISPLAY = re.compile(r"^\$\$[ \t]*\n?(.*?)\n?\$\$[ \t]*\(([\w:-]+)\)[ \t]*$", re.M | re.S)
ANCHOR = re.compile(r"^\(([\w:-]+)\)=[ \t]*$")
TITLED = re.compile(r"^(.*?)\s*<([^<>]+)>$", re.S)
LIVE = re.compile(r"<(script|style|iframe|button|svg|canvas|[a-z]+-[a-z-]+)\b")


@dataclass
class Book:
    """What the pages may refer to: titles by page, labels, citations, and where the site is, if it is known."""

    site: str | None = None
    titles: dict[str, str] = field(default_factory=dict)
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)  # label -> text, page
    citations: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # key -> authors, year, address

    @classmethod
    def read(cls, folder: Path, site: str | None = None) -> Book:
        """Read all pages of the book and its bibliography."""
        book = cls(site, citations=read_citations(folder / "references.bib"))
        for path in sorted([*folder.glob("*.md"), *folder.glob("0*.ipynb")]):
            book.add(path)
        return book

    def add(self, path: Path) -> None:
        """Take up the title and the labels of a page, numbered as Sphinx numbers them."""
        page, number = path.stem, path.stem[:2].lstrip("0")
        counts: dict[str, int] = {}

        def numbered(kind: str) -> str:
            counts[kind] = counts.get(kind, 0) + 1
            return f"{kind} {number}.{counts[kind]}".strip()

        for text, metadata in _texts(path):
            if page not in self.titles and (title := re.search(r"^# (.+)$", text, re.M)):
                self.titles[page] = title[1].strip()
            figure = metadata.get("mystnb", {}).get("figure", {})
            if figure.get("caption"):
                self.labels[figure.get("name") or f"{page}-figure"] = (numbered("Figure"), page)
            for match in DISPLAY.finditer(text):
                self.labels[match[2]] = (f"({numbered('Equation').split()[1]})", page)
            for kind, argument, label in _labelled(text):
                if kind == "exercise":
                    name = "Exercise " + ".".join(re.findall(r"\d+", label)[:2])
                elif kind.startswith("prf:"):
                    name = numbered(kind[4:].capitalize())
                else:
                    name = argument or kind.capitalize()
                self.labels[label] = (name, page)
            for match in re.finditer(r"^\(([\w:-]+)\)=\s*\n+#+ (.+)$", text, re.M):
                self.labels[match[1]] = (match[2].strip(), page)

    def link(self, text: str, page: str, here: str) -> str:
        """Return a link to a page of the site, or plain text if it is this page or nobody knows the site.

        The title of a page is set off where there is no link to do it.
        """
        if self.site and page != here:
            return f"[{text}]({self.site}/book/{page}.html)"
        return f"*{text}*" if text in self.titles.values() and "*" not in text else text


def _texts(path: Path) -> Iterator[tuple[str, dict]]:
    if path.suffix == ".md":
        yield path.read_text(encoding="utf-8"), {}
        return
    for cell in nbformat.read(path, as_version=4).cells:
        yield cell.source if cell.cell_type == "markdown" else "", cell.metadata


def _labelled(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, argument and label of the labelled directives of a text."""
    for line, after in itertools.pairwise(text.split("\n")):
        opening, label = FENCE.match(line), re.match(r":label:\s*([\w:-]+)", after)
        if opening and label:
            yield opening[2], opening[3].strip(), label[1]


def read_citations(path: Path) -> dict[str, tuple[str, str, str]]:
    """Return authors, year and address by key, from a BibTeX file."""
    found = {}
    for key, entry in parse_file(str(path)).entries.items():
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        names = [re.sub(r"[{}]", "", " ".join(p.prelast_names + p.last_names)) for p in people]
        authors = names[0] + " et al." if len(names) > 2 else " and ".join(names) or entry.fields.get("title", key)
        fields = entry.fields
        address = fields.get("url", "")
        if "eprint" in fields:
            address = f"https://arxiv.org/abs/{fields['eprint']}"
        if "doi" in fields:
            address = f"https://doi.org/{fields['doi']}"
        found[key] = (authors, fields.get("year", ""), address)
    return found


# ---- text ------------------------------------------------------------------------------------------------


def plain(text: str, book: Book, page: str) -> str:
    """Return MyST as plain Markdown.

    Raises:
        ValueError: a role, directive, label or citation key is not known.
    """
    parts, loose = [], []
    lines = iter(text.split("\n"))
    for line in lines:
        if opening := FENCE.match(line):
            parts += [_inline("\n".join(loose), book, page),
                      _directive(opening, list(_until_closed(lines, opening[1])), book, page)]
            loose = []
        elif line.startswith("```"):
            mark = re.match(r"`+", line)[0]
            if "{" in line:
                raise ValueError(f"{page}: the editions do not know {line!r}; use a colon fence")
            parts += [_inline("\n".join(loose), book, page), "\n".join([line, *_until(lines, mark), mark])]
            loose = []
        elif not ANCHOR.match(line):
            loose.append(line)
    parts.append(_inline("\n".join(loose), book, page))
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def _until(lines: Iterator[str], mark: str) -> Iterator[str]:
    for line in lines:
        if line.strip() == mark:
            return
        yield line


def _until_closed(lines: Iterator[str], colons: str) -> Iterator[str]:
    """Yield the lines of a directive; longer or shorter fences inside belong to it."""
    for line in lines:
        if re.fullmatch(rf":{{{len(colons)},}}\s*", line):
            return
        yield line
    raise ValueError(f"a directive that begins with {colons} is never closed")


def _inline(text: str, book: Book, page: str) -> str:
    """Return text outside directives with its roles, equations and live demos replaced."""
    text = DISPLAY.sub(lambda m: f"$$\n{m[1].strip()}\n\\tag{{{book.labels[m[2]][0].strip('()')}}}\n$$", text)
    blocks = text.split("\n\n")
    for i, block in enumerate(blocks):
        if LIVE.search(re.sub(r"`[^`]*`", "", block)):
            blocks[i] = f"*A live demo stands here in {book.link('the page of this chapter', page, '')}.*"
    text = re.sub(r"(\]|`)\{[.#][^}`]*\}", r"\1", "\n\n".join(blocks))  # attributes of spans
    return ROLE.sub(lambda m: _role(m[1], m[2].replace("\n", " "), book, page), text)


def _role(name: str, body: str, book: Book, page: str) -> str:
    if name == "math":
        return f"${body}$"
    if name in ("cite:t", "cite:p"):
        return _cite(name, [key.strip() for key in body.split(",")], book, page)
    titled = TITLED.match(body)
    text, target = (titled[1], titled[2]) if titled else ("", body)
    if name == "term":
        return text or target
    if name == "doc":
        target = Path(target).stem
        if target not in book.titles:
            raise ValueError(f"{page}: no page {target!r}")
        return book.link(text or book.titles[target], target, page)
    if name in ("eq", "numref", "prf:ref", "ref"):
        if target not in book.labels:
            raise ValueError(f"{page}: no label {target!r}")
        known, where = book.labels[target]
        number = known.split()[-1]
        text = text.replace("%s", number).replace("{number}", number) if text else known
        return book.link(text, where, page)
    raise ValueError(f"{page}: the editions do not know the role {name!r}")


def _cite(name: str, keys: list[str], book: Book, page: str) -> str:
    cited = []
    for key in keys:
        if key not in book.citations:
            raise ValueError(f"{page}: no reference {key!r}")
        authors, year, address = book.citations[key]
        text = f"{authors} ({year})" if name == "cite:t" else f"{authors}, {year}"
        cited.append(f"[{text}]({address})" if address else text)
    return ", ".join(cited) if name == "cite:t" else f"({'; '.join(cited)})"


# ---- directives ------------------------------------------------------------------------------------------


def _directive(opening: re.Match, lines: list[str], book: Book, page: str) -> str:
    name, title = opening[2], _inline(opening[3].strip(), book, page)
    options = {}
    while lines and (option := re.match(r":([\w-]+):\s*(.*)$", lines[0])):
        options[option[1]] = option[2]
        lines.pop(0)
    if name == "list-table":
        return _table(lines, book, page)
    body = plain("\n".join(lines), book, page)
    if name == "dropdown":
        quiz = body.startswith(("Right", "Wrong"))
        return f"▸ {title}\n\n{folded('Right or wrong?' if quiz else 'Show', body)}"
    if name in ADMONITIONS:
        return quoted(f"**{title or ('Aside' if name == 'margin' else name.capitalize())}**\n\n{body}")
    if name == "exercise":
        number = book.labels[options["label"]][0] if "label" in options else "Exercise"
        return f"**{number}**{f' ({title})' if title else ''}\n\n{body}"
    if name.startswith("prf:"):
        label = book.labels[options["label"]][0] if "label" in options else name[4:].capitalize()
        return quoted(f"**{label}**{f' ({title})' if title else ''}\n\n{body}")
    raise ValueError(f"{page}: the editions do not know the directive {name!r}")


def quoted(text: str) -> str:
    """Return text as a blockquote."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def folded(summary: str, body: str) -> str:
    """Return text that a reader unfolds; Jupyter and Colab both know this pair of tags."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _table(lines: list[str], book: Book, page: str) -> str:
    """Return a list-table as a pipe table."""
    rows: list[list[str]] = []
    for line in lines:
        if item := re.match(r"^\* - ?(.*)$", line):
            rows.append([item[1]])
        elif item := re.match(r"^  - ?(.*)$", line):
            rows[-1].append(item[1])
        elif line.strip():
            rows[-1][-1] += " " + line.strip()
    cells = [[_inline(cell.strip(), book, page).replace("|", "\\|") for cell in row] for row in rows]
    cells.insert(1, ["---"] * len(cells[0]))
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)
