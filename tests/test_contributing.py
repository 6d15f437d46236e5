"""The Python of CONTRIBUTING.md works as it stands, and the chapter that it writes has the form that it describes."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
import test_notebooks

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = re.findall(r"(?ms)^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text())
sys.path.append(str(ROOT / "book" / "_ext"))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Return the folder and the names that the examples leave behind, run one after the other."""
    folder, names = tmp_path_factory.mktemp("contributing"), {"__name__": "contributing"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for example in EXAMPLES:
            exec(compile(example, "CONTRIBUTING.md", "exec"), names)
    return folder, names


def test_there_is_an_example_of_each_kind(done):
    _, names = done
    assert len(EXAMPLES) == 4 and {"Exponential", "fading", "memory", "notebook"} <= set(names)


def test_the_tests_of_the_examples_pass(done):
    _, names = done
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_the_tests_of_the_examples_can_fail(done):
    _, names = done
    broken = {**names, "fading": lambda share: None, "digamma": lambda n: 0}  # replace instead, and another law
    for name in [name for name in names if name.startswith("test_")]:
        test = names[name]
        with pytest.raises(AssertionError):
            type(test)(test.__code__, broken)()


def test_the_study_writes_a_record(done):
    folder, names = done
    assert (folder / "records" / "memory.jsonl").is_file() and (folder / "records" / "memory.provenance.json").is_file()
    assert 0.8 < names["mean"] < 0.9 and len(names["rows"]) == 6


def test_the_chapter_runs_and_has_the_form(done, monkeypatch):
    from execute import execute

    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel draws as it does for the chapters
    folder, _ = done
    path = folder / "08_two_points.ipynb"
    execute(path, path)
    chapter = nbformat.read(path, as_version=4)
    for test in (test_notebooks.test_it_was_run_from_top_to_bottom_without_an_error,
                 test_notebooks.test_it_opens_with_a_question_and_what_it_takes,
                 test_notebooks.test_cells_are_short,
                 test_notebooks.test_lines_fit_the_page,
                 test_notebooks.test_figures_have_a_caption_a_name_and_a_text,
                 test_notebooks.test_captions_belong_to_figures,
                 test_notebooks.test_only_markup_that_every_edition_understands):
        test(chapter)
    for test in (test_notebooks.test_it_is_a_valid_notebook_with_unique_cells,
                 test_notebooks.test_nothing_of_the_machine_is_stored):
        test(path, chapter)
    assert "half-life of the typical standard deviation: 1.1 refits" in test_notebooks.printed(chapter.cells[3])
