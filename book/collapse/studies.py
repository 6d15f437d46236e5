"""Long runs that survive being killed: ``python -m collapse.studies list | run NAME | status``.

A study is a declaration: arms (model, source, mix), seeds, generations, and what to measure. Its unit
is one chain; after every generation the state is written to a checkpoint in one step, so a run
that was killed goes on where it was and ends in the same records. Shown in chapter 7.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import io
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from . import datasets, metrics, records
from .chain import Generation, accumulate, anchor, chain, replace, resample, stream
from .discrete import Counts
from .gaussian import Moments
from .judge import Judge
from .mixture import Mixture
from .vae import VAE

WORK = Path("_build/studies")
CONTAINERS = {"Counts": Counts, "Moments": Moments}


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to run the loop: a model, a mix, how many generations, and a world of its own if it has one."""

    model: Any
    mix: Callable = replace
    generations: int = 11
    world: Callable[[int], Any] | None = None


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

    def logged(self, arm: Arm) -> range:
        """Return the generations of an arm that are measured."""
        return range(0, arm.generations, self.every)


# ---- the studies ----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Images:
    """Real digits as a source, and a judge."""

    source: datasets.Finite
    judge: Judge


@functools.cache
def _digits() -> tuple[datasets.Digits, Judge]:
    digits = datasets.digits()
    return digits, Judge.trained(digits, np.random.default_rng(0))


def mnist(seed: int) -> Images:
    """Return the world of chapter 4: all training images, and the judge that every seed shares."""
    digits, judge = _digits()
    return Images(datasets.Finite(digits.images), judge)


def measure_images(generation: Generation, first: VAE, world: Images, rng) -> dict:
    """Return the measures of chapter 4."""
    return world.judge.measure(generation.model, first, rng)


def about_images() -> dict:
    """Return where the digits came from."""
    return {"dtype": "float32", "data": _digits()[0].name,
            "sha256": datasets.MNIST_FILES["train-images-idx3-ubyte.gz"]}


@dataclasses.dataclass(frozen=True)
class Blobs:
    """A mixture as the source of a batch of chains."""

    source: Mixture


CHAINS = 64  # a unit of the mixture study
LEVELS = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)  # its rows hold these quantiles over the chains


def two_blobs(seed: int) -> Blobs:
    """Return the world of chapter 3: two round blobs six standard deviations apart."""
    return Blobs(Mixture.of([0.5, 0.5], [[-3, 0], [3, 0]], [np.eye(2)] * 2, runs=(CHAINS,)))


def one_blob(seed: int) -> Blobs:
    """Return the world of the published notebook: one round blob."""
    return Blobs(Mixture.of([1.0], [[0, 0]], [np.eye(2)], runs=(CHAINS,)))


def measure_mixture(generation: Generation, first: Mixture, world: Blobs, rng) -> dict:
    """Return quantiles over the chains of the measures of chapter 3, and two shares of chains."""
    model, truth, left = generation.model, world.source, (generation.data[..., 0] < 0).mean(axis=1)
    inside = (model.weights * np.trace(model.covariances, axis1=-2, axis2=-1)).sum(axis=-1)
    parts = (model.weights, model.means, model.covariances)
    real = (truth.weights, truth.means, truth.covariances)
    apart = metrics.separation(model.means, model.covariances)
    values = {"std": np.sqrt(np.trace(model.covariance, axis1=-2, axis2=-1) / 2), "inside": np.sqrt(inside / 2),
              "l2": metrics.mixture_l2(parts, real), "l2_smooth": metrics.mixture_l2(parts, real, smooth=1.0),
              "separation": apart, "left": left}
    return {**{k: np.quantile(v, LEVELS).tolist() for k, v in values.items()},
            "both_alive": float(np.mean((left > 0) & (left < 1))), "two_peaks": float(np.mean(apart > 2))}


