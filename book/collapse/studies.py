"""Long runs: ``python -m collapse.studies list | run NAME | status``.

A study is a declaration (`declarations.py`): arms (model, source, mix), seeds, generations, and what to measure.
`running.py` runs it, and goes on after being killed. Shown in chapter 7.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import joblib
import torch

from . import records
from .declarations import STUDIES, Study
from .running import WORK, run, run_unit  # noqa: F401 (chapter 7 runs one unit)


def resized(
    study: Study, seeds: int | None = None, generations: int | None = None,
    arms: list[str] | None = None, device: str | None = None,
) -> Study:
    """Return a study with fewer or more seeds and generations, some of its arms, or on another device.

    Raises:
        ValueError: there is no such arm or size, or no model that has a device.
    """
    unknown = set(arms or ()) - set(study.arms)
    if unknown:
        raise ValueError(f"arms: no {', '.join(sorted(unknown))}; there are {'; '.join(study.arms)}")
    chosen = {name: study.arms[name] for name in arms or study.arms}
    for name, arm in chosen.items():
        if device is not None:
            if hasattr(arm.model, "device"):
                arm = dataclasses.replace(arm, model=dataclasses.replace(arm.model, device=device))
            elif device != "cpu":
                raise ValueError(f"device: {type(arm.model).__name__} runs on the CPU only")
        if generations is not None:
            arm = dataclasses.replace(arm, generations=generations)
        chosen[name] = arm
    return dataclasses.replace(study, arms=chosen, seeds=study.seeds if seeds is None else seeds)


def best_device(study: Study) -> str | None:
    """Return "cuda" if there is a GPU and every model of a study can be trained on it, else None."""
    able = all(hasattr(arm.model, "device") for arm in study.arms.values())
    return "cuda" if able and torch.cuda.is_available() else None


def _parser() -> argparse.ArgumentParser:
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
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = _parser()
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
    main()
