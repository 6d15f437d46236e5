"""The tooling of the pages, on made ones: mended, pictures sized, demos loaded, changes noticed, buttons, status."""

import json
import os
import sys
from types import SimpleNamespace

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import book_pages
import editions
import execute
import feedback
import offline
import status

SEARCH = '<script src="../_static/searchtools.js?v=1"></script>'
SUMMARY = '<script>if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;</script>'
MATH = '<span class="math notranslate nohighlight">\\(x\\)</span>'
ROW = '<div class="sidebar-primary-items__start sidebar-primary__section'
MODULE, HEADED = '<section id="module-collapse.vae">\n<h2>Images</h2>', '<p id="module-collapse.opt">'

REPAIRED = [  # before, after: in the order of REPAIRS
    ('<link rel="preload" as="font" type="font/woff2" href="a.woff2"/>\n<p>', "<p>"),
    (SEARCH, SUMMARY + SEARCH),
    ('<button class="btn search-button-field" title="S" aria-label="Search">',
     '<button class="btn search-button-field" title="S">'),
    ('<summary aria-label="Toggle hidden content">', "<summary>"),
    ("<span>Show code cell source</span>", "<span>Show the code</span>"),
    ("<span>Hide code cell content</span>", "<span>Hide the solution</span>"),
    ('<div class="pst-scrollable-table-container">', '<div class="pst-scrollable-table-container" tabindex="0">'),
    (f'{ROW}">', f'{ROW}" role="navigation" aria-label="Book">'),
    (f"<p>{MATH}, {MATH} ({MATH})</p>",
     f'<p><span class="tied">{MATH},</span> {MATH} <span class="tied">({MATH})</span></p>'),
    ('<span class="pre">collapse.one_name</span>', '<span class="pre">collapse.<wbr>one_<wbr>name</span>'),
    (f"{MODULE}<p>", f'{MODULE}<h3 class="module">collapse.vae</h3><p>'),
    (HEADED, f'<h3 class="module">collapse.opt</h3>{HEADED}'),
    ('<div role="list" class="citation-list">', '<div class="citation-list">'),
    ('<div class="citation" role="doc-biblioentry">', '<div class="citation">'),
]


@pytest.mark.parametrize("before, after", REPAIRED)
def test_a_fault_is_mended_and_mending_again_changes_nothing(before, after):
    assert offline.mend(before) == after == offline.mend(after)


def test_every_repair_has_its_example(monkeypatch):
    repairs = offline.REPAIRS
    for repair, (before, after) in zip(repairs, REPAIRED, strict=True):
        monkeypatch.setattr(offline, "REPAIRS", [repair])
        assert offline.mend(before) == after, repair[0]


@pytest.mark.parametrize("page", [f"<p>{MATH} is</p>", '<code class="x">a.b</code>'])
def test_what_is_no_fault_stays(page):
    assert offline.mend(page) == page


# ---- pictures -------------------------------------------------------------------------------------------------------


def picture(folder, kind, width, height):
    """Write the beginning of a PNG of that size and return the element of a page that shows it."""
    path = folder / kind / f"{width}.png"
    path.parent.mkdir(exist_ok=True)
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + size + b"\x08\x06\0\0\0")
    return f'<img alt="a" src="../{kind}/{width}.png" />'


def test_pictures_say_their_size_and_wide_ones_scroll(tmp_path):
    page = tmp_path / "book"
    page.mkdir()
    small, wide = (picture(tmp_path, "_images", *size) for size in ((3, 2), (800, 10)))
    title = picture(tmp_path, "_static", 900, 10)
    sized = offline.give_size(f"{small}|{wide}|{title}", page)
    assert sized.split("|") == [
        '<img width="3" height="2" alt="a" src="../_images/3.png" />',
        '<div class="wide-figure" tabindex="0">'
        '<img width="800" height="10" alt="a" src="../_images/800.png" /></div>',
        '<img width="900" height="10" alt="a" src="../_static/900.png" />']
    assert offline.give_size(sized, page) == sized


