r"""The numbers that the prose quotes, and what may carry them: the collector of test_numbers.py.

A *piece* is a sentence of a Markdown cell, a table cell, a caption or an alt text. Its numbers are carried by

(a) an output of the same section, which shows the number or rounds to it; 30% and 0.30 are one number;
(b) a literal in the code of the same section, options of drawing aside; a sample size (a whole number above 9 that is
    given a name, or any from 1,000 on) holds from there to the end of the chapter, and code that draws a band of 95 or
    80% carries that percentage;
(c) a citation in the piece itself, or in another piece of the chapter that quotes the same number;
(d) an entry of carriers.py, which computes it.

The opening, the summary and the quiz speak of the whole chapter, so there (a) and (b) look at all of it. Not looked
at: words, the whole numbers 0 and 1, whole numbers below 10 in formulas, displayed formulas, code, headings, years,
the time that a chapter takes, numbers of chapters, definitions and laws, the statements of exercises, the questions and
wrong options of a quiz, and questions that ask for a prediction.
"""

import re
from decimal import Decimal
from functools import cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = {path.name[:2]: path for path in sorted((ROOT / "book").glob("0*.ipynb"))}
PAGES = CHAPTERS | {name: ROOT / where for name, where in (
    ("index", "book/index.md"), ("glossary", "book/glossary.md"), ("README", "README.md"))}
WHOLE = {"opening", "Summary", "Quiz", "Exercises", "Further reading"}  # they speak of the whole chapter
NUMBER = re.compile(r"(?<![\w.^_/-])(?:(?<!\d)-)?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(e[+-]?\d+)?"
                    r"(?![\w^]|[.,]?\d|-[a-z])(\s?\\?%| percent| per cent)?")
DRAWING = re.compile(r"\b(figsize|alpha|linewidth|fontsize|markersize|markeredgewidth|xytext|[xy]lim|[xy]ticks|pixel)"
                     r"\s*=\s*(\[[^\]]*\]|\([^)]*\)|[-\d.]+)|:[\d,]*\.?\d*[%defgs]\}|#.*")
NAMED = re.compile(r"\b(chapters?|definitions?|theorem|law|question|CC BY)\s+[A-Z]?\d[\d.]*((, | and |, and )\d\b)*"
                   r"|\(20\d\d\)|July 20\d\d|[*], 20\d\d\.", re.I)  # and years
BANDS = {95: r"mean_interval|1\.96", 80: r"\[0\.1, (0\.5, )?0\.9\]"}
CITATION = "¶"


# ---- what the pages say ---------------------------------------------------------------------------------------------


def plain(text):
    """Return Markdown without code, links, markup and formulas; ¶ stands for a citation."""
    text = re.sub(r"^(```+).*?^\1`*$|\$\$.*?\$\$( \([\w-]+\))?", "", text, flags=re.M | re.S)
    text = re.sub(r"\{cite:[tp]\}`[^`]*`", CITATION, text)
    text = re.sub(r"\{math\}`([^`]*)`", r"$\1$", text)
    text = re.sub(r"\{[\w:]+\}`[^`]*`|`[^`]*`|\]\([^)]*\)|<[^>]+>", "", text)
    text = re.sub(r"^(#+ .*|:[\w-]+:.*|\*\*Time\*\*.*)$|^:::+(\{[\w:-]+\})?", "", text, flags=re.M)
    text = re.sub(r"^\s*(\d+\.|\* - \d|[*-])\s|^\| *\d ", "- ", text, flags=re.M)  # numbers of items and rows
    text = re.sub(r"\$([^$]*)\$", lambda m: formula(m[1]), text)
    text = NAMED.sub("", text.replace("π²/6", "").replace("−", "-"))
    for _ in range(5):  # "5, 10 and 20%" are three percentages
        text = re.sub(r"(?<![\d.,])(\d+)(, | and | to |-|–)([\d.]+ ?(%|percent))", r"\1%\2\3", text)
    return text


def formula(text):
    """Return the numbers of a formula that may be results: those above 9 and those with a point."""
    text = text.replace("{,}", ",").replace(r"\,", " ")
    text = re.sub(r"10\^\{?(-?\d+)\}?", r" 1e\1 ", text)
    found = re.findall(r"(?<![\w.,^])((?:\d{2,}(?:,\d{3})*|\d,\d{3})(?:\.\d+)?|\d?\.\d+|\de-?\d+)(\s*\\%)?", text)
    return " " + " ; ".join("".join(groups).replace("\\", "") for groups in found) + " "


def sentences(text):
    """Yield the sentences, table cells and list items of plain text, without predictions that are asked for."""
    for block in re.split(r"\n\s*\n|\n(?=[|-])", text):
        row = block.lstrip().startswith("|")
        for part in block.split("|") if row else re.split(r"(?<=[.!?:])[\"*)”]*\s+", block):
            if not ("**Predict.**" in block and part.rstrip().endswith("?")):
                yield part


