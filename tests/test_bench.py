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
    sizes = [(2 * i + 1) * 10_000 // 10 for i in range(5)]
    assert np.mean(sizes) == 5000 and max(sizes) < 10_000


def test_flop_are_counted_as_six_a_weight_and_sample():
    weights = 784 * 400 + 400 * 40 + 20 * 400 + 400 * 784
    assert growth.vae_flop(10) == 10 * (6 * weights - 2 * 784 * 400)
    assert growth.transformer_flop(1, 100, 8, 1, 2) == 6 * 64 * (12 * 64 + 64 * 8 + 800)


def test_growth_finds_a_slope(monkeypatch):
    monkeypatch.setattr(growth, "seconds", lambda call: call() or 1.0)
    assert growth.slope([1, 2, 4], [lambda: 1.0, lambda: 4.0, lambda: 16.0]) == pytest.approx(2)


def test_the_readme_shows_the_kept_run():
    page = (Path(__file__).parent.parent / "README.md").read_text()
    found = json.loads(report.KEPT.read_text())
    assert report.placed(page, found) == page
    assert {"vae", "mixture", "bigram", "transformer-train"} <= {row["name"] for row in found["rows"]}
    other = found | {"accumulate_late_over_early": 9.87}
    assert "costs 9.87 times" in report.placed(page, other) != page
