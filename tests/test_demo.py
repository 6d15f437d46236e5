"""The live demos obey the same laws as the Python code: their JavaScript, run by node, against `theory`."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from collapse import datasets, discrete, theory
from conftest import ROOT
from scipy import stats

STATIC = ROOT / "book" / "_static"
sys.path.insert(0, str(ROOT / "book" / "_ext"))


def js(body: str):
    """Run the body of a JavaScript function with `s`, the samplers, and `u`, a seeded generator; return its value."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the laws of the live demos were not checked")
    code = (f"const s = require({json.dumps(str(STATIC / 'samplers.js'))}), u = s.generator(11);"
            f"console.log(JSON.stringify((() => {{ {body} }})()))")
    return json.loads(subprocess.run([node, "-e", code], capture_output=True, text=True, check=True).stdout)


def assert_mean(values, expected):
    """Fail unless the mean of ``values`` over runs (the first axis) is within 4 standard errors of ``expected``."""
    values = np.asarray(values, dtype=float)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    np.testing.assert_array_less(np.abs(values.mean(axis=0) - expected), 4 * error + 1e-12)


SHARES = datasets.breeds().shares.tolist()


def test_the_table_of_breeds_is_the_python_one():
    import static_files

    assert (STATIC / "breeds.js").read_text(encoding="utf-8") == static_files.breeds_js()


def test_dogs_have_the_same_shapes():
    import matplotlib.pyplot as plt
    from collapse import figures
    from matplotlib.patches import Ellipse, Polygon

    for traits in datasets.breeds().traits:
        figure, ax = plt.subplots()
        figures.draw_dog(ax, traits)
        shapes = js(f"return s.dogShapes({traits.tolist()})")
        assert len(shapes) == len(ax.patches)
        for shape, patch in zip(shapes, ax.patches, strict=True):
            np.testing.assert_allclose(shape["fill"], patch.get_facecolor()[:3], atol=1e-9)
            assert shape["line"] == (isinstance(patch, Polygon) or patch.get_linewidth() == 0.6)
            if shape["kind"] == "polygon":
                np.testing.assert_allclose(shape["points"], patch.get_xy()[:-1], atol=1e-9)
            else:
                assert isinstance(patch, Ellipse)
                found = (*patch.get_center(), patch.get_width(), patch.get_height(), patch.get_angle())
                np.testing.assert_allclose([shape[k] for k in ("x", "y", "width", "height", "angle")], found, atol=1e-9)
        plt.close(figure)


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (24, 0.9), (25, 0.02), (300, 0.3), (1000, 0.997)])
def test_binomial_numbers(n, p):
    found = np.bincount(js(f"return Array.from({{length: 20000}}, () => s.binomial({n}, {p}, u))"), minlength=n + 1)
    expected = 20000 * stats.binom.pmf(np.arange(n + 1), n, p)
    common = expected > 20
    pooled = [np.append(x[common], x[~common].sum()) for x in (found, expected)]
    if pooled[1][-1] < 5:  # too few rare values for a class of their own
        pooled = [np.append(x[:-2], x[-2] + x[-1]) for x in pooled]
    assert stats.chisquare(*pooled).pvalue > 1e-4


@pytest.mark.parametrize(("call", "law"), [
    ("normal(u)", stats.norm()), ("chiSquare(2, u)", stats.chi2(2)), ("chiSquare(1, u)", stats.chi2(1)),
    ("chiSquare(29, u)", stats.chi2(29)), ("chiSquare(999, u)", stats.chi2(999))])
def test_continuous_numbers(call, law):
    assert stats.kstest(js(f"return Array.from({{length: 20000}}, () => s.{call})"), law.cdf).pvalue > 1e-4


def test_multinomial_counts():
    counts = np.array(js(f"return Array.from({{length: 5000}}, () => s.multinomial(50, {SHARES}, u))"))
    assert (counts.sum(axis=1) == 50).all()
    shares = np.array(SHARES)
    assert_mean(counts, 50 * shares)
    covariance = 50 * (np.diag(shares) - np.outer(shares, shares))
    centred = counts - 50 * shares
    assert_mean(centred[:, :, None] * centred[:, None, :], covariance)


