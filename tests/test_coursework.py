"""Homework: well formed, nothing secret in the release, and the marks of sample submissions as they should be."""

import re
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import coursework
import editions

NAMES = sorted(path.name for path in (coursework.ASSIGNMENTS / "source").iterdir())
each = pytest.mark.parametrize("name", NAMES)
needs_nbgrader = pytest.mark.skipif(shutil.which("nbgrader", path=str(editions.Path(sys.executable).parent)) is None,
                                    reason="nbgrader is installed by `make test-all` and `make coursework`")


@each
def test_the_source_is_well_formed(name):
    notebook, ids = coursework.source(name), []
    for cell in notebook.cells:
        about = coursework.nbgrader_of(cell)
        if about:
            ids.append(about["grade_id"])
            assert about["locked"] == (about["grade"] and not about["solution"])
        for what in ("SOLUTION", "HIDDEN TESTS"):
            assert cell.source.count(f"### BEGIN {what}") == cell.source.count(f"### END {what}")
        if coursework.is_test(about):
            visible = cell.source.split("### BEGIN HIDDEN TESTS")[0]
            assert "assert" in visible and "### BEGIN HIDDEN TESTS" in cell.source
        elif about.get("grade"):
            assert "**Marking guide.**" in cell.source
        assert not cell.get("outputs") and len(cell.source.split("\n")) <= 30
    assert len(set(ids)) == len(ids)


@each
def test_points(name):
    cells = [coursework.nbgrader_of(cell) for cell in coursework.source(name).cells]
    total = sum(about.get("points", 0) for about in cells)
    assert total == (100 if name == "project" else 20)
    said = re.search(r"\*\*Credit\*\*: (\d+) points", coursework.source(name).cells[0].source)[1]
    assert int(said) == total


@each
def test_samples_name_cells_and_tests_that_exist(name):
    original = coursework.source(name)
    ids = {coursework.nbgrader_of(cell).get("grade_id") for cell in original.cells}
    samples = list(coursework.samples(name))
    assert {"right", "blank"} < {sample.name for sample in samples}
    for sample in samples:
        assert sample.loses <= ids and set(sample.answers) <= ids


@pytest.fixture
def small(tmp_path):
    folder = tmp_path / "small"
    coursework.stage(folder, ["homework1"])
    return folder


def test_a_course_keeps_its_own_files_and_another_folder_is_left_alone(small):
    own = [small / path for path in ("submitted/anna/homework1/homework1.ipynb", "source/quiz1/quiz1.ipynb",
                                     "source/homework1/notes.md", "release/quiz1/quiz1.ipynb")]
    for path in own:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    coursework.stage(small, ["homework1", "homework2"])
    assert {path.read_text() for path in own} == {"mine"} and (small / "source" / "homework2" / "homework2.ipynb").exists()
    with pytest.raises(FileExistsError, match="not a course folder"):
        coursework.stage(small.parent, ["homework1"])


@pytest.mark.parametrize("changed", ["nbgrader_config.py", "source/homework1/homework1.ipynb"])
def test_a_file_that_somebody_changed_is_not_replaced(changed, small):
    (small / changed).write_text("mine")
    with pytest.raises(FileExistsError, match=f"{changed} was changed"):
        coursework.stage(small, ["homework1", "homework2"])
    assert (small / changed).read_text() == "mine" and not (small / "source" / "homework2").exists()


def test_a_new_edition_replaces_what_was_staged(small, monkeypatch):
    monkeypatch.setattr(coursework, "staged", lambda name: {f"{name}.ipynb": b"new"})
    coursework.stage(small, ["homework2"])
    for _ in range(2):  # what was staged of homework1 is still known
        coursework.stage(small, ["homework1"])
        assert (small / "source" / "homework1" / "homework1.ipynb").read_bytes() == b"new"


def test_nothing_is_released_over_a_change(small, monkeypatch):
    (small / "nbgrader_config.py").write_text("mine")
    monkeypatch.setattr(sys, "argv", ["coursework.py", "--into", str(small), "--release-only", "homework1"])
    with pytest.raises(SystemExit, match="nbgrader_config.py was changed"):
        coursework.main()
    assert not (small / "release").exists()


def test_a_planted_leak_is_found():
    original = coursework.source("homework1")
    secret = sorted(coursework.secrets(original), key=len)[-1]
    released = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("clean", metadata={"note": secret})])
    assert coursework.leaks(released, original) == {secret}
    assert coursework.leaks(original, original) == coursework.secrets(original)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    coursework.stage(folder, NAMES)
    return folder


@each
@needs_nbgrader
def test_nothing_secret_is_released(name, course, monkeypatch):
    monkeypatch.setenv("PATH", str(editions.Path(sys.executable).parent), prepend=":")
    released, original = coursework.release(course, name), coursework.source(name)
    assert not coursework.leaks(released, original)
    text = nbformat.writes(released)
    assert "BEGIN SOLUTION" not in text and "HIDDEN TESTS" not in text
    assert "YOUR CODE HERE" in text and "YOUR ANSWER HERE" in text and "assert" in text
    assert sum(coursework.is_test(coursework.nbgrader_of(cell)) for cell in released.cells) == \
        sum(coursework.is_test(coursework.nbgrader_of(cell)) for cell in original.cells)


@each
def test_the_helper_unpacks_where_there_is_none(name, course, tmp_path):
    notebook = nbformat.read(course / "source" / name / f"{name}.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if "helper" in cell.metadata.get("tags", [])]
    imports = next(cell.source for cell in notebook.cells if "from collapse import" in cell.source)
    code = f"{cell.source}\n{imports.split('digits =')[0]}\nimport collapse\nprint(collapse.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"MPLBACKEND": "agg"}, text=True,
                          capture_output=True, check=True)
    assert str(tmp_path) in done.stdout.split("\n")[-2]


def listed(value):
    """Return a value with lists where it has arrays."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(listed, value))
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


@pytest.mark.slow
@each
def test_answers_may_be_lists(name):
    answers, tests = {}, {}
    for cell in coursework.source(name).cells:
        about = coursework.nbgrader_of(cell)
        if coursework.is_test(about):
            exec(cell.source, tests)
        elif cell.cell_type == "code":
            before = set(answers)
            exec(cell.source, answers)
            new = {key: answers[key] for key in set(answers) - before}
            if about:  # a solution
                new = {key: lambda *given, answer=value: listed(answer(*given)) for key, value in new.items()}
            tests |= new


@pytest.mark.slow
@each
@needs_nbgrader
def test_marks_are_as_they_should_be(name, tmp_path):
    done = subprocess.run([sys.executable, ROOT / "book" / "_ext" / "coursework.py", "--into", tmp_path, name],
                          text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("points by machine") == len(list(coursework.samples(name)))
