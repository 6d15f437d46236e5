"""Long runs that survive being killed: ``python -m collapse.studies list | run NAME | status``.

A study is a declaration: arms (model, source, mix), seeds, generations, and what to measure. Its unit
is one chain; after every generation the state is written to a checkpoint in one step, so a run
that was killed goes on where it was and ends in the same records. Shown in chapter 7.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import hashlib
import io
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from . import datasets, metrics, records
from .chain import (
    Generation,
    accumulate,
    accumulate_subsample,
    anchor,
    chain,
    fresh,
    replace,
    resample,
    stream,
    whole,
)
from .discrete import Categorical, Counts
from .gaussian import Gaussian, Moments
from .judge import Judge
from .mixture import Mixture
from .text import BPE, measure
from .transformer import Decoding, LanguageModel
from .vae import VAE

WORK = Path("_build/studies")
CONTAINERS = {"Counts": Counts, "Moments": Moments}


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to run the loop: a model, a mix, how many generations; a world and a size of its own if it has them."""

    model: Any
    mix: Callable = replace
    generations: int = 11
    world: Callable[[int], Any] | None = None
    n: int | None = None


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
MANY = 2000  # and of the two cheap ones
LEVELS = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)  # their rows hold these quantiles over the chains


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


@dataclasses.dataclass(frozen=True)
class World:
    """A source and nothing else."""

    source: Any


def normal(seed: int) -> World:
    """Return the world of chapter 2, which hands over moments instead of points."""
    return World(Gaussian.standard(MANY, statistics=True))


def normal_points(seed: int) -> World:
    """Return the same with points, which can be kept and drawn again."""
    return World(Gaussian.standard(MANY))


def hundred_kinds(seed: int) -> World:
    """Return the world of chapter 1 at full size: a hundred kinds, all equally common."""
    return World(Categorical(np.full(100, 0.01)).repeated(MANY))


def average(values: np.ndarray) -> list[float]:
    """Return the mean over the chains and its standard error."""
    return [float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))]


def measure_gaussian(generation: Generation, first: Gaussian, world: World, rng) -> dict:
    """Return quantiles over the chains, and means with their standard errors, of what chapter 2 looks at."""
    mean, variance = generation.model.mean, generation.model.variance
    std = np.sqrt(variance)
    distance = metrics.wasserstein2_1d(mean, variance)
    return {"std": np.quantile(std, LEVELS).tolist(), "w2": np.quantile(distance, LEVELS).tolist(),
            "std_mean": average(std), "variance_mean": average(variance), "w2_mean": average(distance),
            "log_variance_mean": average(np.log(variance)), "total_mean": average(variance + mean**2)}


def measure_categorical(generation: Generation, first: Categorical, world: World, rng) -> dict:
    """Return the same for what chapter 1 looks at: diversity, kinds alive, chains with one kind left."""
    diversity, alive = metrics.heterozygosity(generation.model.p), (generation.model.p > 0).sum(axis=-1)
    return {"diversity": np.quantile(diversity, LEVELS).tolist(), "alive": np.quantile(alive, LEVELS).tolist(),
            "diversity_mean": average(diversity), "alive_mean": average(alive), "one_left": float(np.mean(alive == 1))}


def about_many() -> dict:
    """Return what the rows of the cheap studies hold."""
    return {"dtype": "float64", "chains": MANY, "quantiles": LEVELS}


@dataclasses.dataclass(frozen=True)
class Words:
    """Blocks of real text as a source, blocks of its test part, and their pieces."""

    source: datasets.Finite
    test: np.ndarray
    pieces: BPE


@functools.cache
def _text() -> tuple[datasets.Text, BPE, np.ndarray, np.ndarray]:
    text = datasets.text()
    used = " ".join(text.train.split()[:85_000])
    pieces = BPE.trained(used, PIECES)
    return text, pieces, pieces.blocks(used)[:BLOCKS], pieces.blocks(text.test)[:600]


def wikitext(seed: int) -> Words:
    """Return the world of chapter 5: 2,000 blocks of training text, 600 of test text, 2,048 pieces."""
    _, pieces, train, test = _text()
    return Words(datasets.Finite(train), test, pieces)