def park(generations, runs=3000, **now):
    """Return the diversity of generations 0, 1, ... of JavaScript parks, (runs, generations), 1 = real."""
    n = now["n"]
    return np.array(js(f"""const world = {SHARES}, now = {json.dumps(now)};
        return Array.from({{length: {runs}}}, () => {{
          let p = s.firstFit(world, {n}, u);
          return Array.from({{length: {generations}}}, (_, g) => {{
            if (g) p = s.refit(p, world, now, u);
            return s.diversity(p) / s.diversity(world);
          }});
        }});"""))


def test_an_honest_park_follows_d1():
    assert_mean(park(30, n=40), theory.diversity(np.arange(1, 31), 40))


def test_a_park_with_new_real_dogs_follows_f1():
    assert_mean(park(30, n=20, real=2), theory.kept_fresh(np.arange(1, 31), 20, 0.1))


def test_a_park_with_a_temperature_follows_d9():
    found = park(4, runs=2000, n=1000, temperature=0.8)
    expected = [1 - (theory.tempered(SHARES, 0.8, t) ** 2).sum() for t in range(1, 5)]
    # Infinitely many dogs are the limit: the bias of 1000 is a few thousandths.
    np.testing.assert_allclose(found.mean(axis=0), np.array(expected) / (1 - np.sum(np.square(SHARES))), atol=0.01)


def test_the_lines_of_the_park():
    steps = js("let v = 0; return Array.from({length: 50}, () => 1 - (v = s.nextLoss(v, 50, 5)))")
    np.testing.assert_allclose(steps, theory.kept_fresh(np.arange(1, 51), 50, 0.1))
    steps = js("let v = 0; return Array.from({length: 50}, () => 1 - (v = s.nextLoss(v, 50, 0)))")
    np.testing.assert_allclose(steps, theory.diversity(np.arange(1, 51), 50))
    limit = js(f"let p = {SHARES}; return Array.from({{length: 5}}, () => (p = s.nextLimit(p, {SHARES}, 0, 0.8)))")
    np.testing.assert_allclose(limit, [theory.tempered(SHARES, 0.8, t) for t in range(2, 7)])
    np.testing.assert_allclose(js("return s.temper([0.5, 0.5, 0], 0.3)"), discrete.temper([0.5, 0.5, 0], 0.3))


@pytest.mark.parametrize("ddof", [0, 1])
def test_gaussian_chains(ddof):
    n, t = 20, 15
    chains = js(f"""return Array.from({{length: 8000}}, () => {{
        let c = {{mean: 0, logVariance: 0}};
        for (let i = 0; i < {t}; i++) c = s.refitGaussian(c, {n}, {ddof}, u);
        return [c.mean, c.logVariance];
    }});""")
    mean, log_variance = np.array(chains).T
    assert_mean(log_variance, t * theory.log_variance_drift(n, ddof))
    assert_mean((log_variance - log_variance.mean()) ** 2, theory.log_variance_spread(t, n))
    assert_mean(mean**2, theory.variance_of_mean(t, n, ddof))
    for size in (3, 10, 1000):
        assert js(f"return s.drift({size}, {ddof})") == pytest.approx(theory.log_variance_drift(size, ddof), abs=1e-9)


@pytest.mark.parametrize(("same", "kept"), [("false", theory.kept_fresh), ("true", theory.kept_frozen)])
def test_a_share_of_real_data(same, kept):
    options = f"{{n: 20, real: 4, same: {same}, chains: 6000, generations: 25}}"
    expected = kept(np.arange(1, 26), 20, 0.2)
    assert_mean(np.array(js(f"return s.mixedGaussians({options}, u)")).T, expected)
    name = kept.__name__.replace("_f", "F")
    lines = js(f"return Array.from({{length: 25}}, (_, g) => s.{name}(g + 1, 20, 4))")
    np.testing.assert_allclose(lines, expected)
