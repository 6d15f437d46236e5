"""The engine of the long runs: chains that survive being killed, on all cores or a cluster.

The unit of a study is one chain. After every generation that is measured its state is written to a checkpoint in one
step, so a run that was killed goes on where it was and ends in the same records. Shown in chapter 7.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import json
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from . import records
from .arguments import choice, whole
from .chain import Generation, chain
from .checkpoints import load_checkpoint, pack, save_checkpoint, unpack
from .declarations import STUDIES, Study

WORK = Path("_build/studies")


# ---- one unit: a chain that can be killed -------------------------------------------------------------------


@contextlib.contextmanager
def _one_thread():
    """Let torch add up in the same order, however many workers there are; afterwards it has its threads again."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@_one_thread()
def run_unit(
    name: str, arm_name: str, seed: int, work: Path = WORK, study: Study | None = None
) -> tuple[list[dict], float]:
    """Run one chain from its checkpoint, or from the start, to its last generation.

    Args:
        study: the study of that name unless it is of another size, or not in the table. A checkpoint is of this
            study if model, mix, world and measure are the same, what these functions hold included.

    Returns:
        its records, and the seconds that they took.

    Raises:
        ValueError: no such study or arm, or no such seed.
    """
    study = study or _named(name)
    arm = study.arms[choice("arm_name", arm_name, *study.arms)]
    make, n, last = arm.world or study.world, arm.n or study.n, study.logged(arm)[-1]
    made = (name, arm_name, seed, n, study.every, arm.model, *map(_told, (arm.mix, make, study.measure)))
    identity = f"{made}/{torch.__version__}/{np.__version__}"
    path = Path(work) / name / f"{arm_name}-{seed}.ckpt"
    saved = load_checkpoint(path, identity)
    rows, seconds = (json.loads(saved["rows"]), saved["seconds"]) if saved else ([], 0.0)
    if rows and rows[-1]["generation"] >= last:
        return [row for row in rows if row["generation"] <= last], seconds
    world = make(seed)
    rng = np.random.default_rng(whole("seed", seed, 0))  # arms of one seed share their generation 0
    first, after = _restored(saved, arm.model, world.source, rng) if saved else (None, None)
    start = time.perf_counter() - seconds
    for generation in chain(arm.model, world.source, mix=arm.mix, n=n, rng=rng, after=after):
        first = generation.model if first is None else first
        if generation.index % study.every:
            continue
        measured = study.measure(generation, first, world, rng)
        rows.append({"arm": arm_name, "seed": seed, "generation": generation.index, **measured})
        seconds = time.perf_counter() - start
        told = json.dumps(rows, default=lambda value: np.asarray(value).tolist())
        state = {"rows": told, "seconds": seconds, **_saved(generation, first, world.source, rng)}
        save_checkpoint(path, identity, state)
        if generation.index >= last:
            return rows, seconds


def _named(name: str) -> Study:
    return STUDIES[choice("name", name, *STUDIES)]


def _told(thing: Any, outer: tuple = ()) -> str:
    """Return what tells a function from another, and `fresh(0.1)` from `fresh(0.2)`, in every process alike.

    That is its name, code, closure and defaults, and the arguments of a partial; objects are told by their class or repr.
    """
    if any(thing is other for other in outer):
        return "itself"
    told = functools.partial(_told, outer=(*outer, thing))
    if isinstance(thing, functools.partial):
        return told((thing.func, *thing.args, *sorted(thing.keywords.items())))
    if isinstance(thing, (tuple, list)):
        return f"[{', '.join(map(told, thing))}]"
    if isinstance(thing, np.ndarray):
        return f"{thing.dtype}{thing.shape}{hashlib.sha256(thing.tobytes()).hexdigest()}"
    if not callable(thing):
        return repr(thing)
    name, code = getattr(thing, "__qualname__", type(thing).__qualname__), getattr(thing, "__code__", None)
    if code is None:
        return name
    held = [cell.cell_contents for cell in thing.__closure__ or ()]
    constants = [value for value in code.co_consts if not inspect.iscode(value)]
    defaults = [thing.__defaults__ or (), *sorted((thing.__kwdefaults__ or {}).items())]
    return f"{name}{code.co_code.hex()}{told([held, constants, defaults])}"