STUDIES = {
    "vae": Study(
        arms={
            "replace, means": Arm(VAE()),
            "replace, draws": Arm(VAE(output="draws")),
            "stream, means": Arm(VAE(), stream, generations=9),
            "300 steps": Arm(VAE(steps=300), generations=9),
            "warm start": Arm(VAE(warm=True), generations=9),
            "accumulate": Arm(VAE(), accumulate),
            "10% redrawn": Arm(VAE(), resample(0.1)),
            "10% frozen": Arm(VAE(), anchor(0.1)),
            "4,800 steps": Arm(VAE(steps=4800), generations=9),
        },
        world=mnist, measure=measure_images, n=60_000, seeds=5, about=about_images,
    ),
    "mixture": Study(
        arms={
            "two blobs, 1e-6": Arm(Mixture(2), generations=2051),
            "two blobs, 1e-12": Arm(Mixture(2, reg_covar=1e-12), generations=2051),
            "one blob, 1e-6": Arm(Mixture(2), generations=2051, world=one_blob),
        },
        world=two_blobs, measure=measure_mixture, n=1000, seeds=1, every=50,
        about=lambda: {"dtype": "float64", "chains": CHAINS, "quantiles": LEVELS},
    ),
}


# ---- one unit: a chain that can be killed -------------------------------------------------------------------


def run_unit(name: str, arm_name: str, seed: int, work: Path = WORK) -> tuple[list[dict], float]:
    """Run one chain from its checkpoint, or from the start, to its last generation.

    Returns:
        its records, and the seconds that they took.
    """
    torch.set_num_threads(1)  # the same sums in the same order, however many workers there are
    study = STUDIES[name]
    arm = study.arms[arm_name]
    world, last = (arm.world or study.world)(seed), study.logged(arm)[-1]
    used = getattr(world.source, "used", [0])  # how far a finite data set has been given out
    identity = f"{name}/{arm_name}/{seed}/{study.n}/{arm.model!r}/{torch.__version__}/{np.__version__}"
    path = work / name / f"{arm_name}-{seed}.ckpt"
    rng = np.random.default_rng(seed)  # arms of one seed share their generation 0
    rows, first, after, seconds = [], None, None, 0.0
    saved = load_checkpoint(path, identity)
    if saved:
        rows, seconds = json.loads(saved["rows"]), saved["seconds"]
        rng.bit_generator.state = json.loads(saved["rng"])
        first = unpack(saved["first"], arm.model)
        after = Generation(saved["index"], unpack(saved["model"], arm.model), None, unpack(saved["pool"], arm.model))
        used[0] = saved["used"]
    if rows and rows[-1]["generation"] >= last:
        return rows, seconds
    start = time.perf_counter()
    for generation in chain(arm.model, world.source, mix=arm.mix, n=study.n, rng=rng, after=after):
        first = generation.model if first is None else first
        if generation.index % study.every:
            continue
        measured = study.measure(generation, first, world, rng)
        rows.append({"arm": arm_name, "seed": seed, "generation": generation.index, **measured})
        save_checkpoint(path, identity, {
            "rows": json.dumps(rows), "seconds": seconds + time.perf_counter() - start,
            "rng": json.dumps(rng.bit_generator.state), "index": generation.index,
            "first": pack(first), "model": pack(generation.model), "pool": pack(generation.pool),
            "used": used[0]})
        if generation.index >= last:
            return rows, seconds + time.perf_counter() - start