def measure_text(generation: Generation, first: LanguageModel, world: Words, rng) -> dict:
    """Return the measures of chapter 5, of 400 blocks."""
    return measure(generation.model, first, generation.model.sample(400, rng), world.test, world.pieces)


def about_text() -> dict:
    """Return where the text came from."""
    return {"dtype": "float32", "data": _text()[0].name, "sha256": datasets.WIKITEXT_FILES["train.txt"]}


PIECES, BLOCKS = 2048, 2000  # 128,000 tokens
TOP20 = LanguageModel(PIECES, steps=1600, warm=200, decoding=Decoding(top_k=20))


def decoded(**how) -> LanguageModel:
    """Return the model of chapter 5 with another way of decoding."""
    return dataclasses.replace(TOP20, decoding=Decoding(**how))


STUDIES = {
    "transformer": Study(
        arms={
            "replace, top 20": Arm(TOP20, generations=11),
            "replace, ancestral": Arm(decoded(), generations=11),
            "10% redrawn, top 20": Arm(TOP20, resample(0.1), generations=11),
            "accumulate, top 20": Arm(TOP20, accumulate, generations=11),
            "own prompts, top 20": Arm(dataclasses.replace(TOP20, own_prompts=True), generations=11),
            "from scratch, ancestral": Arm(dataclasses.replace(decoded(), warm=None), generations=5),
            "from scratch, top 20": Arm(dataclasses.replace(TOP20, warm=None), generations=5),
            "five beams": Arm(decoded(beams=5), generations=5),
            "five beams, penalty 2": Arm(decoded(beams=5, repetition_penalty=2.0), generations=5),
        },
        world=wikitext, measure=measure_text, n=BLOCKS, seeds=3, about=about_text,
    ),
    "gaussian": Study(
        arms={
            **{f"replace, N = {n}, ddof {ddof}": Arm(Gaussian(ddof=ddof, statistics=True), generations=last + 1, n=n)
               for n, last in ((10, 100), (30, 300), (100, 1000), (500, 1000)) for ddof in (0, 1)},
            "accumulate": Arm(Gaussian(statistics=True), accumulate, generations=301),
            "10% fresh": Arm(Gaussian(statistics=True), fresh(0.1), generations=301),
            "10% redrawn": Arm(Gaussian(), resample(0.1), generations=301, world=normal_points),
            "10% frozen": Arm(Gaussian(), anchor(0.1), generations=301, world=normal_points),
        },
        world=normal, measure=measure_gaussian, n=100, seeds=1, every=10, about=about_many,
    ),
    "categorical": Study(
        arms={
            "replace": Arm(Categorical(np.ones(1)), generations=501),
            "replace, N = 1000": Arm(Categorical(np.ones(1)), generations=501, n=1000),
            "accumulate": Arm(Categorical(np.ones(1)), accumulate, generations=201),
            "fixed budget": Arm(Categorical(np.ones(1)), accumulate_subsample, generations=201),
            "10% fresh": Arm(Categorical(np.ones(1)), fresh(0.1), generations=201),
            "10% redrawn": Arm(Categorical(np.ones(1)), resample(0.1), generations=201),
            "10% frozen": Arm(Categorical(np.ones(1)), anchor(0.1), generations=201),
        },
        world=hundred_kinds, measure=measure_categorical, n=100, seeds=1, every=10, about=about_many,
    ),
    "vae": Study(
        arms={
            "replace, means": Arm(VAE()),
            "replace, draws": Arm(VAE(output="draws")),
            "stream, means": Arm(VAE(), stream, generations=8),
            "300 steps": Arm(VAE(steps=300), generations=8),
            "warm start": Arm(VAE(warm=True), generations=8),
            "10% redrawn": Arm(VAE(), resample(0.1), generations=9),
            "10% frozen": Arm(VAE(), anchor(0.1), generations=9),
            "accumulate": Arm(VAE(), accumulate, generations=9),
            "4,800 steps": Arm(VAE(steps=4800), generations=8),
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


def run_unit(
    name: str, arm_name: str, seed: int, work: Path = WORK, study: Study | None = None
) -> tuple[list[dict], float]:
    """Run one chain from its checkpoint, or from the start, to its last generation.

    Args:
        study: the study of that name unless it is of another size, or not in the table.

    Returns:
        its records, and the seconds that they took.
    """
    torch.set_num_threads(1)  # the same sums in the same order, however many workers there are
    study = study or STUDIES[name]
    arm = study.arms[arm_name]
    n = arm.n or study.n
    world, last = (arm.world or study.world)(seed), study.logged(arm)[-1]
    used = getattr(world.source, "used", [0])  # how far a finite data set has been given out
    identity = f"{name}/{arm_name}/{seed}/{n}/{arm.model!r}/{torch.__version__}/{np.__version__}"
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
        return [row for row in rows if row["generation"] <= last], seconds
    start = time.perf_counter()
    for generation in chain(arm.model, world.source, mix=arm.mix, n=n, rng=rng, after=after):
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
        if isinstance(value, dict) and value.get("kind") == "model":
            continue  # settings inside settings: the unfitted model has them
        if isinstance(value, dict):
            network = model.build()
            network.load_state_dict(value)
            value = network.eval().requires_grad_(False)
        values[key] = unpack(value, model)
    return dataclasses.replace(model, **values)


def save_checkpoint(path: Path, identity: str, state: dict) -> None:
    """Write a checkpoint with its checksum, then rename it into place.

    Raises:
        OSError: the folder is full or read-only; the last checkpoint stays as it was.
    """
    buffer = io.BytesIO()
    torch.save({"identity": identity, **state}, buffer)
    payload = buffer.getvalue()
    part = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(hashlib.sha256(payload).hexdigest().encode() + payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise OSError(error.errno, f"checkpoint not written: {error.strerror}", str(path)) from error


def load_checkpoint(path: Path, identity: str) -> dict | None:
    """Return a checkpoint, or None (with a line that says why) if it is damaged or of another study."""
    if not path.exists():
        return None
    raw = path.read_bytes()
    state = None
    if hashlib.sha256(raw[64:]).hexdigest().encode() == raw[:64]:
        with contextlib.suppress(Exception):  # whatever a foreign file makes of the loader, it is no checkpoint
            state = torch.load(io.BytesIO(raw[64:]), weights_only=True)
    if not isinstance(state, dict) or "identity" not in state:
        print(f"{path.name}: damaged, this chain starts again", file=sys.stderr)
        return None
    if state["identity"] != identity:
        print(f"{path.name}: of another version or setting, this chain starts again", file=sys.stderr)
        return None
    return state


# ---- all units, in parallel ---------------------------------------------------------------------------------


def resized(
    study: Study, seeds: int | None = None, generations: int | None = None,
    arms: list[str] | None = None, device: str | None = None,
) -> Study:
    """Return a study with fewer or more seeds and generations, some of its arms, or on another device.

    Raises:
        ValueError: there is no such arm, or no model that has a device.
    """
    unknown = set(arms or ()) - set(study.arms)
    if unknown:
        raise ValueError(f"arms: no {', '.join(sorted(unknown))}; there are {'; '.join(study.arms)}")
    chosen = {name: study.arms[name] for name in arms or study.arms}
    for name, arm in chosen.items():
        if device is not None:
            if not hasattr(arm.model, "device"):
                raise ValueError(f"device: {type(arm.model).__name__} runs on the CPU only")
            arm = dataclasses.replace(arm, model=dataclasses.replace(arm.model, device=device))
        if generations is not None:
            arm = dataclasses.replace(arm, generations=whole("generations", generations))
        chosen[name] = arm
    return dataclasses.replace(study, arms=chosen, seeds=study.seeds if seeds is None else whole("seeds", seeds))


def run(
    name: str, workers: int = 1, work: Path = WORK, folder: Path = records.FOLDER,
    study: Study | None = None, cluster: str | None = None,
) -> None:
    """Run every chain of a study and write its records after each one that ends.

    Args:
        name: of the study, and of its files.
        workers: processes of this machine.
        work, folder: where checkpoints and records go.
        study: as in `run_unit`.
        cluster: address of a Dask cluster, used instead of processes; it must see the same ``work``.

    Raises:
        OSError: a folder is full or read-only, or there is no cluster at that address.
    """
    study = study or STUDIES[name]
    work, folder = Path(work).resolve(), Path(folder).resolve()
    for place in (work / name, folder):
        _writable(place)
    units = [(arm, seed) for arm in study.arms for seed in range(study.seeds)]
    jobs = (joblib.delayed(run_unit)(name, arm, seed, work, study) for arm, seed in units)
    rows, seconds = [], 0.0
    steps = study.seeds * sum(arm.generations for arm in study.arms.values())
    with _engine(cluster):
        lanes = min(joblib.effective_n_jobs(workers), len(units))
        finished = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(jobs)
        for done, (unit_rows, unit_seconds) in enumerate(finished, 1):
            rows, seconds = rows + unit_rows, seconds + unit_seconds
            records.write(name, rows, provenance(study, seconds), folder)
            gone = sum(study.arms[row["arm"]].generations for row in rows if row["generation"] == 0)
            left = seconds / gone * (steps - gone) / lanes
            print(f"{name}: {done} of {len(units)} chains, about {_duration(left)} left", flush=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"


def _writable(folder: Path) -> None:
    """Raise an OSError that names a folder which cannot be written to: better now than after an hour."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        raise OSError(error.errno, f"cannot write here: {error.strerror}", str(folder)) from error


@contextlib.contextmanager
def _engine(cluster: str | None):
    """Let joblib send its work to a Dask cluster, if there is an address."""
    if cluster is None:
        yield
        return
    from distributed import Client

    with Client(cluster, set_as_default=False, timeout=20) as client:
        if max(client.nthreads().values(), default=1) > 1:  # torch has one random state a process
            raise ValueError("cluster: start its workers with --nthreads 1")
        with joblib.parallel_config("dask", client=client, wait_for_workers_timeout=60):
            yield


def provenance(study: Study, seconds: float) -> dict:
    """Return what a record was made with."""
    return {
        "python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__,
        "device": "cpu, one thread a chain", **study.about(), "n": study.n, "seconds": round(seconds),
    }


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m collapse.studies", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["list", "run", "status"])
    parser.add_argument("name", nargs="?", choices=sorted(STUDIES))
    parser.add_argument("--workers", type=int, default=joblib.cpu_count(), help="processes on this machine")
    parser.add_argument("--cluster", metavar="ADDRESS", help="a Dask cluster instead, its workers with one thread each")
    parser.add_argument("--seeds", type=int, help="run seeds 0 to SEEDS - 1")
    parser.add_argument("--generations", type=int, help="of every arm")
    parser.add_argument("--arms", nargs="+", help="these arms (mixes) only")
    parser.add_argument("--device", help="for models that can leave the CPU: cuda")
    parser.add_argument("--into", type=Path, help=f"folder of the records (book/results; {WORK} for another size)")
    options = parser.parse_args(arguments)
    if options.command != "run":
        show(progress=options.command == "status")
        return
    if options.name is None:
        parser.error("run which study?")
    try:
        full = STUDIES[options.name]
        study = resized(full, options.seeds, options.generations, options.arms, options.device)
        folder = options.into or (records.FOLDER if study == full else WORK)
        run(options.name, options.workers, folder=folder, study=study, cluster=options.cluster)
        print(f"records are in {folder}")
    except (OSError, ValueError, joblib.externals.loky.BrokenProcessPool) as error:
        sys.exit(f"studies: {error}\nWhat was finished is kept: mend it and give the same command again.")


def show(progress: bool) -> None:
    """Print the studies, and with ``progress`` how much of each is recorded and begun."""
    for name, study in STUDIES.items():
        print(f"{name}: {len(study.arms)} arms x {study.seeds} seeds: {'; '.join(study.arms)}")
        if progress:
            done = len(records.read(name)) if (records.FOLDER / f"{name}.jsonl").exists() else 0
            wanted = study.seeds * sum(len(study.logged(arm)) for arm in study.arms.values())
            begun = len(list((WORK / name).glob("*.ckpt")))
            print(f"    {done} of {wanted} logged generations recorded; {begun} checkpoints here")


if __name__ == "__main__":
    from collapse.studies import main as entry  # by name, so that worker processes find it

    entry()
