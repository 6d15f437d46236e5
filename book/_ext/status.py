"""Write the status page from the last `make run`: versions, and the data, run time and cells of each chapter."""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
from pathlib import Path

import nbformat

BOOK = Path(__file__).resolve().parent.parent
RUN = BOOK.parent / "_build" / "run"
HEAD = """# Status

<!-- Written by book/_ext/status.py from the last `make run`; do not edit. -->

The last execution of every chapter from an empty kernel: {date}, {system}, {cores} cores; no GPU is used.

| chapter | data | code cells | seconds |
| --- | --- | ---: | ---: |
"""


def row(notebook: Path, seconds: float) -> str:
    """Return a chapter's line of the table, from its executed copy."""
    cells = nbformat.read(notebook, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    lines = "".join(output.get("text", "") for cell in code for output in cell.outputs).splitlines()
    # Each loader says in one line what it used: "Digits: MNIST, ..." or "Text: WikiText-2, ...".
    data = {line.split(": ", 1)[1].split(",")[0] for line in lines if line.startswith(("Digits: ", "Text: "))}
    title = cells[0].source.splitlines()[0].removeprefix("# ")
    source = ", ".join(sorted(data)) or "simulated"
    return f"| {int(notebook.stem[:2])} {title} | {source} | {len(code)} | {seconds:.0f} |\n"


def page(folder: Path) -> str:
    """Return the status page of a run.

    Raises:
        FileNotFoundError: there was no run.
    """
    times = folder / "times.json"
    about = json.loads(times.read_text(encoding="utf-8"))
    date = datetime.date.fromtimestamp(times.stat().st_mtime)
    text = HEAD.format(date=f"{date:%d %B %Y}".lstrip("0"), system=platform.system(), cores=os.cpu_count())
    text += "".join(row(folder / f"{name}.ipynb", seconds) for name, seconds in sorted(about["seconds"].items()))
    versions = ", ".join(f"{name} {about[name]}" for name in ("python", "numpy", "torch", "matplotlib"))
    return f"{text}\nVersions: {versions}.\n\nDo your numbers differ? See {{ref}}`my-numbers-differ`.\n"


if __name__ == "__main__":
    if not (RUN / "times.json").exists():
        sys.exit("status: there is no _build/run/times.json; call `make run` first")
    (BOOK / "status.md").write_text(page(RUN), encoding="utf-8")