def pack(value: Any) -> Any:
    """Return a value as tensors, dictionaries and plain numbers, which load without pickled classes."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, torch.nn.Module):
        return {k: v.detach().clone() for k, v in value.state_dict().items()}
    if isinstance(value, Moments):
        return {"kind": "Moments", **{k: pack(v) for k, v in value._asdict().items()}}
    if isinstance(value, Counts):
        return {"kind": "Counts", "values": pack(value.values)}
    if dataclasses.is_dataclass(value):
        fields = {f.name: pack(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": "model", **{k: v for k, v in fields.items() if not callable(v)}}
    return value


def unpack(packed: Any, model: Any) -> Any:
    """Return what `pack` was given; ``model`` is the unfitted model of the arm."""
    if isinstance(packed, torch.Tensor):
        return packed.numpy()
    if not isinstance(packed, dict):
        return packed
    kind, fields = packed["kind"], {k: v for k, v in packed.items() if k != "kind"}
    if kind in CONTAINERS:
        return CONTAINERS[kind](**{k: unpack(v, model) for k, v in fields.items()})
    values = {}
    for key, value in fields.items():
        if isinstance(value, dict):
            network = model.build()
            network.load_state_dict(value)
            value = network.eval().requires_grad_(False)
        values[key] = unpack(value, model)
    return dataclasses.replace(model, **values)


def save_checkpoint(path: Path, identity: str, state: dict) -> None:
    """Write a checkpoint with its checksum, then rename it into place."""
    buffer = io.BytesIO()
    torch.save({"identity": identity, **state}, buffer)
    payload = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".tmp")
    with open(part, "wb") as file:
        file.write(hashlib.sha256(payload).hexdigest().encode() + payload)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def load_checkpoint(path: Path, identity: str) -> dict | None:
    """Return a checkpoint, or None (with a line that says why) if it is damaged or of another study."""
    if not path.exists():
        return None
    raw = path.read_bytes()
    if hashlib.sha256(raw[64:]).hexdigest().encode() != raw[:64]:
        print(f"{path.name}: damaged, this chain starts again", file=sys.stderr)
        return None
    state = torch.load(io.BytesIO(raw[64:]), weights_only=True)
    if state["identity"] != identity:
        print(f"{path.name}: of another version or setting, this chain starts again", file=sys.stderr)
        return None
    return state


# ---- all units, in parallel ---------------------------------------------------------------------------------


def run(name: str, workers: int, work: Path = WORK, folder: Path = records.FOLDER) -> None:
    """Run every chain of a study and write its records after each one that ends."""
    study = STUDIES[name]
    units = [(arm, seed) for arm in study.arms for seed in range(study.seeds)]
    jobs = (joblib.delayed(run_unit)(name, arm, seed, work) for arm, seed in units)
    rows, seconds, start = [], 0.0, time.perf_counter()
    finished = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(jobs)
    for done, (unit_rows, unit_seconds) in enumerate(finished, 1):
        rows, seconds = rows + unit_rows, seconds + unit_seconds
        records.write(name, rows, provenance(study, seconds), folder)
        left = (time.perf_counter() - start) / done * (len(units) - done)
        print(f"{name}: {done} of {len(units)} chains, about {left / 60:.0f} minutes left", flush=True)


def provenance(study: Study, seconds: float) -> dict:
    """Return what a record was made with."""
    return {
        "python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__,
        "device": "cpu, one thread a chain", **study.about(), "n": study.n, "seconds": round(seconds),
    }


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m collapse.studies", description=__doc__)
    parser.add_argument("command", choices=["list", "run", "status"])
    parser.add_argument("name", nargs="?", choices=sorted(STUDIES))
    parser.add_argument("--workers", type=int, default=joblib.cpu_count())
    options = parser.parse_args(arguments)
    if options.command == "run":
        if options.name is None:
            parser.error("run which study?")
        run(options.name, options.workers)
        return
    for name, study in STUDIES.items():
        done = len(records.read(name)) if (records.FOLDER / f"{name}.jsonl").exists() else 0
        wanted = study.seeds * sum(len(study.logged(arm)) for arm in study.arms.values())
        print(f"{name}: {len(study.arms)} arms x {study.seeds} seeds, {done} of {wanted} generations recorded")


if __name__ == "__main__":
    from collapse.studies import main as entry  # by name, so that worker processes find it

    entry()
