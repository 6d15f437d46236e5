"""Records of long runs: one JSON line per study, arm, seed and logged generation, provenance beside them.

Written by ``python -m collapse.studies``, never by hand; chapters read them for their bands.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "results"
KEY = ("arm", "seed", "generation")


def write(name: str, rows: list[dict], provenance: dict, folder: Path = FOLDER) -> None:
    """Write the records of a study, sorted, and its provenance; each file is replaced in one step."""
    rows = sorted(rows, key=lambda row: tuple(row[k] for k in KEY))
    lines = "".join(json.dumps({k: _short(v) for k, v in row.items()}) + "\n" for row in rows)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in ((folder / f"{name}.jsonl", lines),
                       (folder / f"{name}.provenance.json", json.dumps(provenance, indent=1) + "\n")):
        part = path.with_name(path.name + ".tmp")
        part.write_text(text)
        os.replace(part, path)


def read(name: str, folder: Path = FOLDER) -> list[dict]:
    """Return the rows of a study.

    Raises:
        ValueError: there is no such record, or a line of it is damaged.
    """
    path = folder / f"{name}.jsonl"
    if not path.is_file():
        known = sorted(p.stem for p in folder.glob("*.jsonl"))
        raise ValueError(f"name: no record {name!r}; there are {', '.join(known) or 'none'}")
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row = json.loads(line)
            _ = [row[k] for k in KEY]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}, line {number}: not a record ({error})") from error
        rows.append(row)
    return rows


def provenance(name: str, folder: Path = FOLDER) -> dict:
    """Return what a record was made with: versions, device, data, seconds."""
    return json.loads((folder / f"{name}.provenance.json").read_text())


def curves(rows: list[dict], arm: str, metric: str) -> np.ndarray:
    """Return a metric of one arm as an array (seeds, generations); all seeds as long as the shortest.

    Raises:
        ValueError: no rows of that arm.
    """
    runs: dict[int, list[float]] = {}
    for row in sorted(rows, key=lambda row: row["generation"]):
        if row["arm"] == arm:
            runs.setdefault(row["seed"], []).append(row[metric])
    if not runs:
        raise ValueError(f"arm: no rows of {arm!r}; there are {', '.join(sorted({r['arm'] for r in rows}))}")
    shortest = min(map(len, runs.values()))
    return np.array([run[:shortest] for _, run in sorted(runs.items())])


def _short(value):
    """Round floats to six significant digits: more would not repeat on another machine."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_short(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}")
    return value.item() if isinstance(value, np.generic) else value