def test_a_build_mends_its_pages_and_a_failed_one_does_not(tmp_path):
    page, kind = tmp_path / "a" / "b.html", SimpleNamespace(format="html")
    page.parent.mkdir()
    page.write_text("<span>Show code cell source</span>", encoding="utf-8")
    app = SimpleNamespace(outdir=str(tmp_path), builder=kind)
    offline.mend_pages(app, RuntimeError("the build failed"))
    assert "source" in page.read_text(encoding="utf-8")
    offline.mend_pages(app, None)
    assert page.read_text(encoding="utf-8") == "<span>Show the code</span>"


# ---- demos, changed files, addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("body, loaded", [
    ("<p>x</p>", []), *((f"<p><{name} n=3></{name}>", list(offline.DEMO_FILES)) for name in offline.DEMOS)])
def test_a_page_with_a_demo_loads_its_scripts_in_order(body, loaded):
    files = []
    app = SimpleNamespace(add_js_file=lambda file, loading_method: files.append((file, loading_method)))
    offline.add_demos(app, "page", "page.html", {"body": body}, None)
    offline.add_demos(app, "empty", "page.html", {}, None)
    assert files == [(file, "defer") for file in loaded]


def test_a_style_that_is_new_or_changed_is_a_reason_to_build(tmp_path):
    style, copy = tmp_path / "conf" / "_static" / "css" / "book.css", tmp_path / "out" / "_static" / "css" / "book.css"
    for path in (style, copy):
        path.parent.mkdir(parents=True)
    config = SimpleNamespace(html_static_path=["_static"], root_doc="index")
    app = SimpleNamespace(outdir=str(tmp_path / "out"), confdir=str(tmp_path / "conf"), config=config)
    style.write_text("a {}", encoding="utf-8")
    assert offline.notice_changed_files(app, None, set(), set(), set()) == ["index"]  # new
    copy.write_text("a {}", encoding="utf-8")
    for age, found in ((-10, []), (0, []), (10, ["index"])):
        os.utime(copy, (1_000_000, 1_000_000))
        os.utime(style, (1_000_000 + age, 1_000_000 + age))
        assert offline.notice_changed_files(app, None, set(), set(), set()) == found


@pytest.mark.parametrize("repository, base, address", [
    ("Me/book", "", "https://me.github.io/book/"), ("Me/book", "https://b.org", "https://b.org/"), (None, "", None)])
def test_the_pages_know_where_they_will_be(repository, base, address, monkeypatch):
    monkeypatch.setattr(editions, "repository", lambda: repository)

    class Config(SimpleNamespace):
        def __contains__(self, name):
            return name == "ogp_image"

    config = Config(html_baseurl=base)
    offline.say_where(None, config)
    assert getattr(config, "ogp_site_url", None) == address
    assert config.html_baseurl == (address or "")
    if address:
        assert config.sitemap_url_scheme == "{link}" and (ROOT / "book" / config.ogp_image).is_file()


def test_nothing_of_thebe_is_loaded():
    config = '<script type="text/x-thebe-config">{}</script>\n<script>kernelName = 1</script>'
    context = {"script_files": ["park.js", "thebe.js"], "css_files": ["thebe.css"], "body": f"<p>{config}</p>"}
    book_pages.drop_thebe(None, "page", "page.html", context, None)
    assert context == {"script_files": ["park.js"], "css_files": [], "body": "<p></p>"}


# ---- feedback -------------------------------------------------------------------------------------------------------


def feedback_links(monkeypatch, repository, page, title="Chapter <em>1</em> & more"):
    """Return text and address of each button that a page gets."""
    monkeypatch.setattr(editions, "repository", lambda: repository)
    ending = ".md" if page == "book/help" else ".ipynb"
    env = SimpleNamespace(found_docs={"book/help", "book/01"}, doc2path=lambda name, base: name + ending)
    context = {"header_buttons": [], "title": title, "pathto": lambda target: f"../{target}.html"}
    feedback.add_feedback(SimpleNamespace(env=env), page, "page.html", context, None)
    return [(button["text"], button["url"]) for group in context["header_buttons"] for button in group["buttons"]]


