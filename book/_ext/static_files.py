"""Draw what `book/_static` holds of our own: the icon, the logo, the title image, the stills of the demos, the
table of breeds for JavaScript.

The files are committed; run ``python book/_ext/static_files.py`` after a change of `figures` or `datasets`
(tests/test_demo.py notices a stale table).
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

BOOK = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BOOK))

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from collapse import chain, datasets, discrete, figures, fresh, theory
from collapse.gaussian import Gaussian, replacement_paths

STATIC = BOOK / "_static"
GOLD = "#c9832b"


def breeds_js() -> str:
    """Return the table of breeds as JavaScript."""
    breeds = datasets.breeds()
    table = [{"name": name, "share": float(share), "traits": [float(t) for t in traits]}
             for name, share, traits in zip(breeds.names, breeds.shares, breeds.traits, strict=True)]
    rows = ",\n".join("  " + json.dumps(row) for row in table)
    return ("// Written by book/_ext/static_files.py from datasets.breeds(); do not edit.\n"
            f"globalThis.BREEDS = [\n{rows},\n];\n")


def parks(generations: tuple[int, ...], n: int = 100, temperature: float = 1.0) -> list[np.ndarray]:
    """Return the traits of ``n`` dogs at some generations of one chain, in the order of the table."""
    breeds = datasets.breeds()
    world, model = discrete.Categorical(breeds.shares), discrete.Categorical(breeds.shares, temperature)
    # This seed ends on the golden retriever, as three honest chains in ten do.
    loop = chain(model, world, n=n, rng=np.random.default_rng(24))
    counts = [g.data.values for g in itertools.islice(loop, max(generations) + 1)]
    return [np.repeat(breeds.traits, counts[g], axis=0) for g in generations]


def canvas(width: float, height: float, columns: float, rows: float):
    """Return a figure (inches) and axes without a frame that measure dogs: one dog is one unit."""
    figure = plt.figure(figsize=(width, height))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, columns), ylim=(0, rows), aspect="equal")
    ax.axis("off")
    return figure, ax


def save(figure, name: str, **options) -> None:
    """Write a figure so that a second run gives the same bytes."""
    metadata = {"Date": None} if name.endswith("svg") else {"Software": None}
    figure.savefig(STATIC / name, metadata=metadata, **options)
    plt.close(figure)


def icon() -> None:
    """Draw the icon: one golden retriever."""
    figure, ax = canvas(1, 1, 1, 1)
    ax.set(xlim=(0.02, 1.02), ylim=(0, 1))
    figures.draw_dog(ax, datasets.breeds().traits[0])
    save(figure, "icon.svg", transparent=True)


def logo() -> None:
    """Draw the logo: four breeds that turn into one."""
    traits = datasets.breeds().traits
    figure, ax = canvas(2.6, 1.3, 4, 2)
    for i, breed in enumerate((4, 9, 2, 0)):
        figures.draw_dog(ax, traits[breed], i, 1)
        figures.draw_dog(ax, traits[0], i, 0)
    save(figure, "logo.svg", transparent=True)


def title() -> None:
    """Draw the title image, 1200 x 630: generations from the left to the right."""
    figure, ax = canvas(12, 6.3, 16, 8.4)
    figure.set_facecolor("#ffffff")
    for column, dogs in enumerate(parks((0, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 100, 120, 140, 180))):
        for row in range(5):  # the middle one of each fifth, so that the column has the shares of its park
            figures.draw_dog(ax, dogs[len(dogs) * (2 * row + 1) // 10], column, 0.2 + row)
    ax.text(0.4, 7.0, "Model Collapse", fontsize=60, family="serif", weight="bold", color="#222", va="center")
    ax.text(0.45, 5.85, "What a model forgets that learns from models. A book to run.",
            fontsize=23, family="serif", color=GOLD, va="center")
    save(figure, "title.png", dpi=100)


def park_still() -> None:
    """Draw what stands for the dog park where nothing moves: in print and without JavaScript."""
    shown = (0, 3, 6, 12)
    figure, axes = plt.subplots(1, len(shown), figsize=(12, 3.3))
    for ax, generation, dogs in zip(axes, shown, parks(shown, temperature=0.8), strict=True):
        figures.dog_park(ax, dogs)
        ax.set_title(f"generation {generation}", color=figures.INK, fontsize=12)
    figure.subplots_adjust(0, 0, 1, 0.92, 0.05, 0)
    save(figure, "dog-park.png", dpi=100, transparent=True)


def chains_still(n: int = 30, generations: int = 121) -> None:
    """Draw what stands for the chains of chapter 2: a hundred of a thousand, their mean and their median."""
    rng, refits = np.random.default_rng(2024), np.arange(1, generations + 1)
    variances = np.exp(replacement_paths(1000, generations, n, ddof=1, rng=rng)[1])
    figure, ax = plt.subplots(figsize=(6.8, 3.2))
    ax.semilogy(refits - 1, variances[:, :100], color=figures.COLOURS["replace"], linewidth=0.6, alpha=0.25)
    for name, regime, style, curve in (("median", "replace", "-", np.median(variances, axis=1)),
                                       ("mean", "first", ":", variances.mean(axis=1))):
        ax.plot(refits - 1, curve, style, color=figures.COLOURS[regime])
        figures.label_end(ax, refits - 1, curve, name, regime)
    for law in (theory.mean_variance(refits, n, 1), np.exp(refits * theory.log_variance_drift(n, 1))):
        ax.plot(refits - 1, law, "--", color=figures.INK, linewidth=1)
    ax.set(xlabel="generation", ylabel="variance", ylim=(1e-3, 1e2))
    save(figure, "gaussian-chains.png", dpi=100)
    print(f"after {generations - 1} generations the mean variance of the chains is {variances[-1].mean():.2f}, "
          f"the median {np.median(variances[-1]):.3f}")


def share_still(n: int = 50, real: int = 5, generations: int = 61) -> None:
    """Draw what stands for the share of real data of chapter 6: the variance kept by 300 chains."""
    world = Gaussian.standard(300, statistics=True)
    loop = chain(world, world, mix=fresh(real / n), n=n, rng=np.random.default_rng(2024))
    variances = np.array([g.model.variance for g in itertools.islice(loop, generations)])
    index, mean = np.arange(generations), variances.mean(axis=1)
    figure, ax = plt.subplots(figsize=(6.8, 2.8))
    figures.band(ax, index, *np.quantile(variances, [0.1, 0.9], axis=1), "fresh")
    ax.plot(index, theory.kept_fresh(index + 1, n, real / n), "--", color=figures.INK, linewidth=1)
    ax.plot(index, mean, color=figures.COLOURS["fresh"])
    figures.label_end(ax, index, mean, f"{mean[-1]:.2f}", "fresh")
    ax.set(xlabel="generation", ylabel="variance", ylim=(0, 1.6))
    save(figure, "real-share.png", dpi=100)
    print(f"after {generations - 1} generations the mean variance is {mean[-1]:.2f}; "
          f"in the long run {theory.kept_fresh(np.inf, n, real / n):.2f}")


if __name__ == "__main__":
    plt.rcParams["svg.hashsalt"] = "collapse"
    STATIC.joinpath("breeds.js").write_text(breeds_js(), encoding="utf-8")
    for draw in (icon, logo, title, park_still):
        draw()
    figures.use_style()
    for draw in (chains_still, share_still):
        draw()
