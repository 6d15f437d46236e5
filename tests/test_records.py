"""Records: what is written is read, and damage is named."""

import json

import numpy as np
import pytest
from collapse import records

ROWS = [
    {"arm": arm, "seed": seed, "generation": g, "loss": 100 * seed + g + 1 / 3, "shares": np.array([0.5, 0.25])}
    for arm in ("replace", "fresh") for seed in (10, 2) for g in (0, 1, 5)
]
MADE = {"python": "3", "seconds": 4}


def test_rows_come_back_sorted_and_short(tmp_path):
    records.write("one", ROWS[::-1], MADE, tmp_path)
    rows = records.read("one", tmp_path)
    keys = [tuple(row[k] for k in records.KEY) for row in rows]
    assert keys == sorted(keys) and len(rows) == len(ROWS)
    assert rows[0] == {"arm": "fresh", "seed": 2, "generation": 0, "loss": 200.333, "shares": [0.5, 0.25]}
    assert records.provenance("one", tmp_path) == MADE
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.jsonl", "one.provenance.json"]


def test_one_line_a_row_and_the_same_bytes_in_any_order(tmp_path):
    records.write("one", ROWS, MADE, tmp_path)
    first = (tmp_path / "one.jsonl").read_bytes()
    records.write("one", ROWS[::-1], MADE, tmp_path)
    assert (tmp_path / "one.jsonl").read_bytes() == first and first.count(b"\n") == len(ROWS)


@pytest.mark.parametrize("value, written", [
    (np.float32(0.1), 0.1), (np.int64(3), 3), (np.bool_(True), True), (1234567.89, 1234570.0), (1e-12 / 3, 3.33333e-13),
    ("text", "text"), (None, None), ((np.float64(1), 2), [1.0, 2]), (12345678, 12345678), (-0.5, -0.5),
])
def test_numbers_are_plain_and_short(tmp_path, value, written):
    records.write("one", [{"arm": "a", "seed": 0, "generation": 0, "x": value}], {}, tmp_path)
    assert json.loads((tmp_path / "one.jsonl").read_text(encoding="utf-8"))["x"] == written


def test_curves_are_seeds_by_generations(tmp_path):
    records.write("one", ROWS, MADE, tmp_path)
    loss = records.curves(records.read("one", tmp_path), "replace", "loss")
    assert loss == pytest.approx(np.array([[200, 201, 205], [1000, 1001, 1005]]) + 1 / 3, abs=0.01)
    assert records.curves(ROWS, "fresh", "shares").shape == (2, 3, 2)


def test_seeds_are_cut_to_the_shortest():
    assert records.curves(ROWS[:-1], "fresh", "loss").shape == (2, 2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.array([1, np.nan])])
def test_what_is_not_finite_is_refused_before_anything_is_written(tmp_path, value):
    with pytest.raises(ValueError, match=r"^rows: a number of \('a', 0, 3\) is not finite"):
        records.write("one", [{"arm": "a", "seed": 0, "generation": 3, "x": value}], {}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_record(tmp_path):
    records.write("one", ROWS, MADE, tmp_path)
    before = (tmp_path / "one.jsonl").read_bytes()
    with pytest.raises(ValueError):
        records.write("one", [*ROWS, {**ROWS[0], "seed": 3, "loss": float("nan")}], MADE, tmp_path)
    assert (tmp_path / "one.jsonl").read_bytes() == before


def test_an_interrupted_write_leaves_the_old_files(tmp_path, monkeypatch):
    def fail(part, path):
        raise OSError("interrupted")

    records.write("one", ROWS, MADE, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(records.os, "replace", fail)
    with pytest.raises(OSError, match="interrupted"):
        records.write("one", ROWS[:3], {"python": "4"}, tmp_path)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("call, message", [
    (lambda f: records.write("one", [ROWS[0], ROWS[0]], {}, f), r"rows: two of \('replace', 10, 0\)"),
    (lambda f: records.read("two", f), "name: no record 'two'; there are none"),
    (lambda f: records.curves(ROWS, "anchor", "loss"), "arm: no rows of 'anchor'; there are fresh, replace"),
    (lambda f: records.curves([], "anchor", "loss"), "arm: no rows"),
    (lambda f: records.curves(ROWS, "fresh", "lost"), "metric: 'lost' is not in every row of 'fresh'"),
    (lambda f: records.curves([*ROWS[6:9], *ROWS[10:]], "fresh", "loss"), "rows: the seeds of 'fresh' logged different"),
])
def test_errors_name_what_is_wrong(tmp_path, call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call(tmp_path)


@pytest.mark.parametrize("rows, made, message", [
    ([{"arm": "a", "seed": 0}], {}, "rows: arm, seed, generation in each, not {'arm': 'a', 'seed': 0}"), ([3], {}, "rows: arm"),
    ([ROWS[0] | {"loss": 1j}], {}, r"rows: .* not JSON serializable, in \('replace', 10, 0\)"),
    (ROWS, {"torch": np.int64(3)}, "provenance: .* not JSON serializable"),
])
def test_what_cannot_be_stored_is_named_before_anything_is_written(tmp_path, rows, made, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        records.write("one", rows, made, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_may_be_a_word_and_a_provenance_be_lost_or_damaged(tmp_path):
    records.write("one", ROWS, MADE, str(tmp_path))
    assert len(records.read("one", str(tmp_path))) == len(ROWS) and records.provenance("one", str(tmp_path)) == MADE
    with pytest.raises(ValueError, match="^name: no record 'two'; there are one$"):
        records.provenance("two", tmp_path)
    (tmp_path / "one.provenance.json").write_text('{"python": ', encoding="utf-8")
    with pytest.raises(ValueError, match=r"^one.provenance.json: not a provenance"):
        records.provenance("one", tmp_path)


@pytest.mark.parametrize("damage", ['{"arm": "a", "seed": 0}', '{"arm": "a", "se', "[1, 2]", "null", ""])
def test_a_damaged_line_is_named(tmp_path, damage):
    records.write("one", ROWS, MADE, tmp_path)
    path = tmp_path / "one.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3] = damage
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=r"^one.jsonl, line 4: not a record"):
        records.read("one", tmp_path)


def test_the_other_records_are_listed(tmp_path):
    records.write("one", ROWS, MADE, tmp_path)
    with pytest.raises(ValueError, match="there are one$"):
        records.read("two", tmp_path)