def test_a_page_can_be_reported_and_a_text_be_edited(monkeypatch):
    report = ("Report an error", "https://github.com/me/book/issues/new?title=Chapter%201%20%26%20more%3A%20")
    home = ("Repository", "https://github.com/me/book")
    edit = ("Suggest an edit", "https://github.com/me/book/edit/main/book/help.md")
    assert feedback_links(monkeypatch, "me/book", "book/01") == [report, home]
    assert feedback_links(monkeypatch, "me/book", "book/help") == [report, edit, home]
    assert feedback_links(monkeypatch, "me/book", "search") == []


def test_without_a_repository_the_button_leads_to_the_page_that_says_how(monkeypatch):
    assert feedback_links(monkeypatch, None, "book/01") == [("Report an error", "../book/help.html#feedback")]
    assert feedback_links(monkeypatch, None, "book/help") == [("Report an error", "#feedback")]
    assert "(feedback)=" in (ROOT / "book" / "help.md").read_text(encoding="utf-8")


# ---- the status page, and running chapters --------------------------------------------------------------------------


def run_of_two_chapters(folder):
    """Write what `make run` leaves behind."""
    new = nbformat.v4
    for name, lines in (("02_b", "Digits: MNIST, 10 images\nText: WikiText-2, 3 words\n"), ("01_a", "no data: none\n")):
        output = new.new_output("stream", name="stdout", text=lines)
        cells = [new.new_markdown_cell(f"# Title of {name}\n\nText."), new.new_code_cell("1", outputs=[output]),
                 new.new_code_cell("2", outputs=[new.new_output("display_data", data={"text/plain": "x"})])]
        nbformat.write(new.new_notebook(cells=cells), folder / f"{name}.ipynb")
    versions = {"python": "3.1", "numpy": "1.2", "torch": "2.3", "matplotlib": "3.4"}
    about = {**versions, "seconds": {"02_b": 61.6, "01_a": 5.2}}
    (folder / "times.json").write_text(json.dumps(about), encoding="utf-8")
    os.utime(folder / "times.json", (1_700_000_000, 1_700_000_000))


def test_the_status_page_says_what_was_run(tmp_path):
    run_of_two_chapters(tmp_path)
    page = status.page(tmp_path)
    assert [line for line in page.splitlines() if line.startswith("| ")][2:] == [
        "| 1 Title of 01_a | simulated | 2 | 5 |", "| 2 Title of 02_b | MNIST, WikiText-2 | 2 | 62 |"]
    assert "November 2023" in page and f"{os.cpu_count()} cores" in page
    assert "Versions: python 3.1, numpy 1.2, torch 2.3, matplotlib 3.4." in page
    (tmp_path / "times.json").unlink()
    with pytest.raises(FileNotFoundError):
        status.page(tmp_path)


def test_committed_outputs_come_from_real_data_only(tmp_path, monkeypatch):
    chapter = tmp_path / "01_a.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), chapter)
    before, executed = chapter.read_bytes(), []
    monkeypatch.setattr(execute, "execute", lambda source, target: executed.append((source, target)) or 1.0)
    monkeypatch.setattr(sys, "argv", ["execute", "--in-place", str(chapter)])
    monkeypatch.delenv("COLLAPSE_DATA", raising=False)
    with pytest.raises(SystemExit, match="refresh: set COLLAPSE_DATA"):
        execute.main()
    assert not executed and chapter.read_bytes() == before
    monkeypatch.setenv("COLLAPSE_DATA", str(tmp_path))
    execute.main()
    assert executed == [(chapter, chapter)] and not (tmp_path / "times.json").exists()


def test_a_run_notes_its_times_beside_the_copies(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "execute", lambda source, target: 1.26)
    monkeypatch.setattr(sys, "argv", ["execute", "--into", str(tmp_path), "book/01_a.ipynb", "book/02_b.ipynb"])
    execute.main()
    about = json.loads((tmp_path / "times.json").read_text(encoding="utf-8"))
    assert about["seconds"] == {"01_a": 1.3, "02_b": 1.3} and about["python"].startswith("3.")
