"""The recorded chains of chapter 3: what the text says of them, and that a killed run ends in the same rows."""

import dataclasses

import numpy as np
import pytest
from collapse import chain, records, studies, theory, worlds
from collapse.declarations import Arm, Study
from collapse.mixture import Mixture

ROWS = records.read("mixture")
ABOUT = records.provenance("mixture")


def last(arm, metric):
    return records.curves(ROWS, arm, metric)[0][-1]


def test_every_arm_is_complete():
    study = studies.STUDIES["mixture"]
    assert {row["arm"] for row in ROWS} == set(study.arms)
    for name, arm in study.arms.items():
        assert [row["generation"] for row in ROWS if row["arm"] == name] == list(study.logged(arm))
    assert ABOUT["chains"] == worlds.CHAINS and tuple(ABOUT["quantiles"]) == worlds.LEVELS


def test_quantiles_are_in_order():
    for row in ROWS:
        for name, value in row.items():
            if isinstance(value, list):
                assert len(value) == len(worlds.LEVELS) and (np.diff(value) >= 0).all(), name


def test_modes_die_like_two_categories():
    both = records.curves(ROWS, "two blobs, 1e-6", "both_alive")[0]
    expected = 2 * theory.survival([0.5], 1000, 2001)[:, 0] - 1
    for generation in (500, 1000, 2000):
        p = expected[generation]
        assert abs(both[generation // 50] - p) < 4 * np.sqrt(p * (1 - p) / worlds.CHAINS)
    assert 0.15 < both[40] < 0.3  # the quiz says "about a fifth"


def test_the_published_run_lies_at_the_low_end():
    for arm in ("two blobs, 1e-6", "one blob, 1e-6"):
        low, middle = last(arm, "inside")[[1, 3]]
        assert 0.0106 < low and middle > 0.02
    assert last("two blobs, 1e-12", "inside")[1] < last("two blobs, 1e-6", "inside")[1] / 2


def test_a_second_peak_appears_in_most_chains_of_one_blob():
    peaks = records.curves(ROWS, "one blob, 1e-6", "two_peaks")[0]
    assert peaks[0] == 0 and peaks[1] > 0.5 and peaks[-1] > 0.8


def test_a_killed_study_ends_in_the_same_rows(tmp_path, monkeypatch):
    small = Study(arms={"a": Arm(Mixture(2), generations=8)}, world=worlds.two_blobs,
                          measure=worlds.measure_mixture, n=40, seeds=1, every=3)
    monkeypatch.setitem(studies.STUDIES, "small", small)
    whole, _ = studies.run_unit("small", "a", 0, tmp_path / "whole")
    assert [row["generation"] for row in whole] == [0, 3, 6]

    original, calls = small.measure, []
    note, times = calls.append, calls.count  # held instead of the list, which changes: a study knows what it holds

    def measure(generation, *rest):
        note(generation.index)
        if generation.index == 6 and times(6) == 1:
            raise KeyboardInterrupt
        return original(generation, *rest)

    monkeypatch.setitem(studies.STUDIES, "small", dataclasses.replace(small, measure=measure))
    with pytest.raises(KeyboardInterrupt):
        studies.run_unit("small", "a", 0, tmp_path / "killed")
    again, _ = studies.run_unit("small", "a", 0, tmp_path / "killed")
    assert again == whole and calls == [0, 3, 6, 6]


def test_the_record_repeats():
    arm, study = studies.STUDIES["mixture"].arms["two blobs, 1e-6"], studies.STUDIES["mixture"]
    world = study.world(0)
    first = next(chain(arm.model, world.source, n=study.n, rng=np.random.default_rng(0)))
    again = study.measure(first, first.model, world, None)
    row = next(row for row in ROWS if row["arm"] == "two blobs, 1e-6" and row["generation"] == 0)
    assert np.allclose(again["inside"], row["inside"], rtol=1e-4) and np.allclose(again["left"], row["left"])
