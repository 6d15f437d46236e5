"""Records of long runs: one JSON line per study, arm, seed and logged generation, provenance beside them.

Written by ``python -m collapse.studies``, never by hand; chapters read them for their bands.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "results"
KEY = ("arm", "seed", "generation")
ROWS, MADE = ".jsonl", ".provenance.json"


def write(name: str, rows: list[dict], provenance: dict, folder: Path = FOLDER) -> None:
    """Write the records of a study, sorted, and its provenance; each file is replaced in one step.

    Raises:
        ValueError: a row without arm, seed and generation, two rows with the same, or a number that is not finite.
        TypeError: a row or the provenance holds what JSON cannot.
    """
    rows = sorted(rows, key=_key)
    for first, second in itertools.pairwise(rows):
        if _key(first) == _key(second):
            raise ValueError(f"rows: two of {_key(first)}")
    lines, made, folder = "".join(map(_line, rows)), _made(provenance), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in ((folder / f"{name}{ROWS}", lines), (folder / f"{name}{MADE}", made)):
        part = path.with_name(path.name + ".tmp")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)


def read(name: str, folder: Path = FOLDER) -> list[dict]:
    """Return the rows of a study.

    Raises:
        ValueError: there is no such record, or a line of it is damaged.
    """
    path, rows = _found(name, folder, ROWS), []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            _key(row)
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: not a record ({error})") from error
        rows.append(row)
    return rows


def provenance(name: str, folder: Path = FOLDER) -> dict:
    """Return what a record was made with: versions, device, data, seconds.

    Raises:
        ValueError: there is no such record, or its file is damaged.
    """
    path = _found(name, folder, MADE)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name}: not a provenance ({error})") from error


def curves(rows: list[dict], arm: str, metric: str) -> np.ndarray:
    """Return a metric of one arm as an array (seeds, generations); all seeds as long as the shortest.

    A metric of k numbers gives (seeds, generations, k).

    Raises:
        ValueError: no rows of that arm, no such metric, or seeds that logged different generations.
    """
    runs: dict[int, list[dict]] = {}
    for row in sorted(rows, key=_key):
        if row["arm"] == arm:
            runs.setdefault(row["seed"], []).append(row)
    if not runs:
        raise ValueError(f"arm: no rows of {arm!r}; there are {', '.join(sorted({r['arm'] for r in rows}))}")
    shortest = min(map(len, runs.values()))
    cut = [run[:shortest] for _, run in sorted(runs.items())]
    if len({tuple(row["generation"] for row in run) for run in cut}) > 1:
        raise ValueError(f"rows: the seeds of {arm!r} logged different generations")
    if any(metric not in row for run in cut for row in run):
        raise ValueError(f"metric: {metric!r} is not in every row of {arm!r}; there are {', '.join(cut[0][0])}")
    return np.array([[row[metric] for row in run] for run in cut])


def _found(name: str, folder: Path, ending: str) -> Path:
    """Return the path of a file of a record; an error lists the records that there are."""
    path = Path(folder) / f"{name}{ending}"
    if not path.is_file():
        known = sorted(p.name.removesuffix(ending) for p in Path(folder).glob(f"*{ending}"))
        raise ValueError(f"name: no record {name!r}; there are {', '.join(known) or 'none'}")
    return path


def _key(row: dict) -> tuple:
    try:
        return tuple(row[k] for k in KEY)
    except (KeyError, TypeError):
        raise ValueError(f"rows: {', '.join(KEY)} in each, not {row!r}") from None


def _line(row: dict) -> str:
    try:
        return json.dumps({k: _short(v) for k, v in row.items()}, allow_nan=False) + "\n"
    except ValueError as error:
        raise ValueError(f"rows: a number of {_key(row)} is not finite") from error
    except TypeError as error:
        raise TypeError(f"rows: {error}, in {_key(row)}") from error


def _made(provenance: dict) -> str:
    try:
        return json.dumps(provenance, indent=1, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise type(error)(f"provenance: {error}") from error


def _short(value):
    """Round floats to six significant digits: more would not repeat on another machine."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_short(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}")
    return value.item() if isinstance(value, np.generic) else value