def _saved(generation: Generation, first: Any, source: Any, rng: np.random.Generator) -> dict:
    """Return all that a chain goes on from, as a checkpoint can hold it."""
    return {"rng": json.dumps(rng.bit_generator.state), "index": generation.index, "first": pack(first),
            "model": pack(generation.model), "pool": pack(generation.pool), "used": _used(source)[0]}


def _restored(saved: dict, model: Any, source: Any, rng: np.random.Generator) -> tuple[Any, Generation]:
    """Return generation 0's model and the last generation; put ``source`` and ``rng`` back to where they were."""
    rng.bit_generator.state = json.loads(saved["rng"])
    _used(source)[0] = saved["used"]
    first, last, pool = (unpack(saved[key], model) for key in ("first", "model", "pool"))
    return first, Generation(saved["index"], last, None, pool)


def _used(source: Any) -> list[int]:
    """Return how far a finite data set has been given out, as a list of one number that can be set."""
    return getattr(source, "used", [0])


# ---- all units, in parallel ---------------------------------------------------------------------------------


def run(
    name: str, workers: int = 1, work: Path = WORK, folder: Path = records.FOLDER,
    study: Study | None = None, cluster: str | None = None,
) -> None:
    """Run every chain of a study and write its records after each one that ends.

    Chains that the records in ``folder`` have and this run does not, other arms or seeds, stay there.

    Args:
        name: of the study, and of its files.
        workers: processes of this machine.
        work: where checkpoints go.
        folder: where records go.
        study: as in `run_unit`.
        cluster: address of a Dask cluster, used instead of processes; it must see the same ``work``.

    Raises:
        OSError: a folder is full or read-only, or there is no cluster at that address.
        ValueError: no such study, or the records in ``folder`` were made with something else.
    """
    study = study or _named(name)
    work, folder = Path(work).resolve(), Path(folder).resolve()
    for place in (work / name, folder):
        _writable(place)
    units = [(arm, seed) for arm in study.arms for seed in range(study.seeds)]
    made = provenance(study)
    rows, spent = _kept(name, units, made, folder)
    jobs = (joblib.delayed(run_unit)(name, arm, seed, work, study) for arm, seed in units)
    steps, gone, seconds = study.seeds * sum(arm.generations for arm in study.arms.values()), 0, 0.0
    with _engine(cluster):
        lanes = min(joblib.effective_n_jobs(workers), len(units))
        finished = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(jobs)
        for done, (unit_rows, unit_seconds) in enumerate(finished, 1):
            arm, seed = unit_rows[0]["arm"], unit_rows[0]["seed"]
            rows, spent[_chain(arm, seed)] = rows + unit_rows, round(unit_seconds)
            records.write(name, rows, made | {"seconds": dict(sorted(spent.items()))}, folder)
            gone, seconds = gone + study.arms[arm].generations, seconds + unit_seconds
            left = seconds / gone * (steps - gone) / lanes
            print(f"{name}: {done} of {len(units)} chains, about {_duration(left)} left", flush=True)


def _chain(arm: str, seed: int) -> str:
    return f"{arm}, seed {seed}"


def _kept(name: str, units: list[tuple[str, int]], made: dict, folder: Path) -> tuple[list[dict], dict]:
    """Return the rows of the chains that stand in the records and are not run now, and their seconds."""
    if not (folder / f"{name}.jsonl").exists():
        return [], {}
    rows = [row for row in records.read(name, folder) if (row["arm"], row["seed"]) not in units]
    if not rows:
        return [], {}
    before = records.provenance(name, folder)
    spent = before.pop("seconds")
    if before != made:
        changed = sorted(key for key in before | made if before.get(key) != made.get(key))
        raise ValueError(f"folder: the other chains of {name!r} in {folder} were made with another "
                         f"{' and '.join(changed)}; run them all again, or give another folder")
    ours = {_chain(*unit) for unit in units}
    kept = {_chain(row["arm"], row["seed"]) for row in rows}  # some older records sum several chains up under one name
    return rows, {name: value for name, value in spent.items()
                  if name not in ours and (name in kept or ", seed " not in name)}


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


def provenance(study: Study) -> dict:
    """Return what a record is made with, the seconds aside."""
    devices = sorted({getattr(arm.model, "device", "cpu") for arm in study.arms.values()})
    made = {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__,
            "device": f"{', '.join(devices)}, one thread a chain", **study.about(), "n": study.n}
    return json.loads(json.dumps(made))  # as it will be read again
