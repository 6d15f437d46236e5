"""Release the homework with nbgrader, grade sample submissions, and verify their marks (`make coursework`).

The sources in `book/assignments/source` carry solutions and hidden tests; students get what lies in
`release/` of the course folder. A sample is a list of answers, see `book/assignments/samples`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import editions
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ASSIGNMENTS = Path(os.environ.get("ASSIGNMENTS") or editions.BOOK / "assignments")  # yours may be private
SAMPLES = editions.BOOK.parent / "_build" / "coursework"  # what `make coursework` makes anew each time
PROJECT = "discrete, gaussian, mixture, vae, theory, metrics, figures, datasets, records"
SUBMISSION_SECONDS = 1500  # more than nbgrader_config.py allows a notebook: the last resort
SUBMISSION_BYTES = 1_000_000  # a graded notebook that is larger has kept output it should have dropped

HELPER = '''\
# The helper module of the book, for machines that do not have it beside this notebook. Leave this cell as it is.
import base64, importlib.util, io, zipfile

if importlib.util.find_spec("collapse") is None:
    zipfile.ZipFile(io.BytesIO(base64.b85decode("{packed}"))).extractall()
    importlib.invalidate_caches()'''


# ---- the course folder -------------------------------------------------------------------------------------


def stage(course: Path, names: list[str]) -> None:
    """Lay out a course folder: the configuration, and the sources of the named assignments.

    Replaces what it wrote itself, and nothing else: ``.staged.json`` remembers the checksums.

    Raises:
        FileExistsError: a file would be replaced that was changed since, or this is not a course folder.
    """
    if any(course.glob("*")) and not (course / "nbgrader_config.py").exists():
        raise FileExistsError(f"{course}: not a course folder; give an empty one")
    files = {"nbgrader_config.py": (ASSIGNMENTS / "nbgrader_config.py").read_bytes()}
    for name in names:
        files |= {f"source/{name}/{path}": content for path, content in staged(name).items()}
    memory = course / ".staged.json"
    before = json.loads(memory.read_text()) if memory.exists() else {}
    now = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    for path in now:
        there = course / path
        if there.exists() and hashlib.sha256(there.read_bytes()).hexdigest() not in (before.get(path), now[path]):
            raise FileExistsError(f"{there} was changed. Keep it under another name, or make the same change in your copy "
                                  "of the assignments (ASSIGNMENTS); then run this again. Nothing was replaced")
    for path, content in files.items():
        (course / path).parent.mkdir(parents=True, exist_ok=True)
        (course / path).write_bytes(content)
    memory.write_text(json.dumps(before | now, indent=1))


def staged(name: str) -> dict[str, bytes]:
    """Return the files of an assignment: the notebook, with the helper that it needs inside and beside it."""
    notebook = source(name)
    wanted = PROJECT if name == "project" else "theory"  # beyond what the notebook itself imports
    modules = editions.helper_modules(f"{editions.code_of(notebook)}\nfrom collapse import {wanted}")
    for cell in notebook.cells:
        if "helper" in cell.metadata.get("tags", []):
            cell.source = HELPER.format(packed=packed(modules))
    helper = {f"collapse/{module}.py": (editions.BOOK / "collapse" / f"{module}.py").read_bytes() for module in modules}
    return helper | {f"{name}.ipynb": f"{nbformat.writes(notebook)}\n".encode()}


def source(name: str) -> NotebookNode:
    """Return the source of an assignment, with solutions and hidden tests."""
    return nbformat.read(ASSIGNMENTS / "source" / name / f"{name}.ipynb", as_version=4)


def packed(modules: list[str]) -> str:
    """Return helper modules as text; the same modules always give the same text."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for module in modules:
            text = (editions.BOOK / "collapse" / f"{module}.py").read_bytes()
            archive.writestr(zipfile.ZipInfo(f"collapse/{module}.py"), text, zipfile.ZIP_DEFLATED, 9)
    return base64.b85encode(buffer.getvalue()).decode()


