"""The built site in a real Chromium: no errors, nothing from elsewhere, no dead links, demos that work, axe clean.

`make test-all` builds the site first and fetches axe-core; what is not there is skipped with a message.
"""

import functools
import http.server
import re
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import browser
import offline

HTML = ROOT / "_build" / "html"
AXE = ROOT / "_build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = sorted(page for page in HTML.rglob("*.html") if "_static" not in page.parts)
VIEWS = [(1280, "light"), (390, "light"), (390, "dark"), (1280, "dark")]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HTML)))

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PAGES, reason="the site is not built: run `make book`")]


@pytest.fixture(scope="module")
def chromium():
    if browser.find() is None:
        pytest.skip("chromium is not installed: the pages were not looked at")
    with browser.Browser() as window:
        yield window


@pytest.fixture(scope="module")
def address():
    """Serve the site on this machine and give its address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(HTML))
    handler.log_message = lambda *arguments: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.RequestHandlerClass.func.log_message = lambda *arguments: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


# ---- without a browser: links and weights ----------------------------------------------------------------------


class Links(HTMLParser):
    """Collect what a page points to, and the anchors that it has."""

    def __init__(self, page: Path):
        super().__init__()
        self.targets, self.anchors, self.images = [], set(), []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        self.targets += [found[key] for key in ("href", "src", "action") if found.get(key) and tag != "base"]
        if tag == "img" and found.get("src"):
            self.images.append(found["src"])


links = functools.cache(Links)


@each_page
def test_no_dead_link_or_anchor(page):
    dead = []
    for target in links(page).targets:
        parts = urlsplit(target)
        if parts.scheme in ("http", "https", "mailto", "data", "javascript"):
            continue
        file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not file.is_file() or (parts.fragment and file.suffix == ".html" and unquote(parts.fragment) not in
                                  links(file).anchors | {"top"}):
            dead.append(target)
    assert not dead


@each_page
def test_a_page_weighs_at_most_one_and_a_half_megabytes(page):
    images = {(page.parent / unquote(source)).resolve() for source in links(page).images if "data:" not in source}
    own = [file for file in images if "_images" in file.parts]
    assert page.stat().st_size + sum(file.stat().st_size for file in own) <= 1.5e6


@each_page
def test_every_picture_has_a_text_alternative(page):
    for image in re.findall(r"<img[^>]*>", page.read_text(encoding="utf-8")):
        assert re.search(r'alt="[^"]+"', image) or 'class="logo__image' in image, image[:200]  # the title is beside it


@each_page
def test_a_page_is_mended_and_mending_it_again_changes_nothing(page):
    html = page.read_text(encoding="utf-8")
    assert offline.mend(html) == html


# ---- in the browser ----------------------------------------------------------------------------------------------


@each_page
def test_a_page_from_the_disk_is_quiet_and_asks_nobody(chromium, page):
    chromium.view()
    chromium.open(page.as_uri())
    assert chromium.problems() == []
    assert [url for url in chromium.requests() if urlsplit(url).scheme not in ("file", "data", "blob")] == []


@each_page
def test_no_page_scrolls_sideways(chromium, page):
    chromium.view(390, 844)
    chromium.open(page.as_uri())
    assert chromium.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@pytest.mark.parametrize("width, scrolls", [(390, True), (1280, False)])
def test_figures_of_several_panels_scroll_on_a_phone_only(chromium, width, scrolls):
    chromium.view(width, 844)
    chromium.open((HTML / "book" / "04_vae.html").as_uri())
    boxes = chromium.evaluate("""[...document.querySelectorAll(".wide-figure")]
        .map(box => [box.scrollWidth > box.clientWidth, box.tabIndex])""")
    assert boxes and all(box == [scrolls, 0] for box in boxes)


@each_page
def test_axe_finds_no_violation(chromium, page):
    if not AXE.exists():
        pytest.skip("axe-core is not there (npm install --prefix _build/npm axe-core): accessibility was not checked")
    chromium.view()
    chromium.open(page.as_uri())
    chromium.evaluate(AXE.read_text(encoding="utf-8") + "; 1")
    violations = []
    for width, scheme in VIEWS:
        chromium.view(width, 844, scheme)
        wait(chromium, 400)  # after that the theme makes what scrolls reachable by keyboard
        violations += [(width, scheme, *violation) for violation in chromium.evaluate(
            "axe.run({resultTypes: ['violations']}).then(r =>"
            "r.violations.flatMap(v => v.nodes.slice(0, 5).map(n => [v.id, n.target.join(' ')])))")]
    assert violations == []


@pytest.mark.parametrize("place", ["disk", "server"])
def test_search_finds_pages(chromium, address, place):
    chromium.view()
    root = HTML.as_uri() if place == "disk" else address
    chromium.open(f"{root}/search.html?q=variance")
    found = chromium.evaluate("""new Promise((done) => { const look = () => {
        const count = document.querySelectorAll("ul.search li").length;
        count ? done(count) : setTimeout(look, 50); }; look(); setTimeout(() => done(0), 10000); })""")
    assert found > 1
    assert chromium.problems() == []


# ---- the live demos -----------------------------------------------------------------------------------------------


def demo_page(name: str) -> Path:
    """Return the page that has a demo, or skip."""
    for page in PAGES:
        if f"<{name}" in page.read_text(encoding="utf-8"):
            return page
    pytest.skip(f"no page has <{name}>")


def says(window, name: str) -> str:
    return window.evaluate(f"document.querySelector('{name} .demo-says').textContent")


def click(window, name: str, text: str) -> None:
    window.evaluate(f"""[...document.querySelectorAll('{name} button')]
        .find(b => b.textContent === {text!r}).click()""")


def slide(window, name: str, label: str, value: int) -> None:
    """Move the slider whose label begins with ``label`` to a position."""
    window.evaluate(f"""(() => {{ const input = [...document.querySelectorAll('{name} input[type=range]')]
        .find(i => i.labels[0].textContent.startsWith({label!r}));
        input.value = {value}; input.dispatchEvent(new Event('input', {{bubbles: true}})); }})()""")


def wait(window, milliseconds: int) -> None:
    window.evaluate(f"new Promise(done => setTimeout(done, {milliseconds}))")


def seconds_until(window, name: str, generation: int, limit: int = 30) -> float:
    """Press Play, wait until the demo says a generation, and return how long it took."""
    return window.evaluate(f"""new Promise((done, fail) => {{
        const demo = document.querySelector('{name}'), start = performance.now();
        [...demo.querySelectorAll('button')].find(b => b.textContent === 'Play').click();
        const look = () => {{
          const seconds = (performance.now() - start) / 1000;
          if (+demo.querySelector('.demo-says').textContent.match(/\\d+/)[0] >= {generation}) done(seconds);
          else if (seconds > {limit}) fail(new Error('nothing happens'));
          else setTimeout(look, 10);
        }};
        look(); }})""")


@pytest.mark.parametrize("name", ["dog-park", "gaussian-chains"])
def test_a_demo_does_what_its_buttons_say(chromium, name):
    chromium.view()
    chromium.open(demo_page(name).as_uri())
    assert says(chromium, name).startswith("Generation 0:")
    click(chromium, name, "One generation")
    assert says(chromium, name).startswith("Generation 1:")
    seconds_until(chromium, name, 3)
    click(chromium, name, "Pause")
    paused = says(chromium, name)
    wait(chromium, 700)
    assert says(chromium, name) == paused
    click(chromium, name, "Start again")
    assert says(chromium, name).startswith("Generation 0:")
    assert chromium.problems() == []


def park_shares(window) -> list[int]:
    """Return how many dogs of each breed the park shows."""
    return window.evaluate("""Object.values([...document.querySelectorAll('dog-park use')]
        .reduce((n, dog) => ({...n, [dog.textContent]: (n[dog.textContent] ?? 0) + 1}), {}))""")


def test_the_park_forgets_and_is_kept_by_real_dogs(chromium):
    chromium.view()
    chromium.open(demo_page("dog-park").as_uri())
    step = "for (let i = 0; i < 300; i++) document.querySelector('dog-park').step()"
    assert sum(park_shares(chromium)) == 100
    slide(chromium, "dog-park", "Dogs", 0)  # ten dogs a model: gone within 300 generations
    chromium.evaluate(step)
    assert park_shares(chromium) == [100]
    click(chromium, "dog-park", "Start again")
    slide(chromium, "dog-park", "Dogs", 6)  # a thousand dogs, half of them real
    slide(chromium, "dog-park", "New real dogs", 6)
    chromium.evaluate(step)
    assert len(park_shares(chromium)) > 8
    click(chromium, "dog-park", "Start again")
    slide(chromium, "dog-park", "New real dogs", 0)
    slide(chromium, "dog-park", "Temperature", 0)  # half: the favourite takes all in a few generations
    chromium.evaluate(step.replace("300", "10"))
    assert max(park_shares(chromium)) == 100
    assert "golden retriever" in says(chromium, "dog-park")


def test_the_gaussian_has_two_estimators(chromium):
    chromium.view()
    chromium.open(demo_page("gaussian-chains").as_uri())
    found = {}
    for ddof in (1, 0):
        chromium.evaluate(f"document.querySelector('gaussian-chains input[value=\"{ddof}\"]').click()")
        click(chromium, "gaussian-chains", "Start again")
        chromium.evaluate("for (let i = 0; i < 60; i++) document.querySelector('gaussian-chains').step()")
        found[ddof] = float(re.search(r"median variance is ([\d.e+-]+)", says(chromium, "gaussian-chains"))[1])
    assert 2 < found[1] / found[0] < 30  # theory: (30/29)^61 = 7.9


def test_the_share_of_real_data_answers_at_once(chromium):
    chromium.view()
    chromium.open(demo_page("real-share").as_uri())
    slide(chromium, "real-share", "Real points", 4)
    assert "5 of 50 points are real: in the long run 0.90" in says(chromium, "real-share")
    assert chromium.evaluate("document.querySelector('real-share').dataset.regime") == "fresh"
    slide(chromium, "real-share", "Real points", 0)
    assert says(chromium, "real-share").startswith("No real data")
    assert chromium.evaluate("document.querySelector('real-share').dataset.regime") == "replace"
    slide(chromium, "real-share", "Real points", 4)
    chromium.evaluate("document.querySelector('real-share input[value=same]').click()")
    assert "in the long run 0.73" in says(chromium, "real-share")
    assert chromium.evaluate("document.querySelector('real-share').dataset.regime") == "frozen"


def test_the_keyboard_is_enough(chromium):
    chromium.view()
    chromium.open(demo_page("dog-park").as_uri())
    chromium.evaluate("document.querySelector('dog-park').scrollIntoView()")
    chromium.evaluate("document.querySelector('dog-park button').focus()")
    chromium.press("Enter")
    assert says(chromium, "dog-park").startswith("Generation 1:")
    for _ in range(3):  # past Play and Start again, to the first slider
        chromium.press("Tab")
    chromium.press("ArrowRight")
    assert chromium.evaluate("document.activeElement.getAttribute('aria-valuetext')") == "200"
    outline = chromium.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


def test_play_is_slow_for_those_who_want_no_motion(chromium):
    chromium.view(motion=False)
    chromium.open(demo_page("dog-park").as_uri())
    wait(chromium, 500)
    assert says(chromium, "dog-park").startswith("Generation 0:")  # nothing moves by itself
    assert seconds_until(chromium, "dog-park", 1) > 0.9
    click(chromium, "dog-park", "Pause")
    chromium.view()


def test_without_javascript_and_in_print_a_still_stands_for_the_demo(chromium):
    chromium.view()
    page = demo_page("dog-park")
    assert re.search(r"<dog-park[^>]*>.*?<img[^>]+alt=\"[^\"]{20,}", page.read_text(encoding="utf-8"), re.S)
    chromium.open(page.as_uri())
    shown = "getComputedStyle(document.querySelector('dog-park {}')).display !== 'none'"
    assert not chromium.evaluate(shown.format(".demo-still"))
    chromium.call("Emulation.setEmulatedMedia", media="print")
    assert chromium.evaluate(shown.format(".demo-still"))
    assert not chromium.evaluate(shown.format(".demo"))
    chromium.call("Emulation.setEmulatedMedia", media="")


def test_players_step_and_scrub(chromium):
    pages = [page for page in PAGES if 'class="player"' in page.read_text(encoding="utf-8")]
    if not pages:
        pytest.skip("no page has a player")
    visible = "[...document.querySelectorAll('.player .frame')].findIndex(i => getComputedStyle(i).visibility === 'visible')"
    height = "document.querySelector('.player').offsetHeight"  # the controls must not jump
    for page in pages:
        chromium.open(page.as_uri())
        before = chromium.evaluate(height)
        assert chromium.evaluate(visible) == 0
        chromium.evaluate("document.querySelectorAll('.player button')[1].click()")
        assert chromium.evaluate(visible) == 1
        chromium.evaluate("""(() => { const s = document.querySelector('.player input');
            s.value = s.max; s.dispatchEvent(new Event('input')); })()""")
        assert chromium.evaluate(visible) == chromium.evaluate("+document.querySelector('.player input').max")
        assert chromium.evaluate(height) == before
        assert chromium.problems() == []


# ---- terms, previews, margin notes --------------------------------------------------------------------------------


def test_chapters_link_terms_to_the_glossary_and_say_what_they_mean():
    anchors, chapters = links(HTML / "book" / "glossary.html").anchors, 0
    for page in sorted((HTML / "book").glob("0*.html")):
        found = re.findall(r'<a class="reference internal" href="glossary\.html#(term-[^"]+)" title="([^"]{10,})"',
                           page.read_text(encoding="utf-8"))
        assert len(found) >= 3 and {anchor for anchor, _ in found} <= anchors, page.name
        assert len({anchor for anchor, _ in found}) == len(found), "each entry once"
        chapters += 1
    assert chapters


PREVIEW = "document.getElementById('preview')"
KINDS = {"term": "a:has(> .std-term)", "reference": 'a[href^="references.html#"]',
         "equation": 'a.internal[href^="#equation-"]'}


def preview(window, link: str) -> str:
    """Return what the preview of a link says, or nothing if it is not open and tied to the link."""
    wait(window, 600)
    return window.evaluate(f"""!{PREVIEW}.hidden && document.querySelector({link!r})
        .getAttribute("aria-describedby") === "preview" ? {PREVIEW}.textContent : "" """)


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_opens_by_mouse_and_keyboard_and_closes_with_escape(chromium, kind):
    chromium.view()
    chromium.open((HTML / "book" / "02_gaussian.html").as_uri())
    link = f".bd-article {KINDS[kind]}"
    x, y = chromium.evaluate(f"""(() => {{ const link = document.querySelector({link!r});
        link.scrollIntoView({{block: "center", behavior: "instant"}});
        const box = link.getClientRects()[0]; return [box.x + box.width / 2, box.y + box.height / 2]; }})()""")
    assert preview(chromium, link) == ""
    chromium.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert len(preview(chromium, link)) > 10
    chromium.press("Escape")
    assert preview(chromium, link) == ""
    chromium.call("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    chromium.call("Emulation.setFocusEmulationEnabled", enabled=True)
    chromium.evaluate(f"document.querySelector({link!r}).focus({{focusVisible: true}})")
    assert len(preview(chromium, link)) > 10
    left, right = chromium.evaluate(f"(box => [box.left, box.right])({PREVIEW}.getBoundingClientRect())")
    assert 0 <= left and right <= 1280
    if AXE.exists():
        chromium.evaluate(AXE.read_text(encoding="utf-8") + "; 1")
        assert chromium.evaluate("axe.run('.bd-article').then(r => r.violations.map(v => v.id))") == []
    chromium.press("Escape")
    assert preview(chromium, link) == ""
    assert chromium.problems() == []


@pytest.mark.parametrize("width", [390, 820, 1100, 1299, 1300, 1600])
def test_margin_notes_stay_on_the_page(chromium, width):
    chromium.view(width)
    chromium.open((HTML / "book" / "02_gaussian.html").as_uri())
    right = chromium.evaluate("""Math.max(...[...document.querySelectorAll("aside.margin")]
        .map(note => note.getBoundingClientRect().right))""")
    assert 0 < right <= width
