"""What `make bench` compares must be the same work; and its arithmetic, at tiny sizes. No test looks at a time."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks import growth, report, samplers, timing

CHECKS = {work.same.__name__: work.same for work in samplers.works()}


@pytest.mark.parametrize("name", CHECKS)
def test_ours_and_the_baseline_follow_one_law(name):
    CHECKS[name]()


def test_the_autoencoder_has_the_loss_of_the_stock_example():
    pytest.importorskip("torchvision")
    from benchmarks import networks

    networks.same_vae()


def test_the_transformer_computes_what_transformers_computes():
    pytest.importorskip("transformers")
    from benchmarks import networks

    networks.same_transformer()


@pytest.mark.parametrize("call", [
    lambda: samplers.assert_alike(np.arange(50.0), np.arange(50.0) + 20),
    lambda: samplers.assert_alike(np.zeros((2, 50)), [np.zeros(50), np.ones(50)]),
])
def test_different_laws_are_told_apart(call):
    with pytest.raises(AssertionError, match="the laws differ"):
        call()


def test_a_wrong_baseline_is_found_out(monkeypatch):
    loop = samplers.categorical_loop
    monkeypatch.setattr(samplers, "categorical_loop", lambda p, n, *sizes: loop(p, n * 2, *sizes))
    with pytest.raises(AssertionError, match="the laws differ"):
        samplers._same_categorical()


def test_rows_scale_the_slice_and_pair_neighbours_in_time(monkeypatch):
    clock = iter([1.0, 5.0, 2.0, 8.0, 1.0, 6.0])
    monkeypatch.setattr(timing, "seconds", lambda call: next(clock))
    work = timing.Work("w", 1, None, None, lambda: None, "", share=0.5, turns=3)
    row = timing.by_turns(work)
    assert (row.ours_s, row.baseline_s, row.ratio, row.low, row.high) == (1, 12, 10, 8, 12)


def test_the_slice_of_accumulate_stands_for_the_whole():
    """The pools of the slice have the mean size of all pools, so a cost linear in the pool adds up."""
    sizes = samplers.pool_sizes(10_000, 7, 5)
    assert len(sizes) == 5 and np.mean(sizes) == 10_000 * 7 / 2 and max(sizes) < 10_000 * 7


def test_the_slice_of_accumulate_refits_to_those_pools(monkeypatch):
    class Refits:
        normal = staticmethod(lambda mean, std, n: refits.append((mean, std, n)) or np.zeros(n))

    refits = []
    monkeypatch.setattr(samplers, "rng", Refits)
    monkeypatch.setattr(samplers, "_pool", lambda n: np.arange(float(n)))
    samplers.keep_all_slice(100, 3, 2)
    pools = [np.arange(size) for size in (75, 225)]
    assert refits == [(pool.mean(), pool.std(), 3) for pool in pools]


def test_flop_are_counted_as_six_a_weight_and_sample():
    weights = 784 * 400 + 400 * 40 + 20 * 400 + 400 * 784
    assert growth.vae_flop(10) == 10 * (6 * weights - 2 * 784 * 400)
    assert growth.transformer_flop(1, 100, 8, 1, 2) == 6 * 64 * (12 * 64 + 64 * 8 + 800)


def test_growth_finds_a_slope(monkeypatch):
    monkeypatch.setattr(growth, "seconds", lambda call: call() or 1.0)
    assert growth.slope([1, 2, 4], [lambda: 1.0, lambda: 4.0, lambda: 16.0]) == pytest.approx(2)


def test_the_readme_shows_the_kept_run():
    page = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    found = json.loads(report.KEPT.read_text(encoding="utf-8"))
    assert report.placed(page, found) == page
    wanted = {work.name for work in samplers.works()} | {"vae", "transformer-train", "transformer-sample", "transformer-beam"}
    assert wanted == {row["name"] for row in found["rows"]} and {"limits", "growth", "memory"} <= set(found)
    assert "Measured on 1999-01-01" in report.placed(page, found | {"date": "1999-01-01"})


def test_a_part_measured_anew_leaves_the_rest(tmp_path, monkeypatch):
    row = {"name": "a", "ratio": 2.0, "low": 1.0, "high": 3.0, "floor": 1, "why": "w"}
    first = {"rows": [row, row | {"name": "b"}], "date": "d", "cpu": "c", "cores": 2, "versions": {"python": "3"}}
    (tmp_path / "README.md").write_text(f"before\n{report.BEGIN}{report.END}after\n", encoding="utf-8")
    monkeypatch.setattr(report, "KEPT", tmp_path / "measured.json")
    monkeypatch.setattr(report, "ROOT", tmp_path)
    report.keep(first)
    report.keep(first | {"rows": [row | {"ratio": 7.0}], "memory": {"generations": 1, "images": 2, "peak_gb": 3, "goal_gb": 4}})
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| a | 7 |" in page and "| b | 2 |" in page and "3.00 GB" in page and page.endswith("after\n")
    with pytest.raises(ValueError, match="another machine"):
        report.keep(first | {"cpu": "other"})