def nbgrader(course: Path, *arguments: str, seconds: float = 120, limits: dict[str, str] | None = None) -> str:
    """Run nbgrader in the course folder, ``limits`` in its environment, and return what it wrote.

    Raises:
        RuntimeError: it failed, or did not end in time.
    """
    command = [str(Path(sys.executable).with_name("nbgrader")), *arguments, "--course-dir", str(course)]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COLLAPSE_DATA")} | (limits or {})
    process = subprocess.Popen(command, cwd=course, env=environment, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        written, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)  # with the kernel that it started
        raise RuntimeError(f"{arguments}: not done after {seconds} seconds") from None
    if process.returncode:
        raise RuntimeError(f"{arguments}: {written[-3000:]}")
    return written


def release(course: Path, name: str) -> NotebookNode:
    """Make the students' version of an assignment and return it."""
    nbgrader(course, "generate_assignment", name, "--create", "--force")
    return nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)


# ---- what must not reach a student ---------------------------------------------------------------------------


def regions(text: str, what: str) -> list[str]:
    """Return the lines between ``### BEGIN what`` and ``### END what``."""
    return [line for part in re.findall(rf"### BEGIN {what}\n(.*?)### END {what}", text, re.S)
            for line in part.split("\n")]


def secrets(notebook: NotebookNode) -> set[str]:
    """Return the lines of solutions, hidden tests, model answers and marking guides."""
    lines = []
    for cell in notebook.cells:
        lines += regions(cell.source, "SOLUTION") + regions(cell.source, "HIDDEN TESTS")
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and about.get("solution"):
            lines += cell.source.split("\n")
    return {line.strip() for line in lines if len(line.strip()) >= 8}


def leaks(released: NotebookNode, original: NotebookNode) -> set[str]:
    """Return the secret lines that a released notebook still has."""
    texts = list(strings(released))
    return {secret for secret in secrets(original) for text in texts if secret in text}