def right_options(text):
    """Return a quiz question without its question and its wrong options."""
    options = re.findall(r"^:::+\{dropdown\}.*?^:::+$", text, re.M | re.S)
    return "\n\n".join(option for option in options if not re.search(r"^Wrong", option, re.M))


def sections(page):
    """Return {title: (prose, output, code)} of a notebook, each a list; captions and alt texts are prose."""
    found, title = {"opening": ([], [], [])}, "opening"
    for cell in page.cells:
        prose, output, code = found[title]
        if cell.cell_type == "code":
            figure = cell.metadata.get("mystnb", {})
            texts = (figure.get(kind, {}).get(key) for kind, key in (("figure", "caption"), ("image", "alt")))
            prose += [text for text in texts if text]
            output += [o.get("text", "") for o in cell.outputs]
            code.append(cell.source)
            continue
        for part in re.split(r"^(?=##+ )", cell.source, flags=re.M):
            if heading := re.match(r"##+ (.*)", part):
                title = heading[1].strip()
                found.setdefault(title, ([], [], []))
            if "{exercise}" not in part:
                found[title][0].append(right_options(part) if title == "Quiz" else part)
    return found


@cache
def read(page):
    """Return the sections of a chapter, or of a page of Markdown: its text and the alt texts in its HTML."""
    if page in CHAPTERS:
        return sections(nbformat.read(CHAPTERS[page], as_version=4))
    text = PAGES[page].read_text()
    if page == "README":  # it quotes no results but run times
        text = text[text.index("| chapter ") : text.index("Everything is one loop")]
    return {"opening": ([text, *re.findall(r'alt="([^"]*)"', text)], [], [])}


# ---- numbers and their carriers -------------------------------------------------------------------------------------


def numbers(text):
    """Return [(value, unit of the last place, per cent?)] of the numbers in plain text."""
    found = [(Decimal(digits.replace(",", "") + exponent), bool(percent))
             for digits, exponent, percent in NUMBER.findall(text)]
    return [(value, Decimal(1).scaleb(value.as_tuple().exponent), percent) for value, percent in found]


def same(number, carrier):
    """Tell whether a carrier's number is the quoted one, or has more digits and rounds to it."""
    (value, unit, percent), (found, fine, of_hundred) = number, carrier
    if percent != of_hundred:
        found, fine = (found * 100, fine * 100) if percent else (found / 100, fine / 100)
    count = value == value.to_integral_value() and value < 10 and not percent  # small counts: exactly
    rounds = fine < unit and not count and abs(found - value) <= unit / 2
    return rounds or (found == value and (fine <= unit or percent))


def shown_near(pieces):
    """Return {title: numbers that the outputs and the code of a section show}, and those of the whole chapter."""
    near, sizes = {}, []
    for title, (_, output, code) in pieces.items():
        source = re.sub(r"(?<=\d)_(?=\d)", "", DRAWING.sub("", "\n".join(code)))
        named = "\n".join(re.findall(r"^\w[\w, ]* = [\d,. ]+", source, re.M))
        sizes += [n for n in numbers(named) if n[0] >= 10 and n[1] == 1] + [n for n in numbers(source) if n[0] >= 1000]
        drawn = [level for level, call in BANDS.items() if re.search(call, "\n".join(code))]
        bands = [(Decimal(level), Decimal(1), True) for level in drawn]
        shown = numbers(re.sub(r"(?<=\d)-(?=\d)|_", " ", "\n".join(output) + "\n" + source))
        near[title] = shown + bands + sizes
    return near, [number for shown in near.values() for number in shown]


def quoted(pieces, done=()):
    """Yield (section, piece, number, carriers): each number outside of the fragments that are done with."""
    texts = [(title, text) for title, (prose, _, _) in pieces.items() for piece in prose
             for text in sentences(plain(remove(piece, done)))]
    cited = [n for _, text in texts if CITATION in text for n in numbers(text) if len(n[0].as_tuple().digits) > 1]
    near, everywhere = shown_near(pieces)
    for title, text in texts:
        for value, unit, percent in numbers(text) if CITATION not in text else []:
            if value not in (0, 1) or unit != 1 or percent:
                carriers = cited + (everywhere if title in WHOLE else near[title])
                yield title, " ".join(text.split()), (value, unit, percent), carriers


def remove(text, fragments):
    for fragment in fragments:
        text = text.replace(fragment, " … ")
    return text


def orphans(pieces, done=()):
    """Return "number in section: piece" for what nothing carries."""
    return [f"{number[0]:f}{'%' * number[2]} in {title!r}: {text}" for title, text, number, carriers
            in quoted(pieces, done) if not any(same(number, carrier) for carrier in carriers)]
