"""What the pictures that recur show: labels at the ends of curves, rows of images, players that stand alone."""

import json
import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
from collapse import figures


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_a_label_stands_at_the_last_point_in_the_colour_of_its_regime(ax):
    x, y = np.arange(5), np.arange(5.0) ** 2
    assert figures.label_end(ax, x, y, "kept", "fresh") is ax
    assert ax.texts[-1].xy == (x[-1], y[-1]) and ax.texts[-1].get_text() == "kept"
    assert ax.texts[-1].get_color() == figures.COLOURS["fresh"]


def test_a_band_lies_between_its_curves(ax):
    figures.band(ax, [0, 1], [2.0, 3.0], [4.0, 6.0], "replace")
    (region,) = ax.collections
    corners = {tuple(point) for point in region.get_paths()[0].vertices.tolist()}
    assert corners == {(0, 2), (1, 3), (1, 6), (0, 4)}


def test_a_sheet_has_a_row_for_each_label_and_its_first_sixteen_images(rng):
    first, second = rng.integers(0, 256, (2, 20, 784), dtype=np.uint8)
    figure = figures.sample_sheet([("one", first), ("two", second[:3])])
    assert [ax.get_ylabel() for ax in figure.axes] == ["one", "two"]
    for ax, images in zip(figure.axes, (first[:16], second[:3]), strict=True):
        strip = ax.images[0].get_array()
        assert strip.shape == (28, 28 * len(images))
        for i, image in enumerate(images):
            assert (strip[:, 28 * i:][:, :28] == image.reshape(28, 28)).all()
    plt.close(figure)


# ---- players -------------------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of its scripts, as a browser sees them."""

    def __init__(self, page):
        super().__init__()
        self.found, self.script, self.inside = [], "", False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self.inside = tag == "script"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.script += data if self.inside else ""

    def of(self, wanted):
        return [attributes for tag, attributes in self.found if tag == wanted]


def a_figure(i):
    figure, ax = plt.subplots(figsize=(1, 1))
    ax.plot([0, i])
    return figure


def test_a_player_says_what_it_shows_and_hides_all_frames_but_the_first():
    before = len(plt.get_fignums())
    page = Elements(figures.player(a_figure, ["t = 0", "t = 1", "t = 2"], 'Lines that are "steep" & long').data)
    images = page.of("img")
    assert [image["alt"] for image in images] == ['Lines that are "steep" & long', "t = 1", "t = 2"]
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)
    frames = [box for box in page.of("div") if box.get("class") == "frame"]
    assert ["hidden" in frame for frame in frames] == [False, True, True]
    assert page.of("input")[0]["max"] == "2" and page.of("div")[0]["aria-label"] == images[0]["alt"]
    assert len(plt.get_fignums()) == before  # nothing is left open


LABELS = ["start", "</script><b>x</b>", 'a "quoted" one', "back\\slash", "it's"]


def test_no_label_breaks_out_of_the_script_of_a_player():
    page = figures.player(lambda i: f"<p>{i}</p>", LABELS, "alt").data
    assert page.count("</script>") == 1 and page.endswith("</script>")
    written = re.search(r"labels = (\[.*?\]);\n", Elements(page).script)[1]
    assert json.loads(written) == LABELS
    assert not Elements(page).of("b")


def test_two_players_of_a_page_have_names_of_their_own():
    pages = [Elements(figures.player(lambda i, text=text: text, ["a", "b"], "alt").data) for text in ("one", "two")]
    assert pages[0].of("div")[0]["id"] != pages[1].of("div")[0]["id"]
