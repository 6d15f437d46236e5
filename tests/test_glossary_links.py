"""First uses of glossary terms: which words are found, where, and what a small book makes of them."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT
from docutils import nodes
from docutils.core import publish_doctree

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import glossary_links

TERMS = {"drift": 0, "late collapse": 1, "model collapse": 2, "EM algorithm": 3, "EM": 3, "kernel density": 4}


def found(text):
    return [match[0] for match in glossary_links.pattern(TERMS).finditer(text)]


@pytest.mark.parametrize("text, expected", [
    ("Drift is fair.", ["Drift"]),
    ("It drifts; adrift, drift-free and drifted are other words.", ["drifts"]),
    ("late\ncollapse and model-collapse", ["late\ncollapse", "model-collapse"]),
    ("kernel densities, a kernel density", ["kernel densities", "kernel density"]),
    ("the EM algorithm", ["EM algorithm"]),  # not EM alone
    ("a collapse of models; them; kernel densitys", []),
])
def test_whole_words_and_plurals_are_found(text, expected):
    assert found(text) == expected


def uses(document):
    return [piece for _, pieces in glossary_links.first_uses(document, TERMS) for piece in pieces
            if isinstance(piece, tuple)]


def test_only_the_first_use_of_an_entry_counts_whatever_its_name():
    document = publish_doctree("EM and drift, drift.\n\n* The EM algorithm drifts to late collapse.")
    assert uses(document) == [("EM", "EM"), ("drift", "drift"), ("late collapse", "late collapse")]


@pytest.mark.parametrize("text", [
    "Drift\n=====\n\nNo word.", "``drift``", ":math:`drift`", "`drift <https://a.org>`_",
    "===== =====\ndrift x\n===== =====",
    ".. figure:: x.png\n\n   Drift.", "::\n\n   drift", ".. sidebar:: Note\n\n   Drift.", "A book::\n\n   drift",
    "Quoted:\n\n   On drift.",
    ".. admonition:: Drift\n\n   No word.", ".. admonition:: A\n   :class: dropdown\n\n   Drift.",
    ".. raw:: html\n\n   drift",
])
def test_no_prose_no_link(text):
    assert uses(publish_doctree(text, settings_overrides={"report_level": 5})) == []
    assert uses(publish_doctree(text + "\n\nThere is drift.", settings_overrides={"report_level": 5}))


def test_the_first_sentence_ends_at_a_full_stop_and_keeps_formulas():
    paragraph = nodes.paragraph("", "", nodes.Text("About 2.9 of\n"), nodes.math("", r"\tau"), nodes.Text(". More."))
    assert glossary_links.first_sentence(paragraph) == r"About 2.9 of \(\tau\)."


def built(source):
    """Build a book, with warnings as errors, and give its pages."""
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", source, source / "_build"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {page.stem: page.read_text() for page in (source / "_build").glob("*.html")}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Build a small book and give its pages, and one more from after a change of the glossary."""
    source = tmp_path_factory.mktemp("book")
    (source / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        "extensions = ['glossary_links', 'myst_parser']\n"
        "glossary_unlinked = {'everywhere': ['fresh'], 'walk': ['drift']}\n")
    (source / "index.md").write_text("# Index\n\n```{toctree}\nglossary\nwalk\n```\n\n"
                                     "Of *drift* in\nfresh seas: drift. EM too.\n")
    (source / "walk.md").write_text("# Walk\n\nA drift; {term}`loss <drift>`. An algorithm: the EM algorithm.\n")
    (source / "glossary.md").write_text("# Glossary\n\n```{glossary}\ndrift\n  Loss. By chance, unlike EM.\n\n"
                                        "EM algorithm\nEM\n  A *climb* on a hill. Chapter 3.\n\nfresh\n  New.\n```\n")
    made = built(source)
    (source / "glossary.md").write_text((source / "glossary.md").read_text().replace("Loss.", "Change."))
    made["changed"] = built(source)["index"]
    return made


def terms(html):
    """Return words, title and target of the links to terms."""
    link = r'<a class="reference internal" href="([^"]*#term-[^"]*)" title="([^"]*)"><span [^>]*std-term">([^<]+)'
    return [(words, title, href) for href, title, words in re.findall(link, html)]


def test_a_page_links_each_term_once_and_shows_its_sentence(pages):
    assert terms(pages["index"]) == [("drift", "Loss.", "glossary.html#term-drift"),
                                     ("EM", "A climb on a hill.", "glossary.html#term-EM")]
    assert "<em><a " in pages["index"] and "fresh seas" in pages["index"]


def test_a_page_may_mean_something_else_by_a_word_but_a_link_by_hand_stays(pages):
    assert [words for words, _, _ in terms(pages["walk"])] == ["loss", "EM algorithm"]
    assert terms(pages["walk"])[0][1] == "Loss."  # as every link to a term


def test_the_glossary_does_not_link_to_itself(pages):
    assert terms(pages["glossary"]) == []


def test_a_change_of_the_glossary_reaches_the_other_pages(pages):
    assert terms(pages["changed"])[0][1] == "Change."
