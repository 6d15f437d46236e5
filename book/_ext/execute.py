"""Execute the chapters: into a folder (`make run`), or in place (`make refresh`, for maintainers)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient

BOOK = Path(__file__).resolve().parent.parent
CELL_SECONDS = 1800


def execute(source: Path, target: Path) -> float:
    """Execute a notebook in its own folder, write it to ``target``, and return the seconds it took."""
    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", record_timing=False, coalesce_streams=True,
                            resources={"metadata": {"path": str(source.parent)}},
                            extra_arguments=["--log-level=ERROR"])  # else each kernel warns of its own sockets
    start = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - start
    notebook.metadata = {  # nothing of the machine: the kernel is whatever runs python3
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:  # what is random in a message is not worth a diff
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--into", type=Path, help="folder for the executed copies")
    where.add_argument("--in-place", action="store_true", help="overwrite the committed outputs")
    parser.add_argument("chapters", nargs="*", type=Path, help="default: all")
    options = parser.parse_args()
    if options.in_place and not os.environ.get("COLLAPSE_DATA"):
        sys.exit("refresh: set COLLAPSE_DATA to the real data; committed outputs never come from embedded data")
    times = {}
    for chapter in options.chapters or sorted(BOOK.glob("0*.ipynb")):
        target = chapter if options.in_place else options.into / chapter.name
        times[chapter.stem] = round(execute(chapter, target), 1)
        print(f"{chapter.stem}: {times[chapter.stem]:.0f} s", flush=True)
    if not options.in_place:
        about = {"python": platform.python_version(), **{p: version(p) for p in ("numpy", "torch", "matplotlib")}}
        (options.into / "times.json").write_text(json.dumps({**about, "seconds": times}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
