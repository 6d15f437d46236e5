"""Long runs that survive being killed: ``python -m collapse.studies list | run NAME | status``.

A study is a declaration (`declarations.py`): arms (model, source, mix), seeds, generations, and what to
measure. Its unit is one chain; after every generation the state is written to a checkpoint in one step, so a run
that was killed goes on where it was and ends in the same records. Shown in chapter 7.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import torch

from . import records
from .arguments import whole
from .chain import Generation, chain
from .checkpoints import load_checkpoint, pack, save_checkpoint, unpack
from .declarations import STUDIES, Study

WORK = Path("_build/studies")


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
    last = study.logged(arm)[-1]
    identity = f"{name}/{arm_name}/{seed}/{n}/{arm.model!r}/{torch.__version__}/{np.__version__}"
    path = work / name / f"{arm_name}-{seed}.ckpt"
    rng = np.random.default_rng(seed)  # arms of one seed share their generation 0
    rows, first, after, seconds = [], None, None, 0.0
    saved = load_checkpoint(path, identity)
    if saved:
        rows, seconds = json.loads(saved["rows"]), saved["seconds"]
        if rows[-1]["generation"] >= last:
            return [row for row in rows if row["generation"] <= last], seconds
        rng.bit_generator.state = json.loads(saved["rng"])
        first = unpack(saved["first"], arm.model)
        after = Generation(saved["index"], unpack(saved["model"], arm.model), None, unpack(saved["pool"], arm.model))
    world = (arm.world or study.world)(seed)
    used = getattr(world.source, "used", [0])  # how far a finite data set has been given out
    if saved:
        used[0] = saved["used"]
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


def best_device(study: Study) -> str | None:
    """Return "cuda" if there is a GPU and every model of a study can be trained on it, else None."""
    able = all(hasattr(arm.model, "device") for arm in study.arms.values())
    return "cuda" if able and torch.cuda.is_available() else None


def run(
    name: str, workers: int = 1, work: Path = WORK, folder: Path = records.FOLDER,
    study: Study | None = None, cluster: str | None = None,
) -> None:
    """Run every chain of a study and write its records after each one that ends.

    Chains that the records in ``folder`` have and this run does not, other arms or seeds, stay there.

    Args:
        name: of the study, and of its files.
        workers: processes of this machine.
        work, folder: where checkpoints and records go.
        study: as in `run_unit`.
        cluster: address of a Dask cluster, used instead of processes; it must see the same ``work``.

    Raises:
        OSError: a folder is full or read-only, or there is no cluster at that address.
        ValueError: the records in ``folder`` were made with something else.
    """
    study = study or STUDIES[name]
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
    running = {_chain(*unit) for unit in units}
    return rows, {chain: value for chain, value in spent.items() if chain not in running}


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
    parser.add_argument("--device", help="cpu or cuda (cuda if there is one and the models can use it)")
    parser.add_argument("--into", type=Path, help=f"folder of the records (book/results; {WORK} for another size)")
    options = parser.parse_args(arguments)
    if options.command != "run":
        show(progress=options.command == "status")
        return
    if options.name is None:
        parser.error("run which study?")
    try:
        full = STUDIES[options.name]
        sized = resized(full, options.seeds, options.generations, options.arms)
        folder = options.into or (records.FOLDER if sized == full else WORK)
        study = resized(sized, device=options.device or best_device(sized))
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
