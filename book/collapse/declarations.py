"""The table of the long runs: which models, mixes, worlds and sizes, and what is measured.

A study is a declaration of a few lines; `running.py` runs it. Shown in chapter 7.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import worlds
from .arguments import whole
from .chain import accumulate, accumulate_subsample, anchor, fresh, replace, resample, stream
from .discrete import Categorical
from .gaussian import Gaussian
from .mixture import Mixture
from .transformer import Decoding, LanguageModel
from .vae import VAE, Convolutional


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to run the loop: a model, a mix, how many generations; a world and a size of its own if it has them."""

    model: Any
    mix: Callable = replace
    generations: int = 11
    world: Callable[[int], Any] | None = None
    n: int | None = None

    def __post_init__(self):
        whole("generations", self.generations)
        if self.n is not None:
            whole("n", self.n)


@dataclasses.dataclass(frozen=True)
class Study:
    """A declaration of a few lines; adding one needs nothing else.

    ``world(seed)`` gives the source and whatever ``measure(generation, first, world, rng)`` looks
    at; ``first`` is the model of generation 0. Every ``every``-th generation is measured and saved.
    ``about`` gives what the provenance says of the data.
    """

    arms: dict[str, Arm]
    world: Callable[[int], Any]
    measure: Callable[..., dict]
    n: int
    seeds: int
    every: int = 1
    about: Callable[[], dict] = dict

    def __post_init__(self):
        for name in ("n", "seeds", "every"):
            whole(name, getattr(self, name))

    def logged(self, arm: Arm) -> range:
        """Return the generations of an arm that are measured."""
        return range(0, arm.generations, self.every)


KINDS = Categorical(np.ones(1))  # what a categorical is before its first fit: its shares do not matter
PUBLISHED = VAE(build=Convolutional, batch=256, rate=3e-3, dtype="bfloat16")
TOP20 = LanguageModel(worlds.PIECES, steps=1600, warm=200, decoding=Decoding(top_k=20))


def published(epochs: int, **how) -> VAE:
    """Return the network of the paper's notebook, trained for some epochs of 234 steps."""
    return dataclasses.replace(PUBLISHED, steps=234 * epochs, **how)


def decoded(**how) -> LanguageModel:
    """Return the model of chapter 5 with another way of decoding."""
    return dataclasses.replace(TOP20, decoding=Decoding(**how))


STUDIES = {
    "transformer": Study(
        arms={
            "replace, top 20": Arm(TOP20, generations=11),
            "replace, honest": Arm(decoded(), generations=11),
            "10% redrawn, top 20": Arm(TOP20, resample(0.1), generations=11),
            "accumulate, top 20": Arm(TOP20, accumulate, generations=11),
            "own prompts, top 20": Arm(dataclasses.replace(TOP20, own_prompts=True), generations=11),
            "from scratch, honest": Arm(dataclasses.replace(decoded(), warm=None), generations=5),
            "from scratch, top 20": Arm(dataclasses.replace(TOP20, warm=None), generations=5),
            "five beams": Arm(decoded(beams=5), generations=5),
            "five beams, penalty 2": Arm(decoded(beams=5, repetition_penalty=2.0), generations=5),
        },
        world=worlds.wikitext, measure=worlds.measure_text, n=worlds.BLOCKS, seeds=5, about=worlds.about_text,
    ),
    "gaussian": Study(
        arms={
            **{f"replace, N = {n}, ddof {ddof}": Arm(Gaussian(ddof=ddof, statistics=True), generations=last + 1, n=n)
               for n, last in ((10, 100), (30, 300), (100, 1000), (500, 1000)) for ddof in (0, 1)},
            "accumulate": Arm(Gaussian(statistics=True), accumulate, generations=301),
            "10% fresh": Arm(Gaussian(statistics=True), fresh(0.1), generations=301),
            "10% redrawn": Arm(Gaussian(), resample(0.1), generations=301, world=worlds.normal_points),
            "10% frozen": Arm(Gaussian(), anchor(0.1), generations=301, world=worlds.normal_points),
        },
        world=worlds.normal, measure=worlds.measure_gaussian, n=100, seeds=1, every=10, about=worlds.about_many,
    ),
    "categorical": Study(
        arms={
            "replace": Arm(KINDS, generations=501),
            "replace, N = 1000": Arm(KINDS, generations=501, n=1000),
            "accumulate": Arm(KINDS, accumulate, generations=201),
            "fixed budget": Arm(KINDS, accumulate_subsample, generations=201),
            "10% fresh": Arm(KINDS, fresh(0.1), generations=201),
            "10% redrawn": Arm(KINDS, resample(0.1), generations=201),
            "10% frozen": Arm(KINDS, anchor(0.1), generations=201),
        },
        world=worlds.hundred_kinds, measure=worlds.measure_categorical, n=100, seeds=1, every=10, about=worlds.about_many,
    ),
    "vae": Study(
        arms={
            "replace, means": Arm(VAE(), generations=21),
            "replace, draws": Arm(VAE(output="draws"), generations=21),
            "10% fresh": Arm(VAE(), fresh(0.1), generations=21, world=worlds.shuffled_mnist, n=20_000),  # and 40,000 left
            "stream, means": Arm(VAE(), stream, generations=8),
            "300 steps": Arm(VAE(steps=300), generations=8),
            "warm start": Arm(VAE(warm=True), generations=8),
            "10% redrawn": Arm(VAE(), resample(0.1), generations=21),
            "10% frozen": Arm(VAE(), anchor(0.1), generations=21),
            "accumulate": Arm(VAE(), accumulate, generations=21),
            "4,800 steps": Arm(VAE(steps=4800), generations=8),
        },
        world=worlds.mnist, measure=worlds.measure_images, n=60_000, seeds=10, about=worlds.about_images,
    ),
    "convolutional": Study(  # the network of the paper's notebook in its own loop
        arms={
            "30 epochs": Arm(published(30, rate=1e-3), stream, generations=6),  # as theirs
            "8 epochs, rate 1e-3": Arm(published(8, rate=1e-3), stream, generations=6),
            "8 epochs": Arm(published(8), stream, generations=6),
            "4 epochs": Arm(published(4), stream, generations=6),
            "4 epochs, judge of 8": Arm(  # the chains of "4 epochs", seen by another encoder
                published(4), stream, generations=6, world=functools.partial(worlds.mnist_through, published(8))),
        },
        world=worlds.mnist, measure=worlds.measure_images, n=60_000, seeds=2,
        about=lambda: {**worlds.about_images(), "dtype": "bfloat16"},
    ),
    "mixture": Study(
        arms={
            "two blobs, 1e-6": Arm(Mixture(2), generations=2051),
            "two blobs, 1e-12": Arm(Mixture(2, reg_covar=1e-12), generations=2051),
            "one blob, 1e-6": Arm(Mixture(2), generations=2051, world=worlds.one_blob),
        },
        world=worlds.two_blobs, measure=worlds.measure_mixture, n=1000, seeds=1, every=50,
        about=lambda: {"dtype": "float64", "chains": worlds.CHAINS, "quantiles": worlds.LEVELS},
    ),
}
