"""Every number that the prose quotes has a carrier, and is what its carrier gives now: prose.py says what carries."""

import copy
from decimal import Decimal

import pytest
from carriers import CARRIERS, PENDING
from prose import CHAPTERS, PAGES, numbers, orphans, plain, quoted, read, same, sentences

ENTRIES = [pytest.param(page, *entry, *[None] * (3 - len(entry)), id=f"{page}: {entry[0][:50]}")
           for page, entries in CARRIERS.items() for entry in entries]
WAITING = [pytest.param(page, *entry, id=f"{page}: {entry[0][:50]}")
           for page, entries in PENDING.items() for entry in entries]


def fragments(page):
    """Return the fragments of a page that the tables deal with."""
    return [entry[0] for entry in CARRIERS.get(page, []) + PENDING.get(page, [])]


def text_of(page):
    return "\n".join(piece for prose, _, _ in read(page).values() for piece in prose)


def wanted(fragment, says=None):
    """Return the numbers of a fragment, or those that its words say."""
    return [Decimal(word) for word in says] if says else [value for value, _, _ in numbers(plain(fragment))]


def agree(wanted, given):
    """Tell whether a carrier gives the wanted numbers, each to its last place."""
    given = given if isinstance(given, tuple) else (given,)
    return len(wanted) == len(given) > 0 and all(
        abs(abs(float(value)) - float(want)) <= 10.0 ** want.as_tuple().exponent / 2 + 1e-12
        for value, want in zip(given, wanted, strict=True))


# ---- the book -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_number_has_a_carrier(page):
    assert orphans(read(page), fragments(page)) == []


@pytest.mark.parametrize(("page", "fragment", "carrier", "says"), ENTRIES)
def test_a_listed_number_is_what_its_carrier_gives(page, fragment, carrier, says):
    assert fragment in text_of(page), "the text has changed: change or delete the entry"
    given = carrier()
    assert agree(wanted(fragment, says), given), f"it gives {given}"


@pytest.mark.parametrize(("page", "fragment", "carrier", "reason"), WAITING)
def test_a_pending_number_is_still_to_be_mended(page, fragment, carrier, reason):
    assert fragment in text_of(page), "it has been mended: delete the entry"
    if carrier:
        assert not agree(wanted(fragment), carrier()), "it is right now: move the entry to CARRIERS"
    else:
        others = [other for other in fragments(page) if other != fragment]
        found = "\n".join(orphans(read(page), others))
        assert any(f"{value:f}" in found for value in wanted(fragment)), "something carries it now: delete the entry"


# ---- these tests can fail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_made_up_number_is_caught_in_every_section(page):
    pieces, made_up = copy.deepcopy(read(page)), ["0.4871", "8153", "3.917", "61.3%", "7391"]
    for prose, _, _ in pieces.values():
        prose.append("The spread is .4871 after 8,153 runs, $V = 3.917$, and\n\n| 61.3% | of 7,391 |\n\nare left.")
    assert [line.split(" in ")[0] for line in orphans(pieces, fragments(page))] == made_up * len(pieces)


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_number_that_is_off_by_one_in_the_last_place_is_caught(page):
    caught = []
    for _, _, (value, unit, percent), carriers in quoted(read(page), fragments(page)):
        if len(value.as_tuple().digits) > 1 and value % 10:  # 100 and 30 are sizes that code names everywhere
            for wrong in (value + unit, value - unit):
                caught.append(not any(same((wrong, unit, percent), carrier) for carrier in carriers))
    assert sum(caught) > max(4, 0.65 * len(caught))  # the rest is something else that is printed near by


@pytest.mark.parametrize(("page", "fragment", "carrier", "says"), ENTRIES)
def test_a_listed_number_that_is_off_by_one_in_the_last_place_is_caught(page, fragment, carrier, says):
    said, given = wanted(fragment, says), carrier()
    for i, value in enumerate(said):
        unit = Decimal(1).scaleb(value.as_tuple().exponent)
        for wrong in (value + unit, value - unit):
            assert not agree([*said[:i], wrong, *said[i + 1:]], given), wrong


def test_an_entry_whose_text_is_gone_is_caught():
    with pytest.raises(AssertionError, match="the text has changed"):
        test_a_listed_number_is_what_its_carrier_gives("01", "breeds live 17.3 generations", lambda: 17.3, None)


@pytest.mark.parametrize(("text", "found"), [
    ("It falls from .688 to 0.44 {cite:p}`x`. Ours: −0.6 after 1,200 steps.", "0.688 0.44 0.6 1200"),
    ("For 5, 10 and 20% of $N = 60$ points, $10^{-6}$ and $1 - 2/N$ or W2.", "5% 10% 20% 60 0.000001"),
    ("In chapters 1 and 2 (law D4; definitions 5 and 7) the `x = 3` of 2N [99](http://a.b/12) is 4.", "99 4"),
    ("# Title 7\n\n$$ x = 12 $$ (eq-3)\n\n:::{note} Only 8\n:class: x9\n6 dogs\n:::", "8 6"),
    ("**Predict.** Is it 50 or 70? It has 30 points.\n\n| 1 dog | .5 |\n\n* 12 dogs\n1. 13 dogs", "30 0.5 12 13"),
    ("{cite:t}`x2024` (2024) found 3 in July 2024, and 2,024 in chapter 4, 2050 of them by 2030.", "3 2024 2050 2030"),
])
def test_what_counts_as_a_number(text, found):
    seen = [f"{value:f}{'%' * percent}" for piece in sentences(plain(text)) for value, _, percent in numbers(piece)]
    assert " ".join(seen) == found


@pytest.mark.parametrize(("number", "carrier", "carries"), [
    ("0.30", "30%", True), ("30%", "0.30", True), ("31%", "0.30", False), ("0.04", "0.0412", True),
    ("0.05", "0.0412", False), ("12", "12.2", True), ("13", "12.2", False), ("3", "3.2", False), ("2.9", "3", False),
])
def test_what_carries_a_number(number, carrier, carries):
    assert same(numbers(number)[0], numbers(carrier)[0]) is carries
