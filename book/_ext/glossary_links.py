"""Sphinx extension: the first use of a term on a page leads to its entry in the glossary, and shows what it means.

The glossary decides: every line that names an entry is looked for, with its plural, except where `glossary_unlinked` in
_config.yml says that a page, or every page, means something else by the word. {term} by hand makes a link anywhere.
`_static/previews.js` shows the sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

NO_LINKS = {"glossary", "references", "notation", "helper", "status", "changelog", "credits"}  # pages to look things up
NO_PROSE = (nodes.title, nodes.caption, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw,
            nodes.reference, addnodes.pending_xref, nodes.table, nodes.sidebar, nodes.footnote, nodes.block_quote)


def setup(app):
    app.add_config_value("glossary_unlinked", {}, "env", [dict])
    app.add_post_transform(LinkFirstUses)
    app.add_post_transform(ShowSentences)
    app.add_js_file("previews.js", loading_method="defer")
    app.connect("env-get-outdated", read_all_after_a_change)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def glossaries(env) -> set[str]:
    """Return the pages that define terms."""
    return {page for (kind, _), (page, _) in env.domaindata["std"]["objects"].items() if kind == "term"}


def read_all_after_a_change(app, env, added, changed, removed):
    """Have every page built anew when the glossary has changed."""
    return env.found_docs if glossaries(env) & changed else []


def entries(env) -> list[tuple[list[str], list[str], str]]:
    """Return the names, the anchors and the first sentence of every entry."""
    found = []
    for page in sorted(glossaries(env)):
        for item in env.get_doctree(page).findall(nodes.definition_list_item):
            terms = [child for child in item if isinstance(child, nodes.term)]
            found.append(([term.astext() for term in terms], [anchor for term in terms for anchor in term["ids"]],
                          first_sentence(next(item.findall(nodes.paragraph)))))
    return found


def first_sentence(paragraph: nodes.paragraph) -> str:
    """Return the first sentence as text, with formulas as MathJax reads them."""
    paragraph = paragraph.deepcopy()
    for formula in list(paragraph.findall(nodes.math)):
        formula.parent.replace(formula, nodes.Text(rf"\({formula.astext()}\)"))
    return re.match(r".*?[.?!](?=\s|$)|.*", paragraph.astext(), re.S)[0].replace("\n", " ")


def pattern(names: Iterable[str]) -> re.Pattern:
    """Return what finds any of the names or its plural as whole words; of two that fit, the longer wins."""
    def forms(name):
        words = re.sub(r"(\\ |\\-)", r"[\\s-]", re.escape(name))
        return f"{words[:-1]}(?:y|ies)" if name.endswith("y") else f"{words}s?"

    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(forms, sorted(names, key=len, reverse=True)))})(?![\w-])", re.I)


def is_prose(text: nodes.Text) -> bool:
    """Tell whether a text stands in a paragraph that every reader sees: in no box that is folded, no exercise."""
    node, paragraph = text.parent, False
    while node is not None:
        if isinstance(node, NO_PROSE) or "dropdown" in (node.get("design_component"), *node["classes"]) or \
                node.get("nb_element") or "exercise" in type(node).__name__:
            return False
        paragraph |= isinstance(node, nodes.paragraph)
        node = node.parent
    return paragraph


class LinkFirstUses(SphinxPostTransform):
    """Put round the first use of each entry what {term} would put there."""

    default_priority = 5  # before references are resolved, at 10
    formats = ("html",)

    def run(self):
        page, but = self.env.docname, self.config.glossary_unlinked
        name = page.rsplit("/")[-1]
        unlinked = {*but.get("everywhere", ()), *but.get(name, ())}
        known = {term: i for i, (terms, _, _) in enumerate(entries(self.env)) for term in terms if term not in unlinked}
        if known and name not in NO_LINKS:
            for text, pieces in list(first_uses(self.document, known)):
                text.parent.replace(text, [piece if isinstance(piece, nodes.Text) else term_role(*piece, page)
                                           for piece in pieces])


def first_uses(document: nodes.document, known: dict[str, int]) -> Iterator[tuple[nodes.Text, list]]:
    """Yield each text that uses an entry first, and its pieces: texts, and pairs of words and name for the links."""
    find, used = pattern(known), set()
    for text in [text for text in document.findall(nodes.Text) if is_prose(text)]:
        pieces, start = [], 0
        for match in find.finditer(text):
            name = next(name for name in known if pattern([name]).fullmatch(match[0]))
            if known[name] not in used:
                used.add(known[name])
                pieces += [nodes.Text(text[start:match.start()]), (match[0], name)]
                start = match.end()
        if pieces:
            yield text, [*pieces, nodes.Text(text[start:])]


def term_role(words: str, name: str, page: str) -> addnodes.pending_xref:
    """Return what the role {term} makes of the words, for an entry of another spelling perhaps."""
    return addnodes.pending_xref("", nodes.inline("", words, classes=["xref", "std", "std-term"]), refdomain="std",
                                 reftype="term", reftarget=name, refexplicit=True, refwarn=True, refdoc=page)


class ShowSentences(SphinxPostTransform):
    """Give every link to an entry the first sentence of the entry as its title, as citations have theirs."""

    default_priority = 15
    formats = ("html",)

    def run(self):
        sentences = {anchor: sentence for _, anchors, sentence in entries(self.env) for anchor in anchors}
        for link in self.document.findall(nodes.reference):
            if next(link.findall(lambda node: "std-term" in getattr(node, "attributes", {}).get("classes", ())), None):
                link["reftitle"] = sentences[link.get("refid") or link["refuri"].partition("#")[2]]