def strings(value) -> Iterator[str]:
    """Yield every string of a notebook, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.items() for part in item for text in strings(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in strings(part))


# ---- samples -------------------------------------------------------------------------------------------------


@dataclass
class Sample:
    """What a student hands in, and which tests it should fail.

    ``base`` is "right" (the solutions) or "blank" (the release); ``answers`` replaces single cells;
    ``deleted`` removes all test cells; ``doubled`` cells stand there twice; ``seconds`` shortens the time of a
    cell, for loops that never end.
    """

    name: str
    base: str
    loses: set[str] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    deleted: bool = False
    doubled: list[str] = field(default_factory=list)
    seconds: int = 240


def samples(assignment: str) -> Iterator[Sample]:
    """Yield the right and the blank submission and those of the samples folder."""
    tests = {about["grade_id"] for about in map(nbgrader_of, source(assignment).cells) if is_test(about)}
    yield Sample("right", "right")
    yield Sample("blank", "blank", loses=tests)
    for path in sorted((ASSIGNMENTS / "samples").glob(f"{assignment}_*.py")):
        head, *parts = re.split(r"^# %% ", path.read_text(encoding="utf-8"), flags=re.M)
        loses = re.search(r"^# loses: *(.*)$", head, re.M)[1].split()
        seconds = re.search(r"^# seconds: *(\d+)$", head, re.M)
        doubled = re.findall(r"^# doubles the cell (\S+)$", head, re.M)
        answers = {part.split("\n", 1)[0].strip(): part.split("\n", 1)[1].strip() for part in parts}
        yield Sample(path.stem.split("_", 1)[1], "right", set(loses), answers, "# deletes the tests" in head,
                     doubled, int(seconds[1]) if seconds else Sample.seconds)


def nbgrader_of(cell: NotebookNode) -> dict:
    """Return the metadata that nbgrader keeps in a cell, or nothing."""
    return cell.metadata.get("nbgrader", {})


def is_test(about: dict) -> bool:
    """Tell whether a cell is graded by machine."""
    return bool(about.get("grade") and not about.get("solution"))


def submission(sample: Sample, released: NotebookNode, original: NotebookNode) -> NotebookNode:
    """Return the notebook that the student of a sample hands in."""
    notebook = nbformat.from_dict(released)
    solved = {nbgrader_of(cell).get("grade_id"): re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.M)
              for cell in original.cells if nbgrader_of(cell).get("solution")}
    for cell in notebook.cells:
        name = nbgrader_of(cell).get("grade_id")
        if sample.base == "right" and name in solved and cell.cell_type == "code":
            cell.source = solved[name]
        cell.source = sample.answers.get(name, cell.source)
    if unknown := set(sample.answers) - {nbgrader_of(cell).get("grade_id") for cell in notebook.cells}:
        raise ValueError(f"{sample.name}: no cell {unknown}")
    for name in sample.doubled:
        at = [nbgrader_of(cell).get("grade_id") for cell in notebook.cells].index(name)
        notebook.cells.insert(at, nbformat.from_dict({**notebook.cells[at], "id": f"copy-{name}"}))
    if sample.deleted:
        notebook.cells = [cell for cell in notebook.cells if not is_test(nbgrader_of(cell))]
        notebook.cells.append(new_code_cell("print('all my tests pass')", id="cheerful"))
    return notebook


# ---- grading --------------------------------------------------------------------------------------------------


def grade(course: Path, assignment: str, sample: Sample, notebook: NotebookNode) -> list[str]:
    """Hand in and grade a sample; return what is not as it should be."""
    folder = course / "submitted" / sample.name / assignment
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{assignment}.ipynb")
    start = time.perf_counter()
    limits = {"GRADING_CELL_SECONDS": str(sample.seconds), "GRADING_NOTEBOOK_SECONDS": str(5 * sample.seconds)}
    nbgrader(course, "autograde", assignment, "--student", sample.name, "--force",
             seconds=SUBMISSION_SECONDS, limits=limits)
    seconds = time.perf_counter() - start
    got, possible = marks(course, assignment, sample.name)
    wrong = [f"{test}: {got.get(test)} of {points} points"
             for test, points in possible.items() if got.get(test) != (0 if test in sample.loses else points)]
    size = (course / "autograded" / sample.name / assignment / f"{assignment}.ipynb").stat().st_size
    if size > SUBMISSION_BYTES:
        wrong.append(f"{size:,} bytes were kept")
    print(f"{assignment}, {sample.name}: {sum(got.values()):g} of {sum(possible.values()):g} points by machine, "
          f"{seconds:.0f} s{'' if not wrong else ', WRONG: ' + '; '.join(wrong)}", flush=True)
    return [f"{assignment}, {sample.name}: {what}" for what in wrong]


def marks(course: Path, assignment: str, student: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return points got and possible, by test cell, from nbgrader's database."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grades = book.find_submission_notebook(assignment, assignment, student).grades
        tests = {about["grade_id"] for about in map(nbgrader_of, source(assignment).cells) if is_test(about)}
        return ({grade.name: grade.auto_score for grade in grades if grade.name in tests},
                {grade.name: grade.max_score for grade in grades if grade.name in tests})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="folder for the course")
    parser.add_argument("--release-only", action="store_true", help="grade nothing")
    parser.add_argument("assignments", nargs="*", help="default: all")
    options = parser.parse_args()
    course, wrong = options.into.resolve(), []
    names = options.assignments or sorted(path.name for path in (ASSIGNMENTS / "source").iterdir() if path.is_dir())
    if course == SAMPLES and not options.release_only:
        shutil.rmtree(course, ignore_errors=True)
    elif (course / "submitted").exists() and not options.release_only:
        sys.exit(f"coursework: {course} has submissions; give another folder, or --release-only")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic
    try:
        stage(course, names)
    except OSError as problem:
        sys.exit(f"coursework: {problem}")
    for name in names:
        released, original = release(course, name), source(name)
        wrong += [f"{name}: the release shows {line!r}" for line in leaks(released, original)]
        for sample in () if options.release_only else samples(name):
            wrong += grade(course, name, sample, submission(sample, released, original))
    if wrong:
        sys.exit("\n".join(["Not as it should be:", *wrong]))
    print(f"The students' notebooks: {course}/release/NAME/NAME.ipynb")


if __name__ == "__main__":
    main()
