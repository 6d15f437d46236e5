"""The form of the chapters, as CONTRIBUTING.md describes it."""

import json
import re
import statistics
from pathlib import Path

import nbformat
import pytest
from collapse.checks import EXERCISES

BOOK = Path(__file__).resolve().parent.parent / "book"
CHAPTERS = sorted(BOOK.glob("0*.ipynb"))
ROLES = {"cite:t", "cite:p", "eq", "numref", "prf:ref", "ref", "doc", "term", "math"}
DIRECTIVES = {"admonition", "note", "tip", "warning", "important", "dropdown", "exercise", "margin", "list-table"}
SECTIONS = ["## Summary", "## Exercises", "## Quiz", "## Further reading"]
MACHINE = re.compile(r"(?<![\w.:/])(/(home|root|Users|work|tmp|mnt|opt|usr|var|private)/\w|[A-Z]:\\\\?\w|file://)")


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def printed(cell):
    return "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream")


def section(text, title):
    """Return the text of a section of second level."""
    start = text.index(title) + len(title)
    end = text.find("\n## ", start)
    return text[start : end if end > 0 else len(text)]


def test_there_are_chapters():
    assert len(CHAPTERS) >= 1


# ---- the file -------------------------------------------------------------------------------------------------------


def test_it_is_a_valid_notebook_with_unique_cells(path, notebook):
    nbformat.validate(notebook)
    ids = [cell["id"] for cell in json.loads(path.read_text())["cells"]]
    assert len(set(ids)) == len(ids)
    assert (notebook.nbformat, notebook.metadata.kernelspec.name) == (4, "python3")


def test_it_was_run_from_top_to_bottom_without_an_error(notebook):
    cells = code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error"
            if output.output_type == "execute_result":
                assert output.execution_count == cell.execution_count
            assert output.get("name") != "stderr", output.text


def test_nothing_of_the_machine_is_stored(path, notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags", "mystnb"}  # no times, no editor's state
        for output in cell.get("outputs", []):
            assert not output.get("metadata")
            if "data" in output:
                output.data.pop("image/png", None)
            text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", json.dumps(output))
            assert not MACHINE.search(text), MACHINE.search(text)


# ---- the opening, the sections, the cells ------------------------------------------------------------------------------


def test_it_opens_with_a_question_and_what_it_takes(notebook):
    first, second = notebook.cells[:2]
    assert re.match(r"# \S.*\n\n:::\{admonition\} \S.*\?\n:class: opening\n", first.source)
    positions = [first.source.index(f"**{words}**") for words in ("You will learn", "You need", "Time")]
    assert positions == sorted(positions)
    assert second.cell_type == "code" and "import" in second.source
    assert second.source.rstrip().endswith("figures.use_style()")


def test_it_has_its_sections_in_order(notebook):
    text = prose(notebook)
    assert len(re.findall(r"(?m)^# ", text)) == 1
    found = re.findall(r"(?m)^## .*$", text)
    assert found[-4:] == SECTIONS and len(found) >= 7
    assert len(re.findall(r"\*\*Predict\.\*\*", text)) >= 2
    assert len(re.findall(r"(?m)^- .{40,}", section(text, "## Further reading"))) >= 3


def test_cells_are_short(notebook):
    sizes = [sum(bool(line.strip()) for line in cell.source.split("\n")) for cell in code(notebook)]
    assert max(sizes) <= 20 and statistics.median(sizes) <= 7


WIDTH = 84  # characters of code that a page shows; of output it shows three more, then lines wrap


def test_lines_fit_the_page(notebook):
    for cell in code(notebook):
        assert max(map(len, cell.source.splitlines())) <= WIDTH, cell.source
        printed = [] if "nbval-ignore-output" in cell.metadata.get("tags", []) else cell.outputs
        lines = [line for output in printed for line in output.get("text", "").splitlines()]
        assert max(map(len, lines), default=0) <= WIDTH + 3, lines


# ---- figures ----------------------------------------------------------------------------------------------------------


def figures(notebook):
    return [cell for cell in code(notebook) if any("image/png" in o.get("data", {}) for o in cell.outputs)]


def test_figures_have_a_caption_a_name_and_a_text(notebook):
    names = []
    for cell in figures(notebook):
        render = cell.metadata.get("mystnb", {})
        figure, image = render.get("figure", {}), render.get("image", {})
        assert len(figure.get("caption", "")) > 20 and figure.get("name", "").startswith("fig-"), cell.source
        assert len(image.get("alt", "")) > 20 and re.search(r"\d", image["alt"]), cell.source
        assert image.get("classes") == "dark-light"
        assert re.search(r"\d", printed(cell)), "a figure cell prints a number: " + cell.source
        names.append(figure["name"])
    assert len(set(names)) == len(names)


def test_captions_belong_to_figures(notebook):
    drawn = {cell.id for cell in figures(notebook)}
    for cell in code(notebook):
        if "figure" in cell.metadata.get("mystnb", {}):
            assert cell.id in drawn or any("text/html" in o.get("data", {}) for o in cell.outputs), cell.source


def test_players_have_a_text(notebook):
    for cell in code(notebook):
        for output in cell.outputs:
            page = output.get("data", {}).get("text/html", "")
            for image in re.findall(r"<img[^>]*>", page):
                assert re.search(r'alt="[^"]+"', image)
            if '<div class="player"' in page:
                assert len(re.search(r'aria-label="([^"]*)"', page)[1]) > 20


# ---- exercises ----------------------------------------------------------------------------------------------------------


def exercises(notebook):
    """Return for each exercise its number and its cells: the text and what follows up to the next one."""
    found = []
    for cell in notebook.cells:
        label = re.search(r":::\{exercise\}.*\n:label: (\S+)", cell.source) if cell.cell_type == "markdown" else None
        if label:
            found.append((label[1], [cell]))
        elif cell.cell_type == "markdown" and cell.source.startswith("## Quiz"):
            break
        elif found:
            found[-1][1].append(cell)
    return found


def test_exercises_are_labelled_in_order(path, notebook):
    chapter = int(path.name[:2])
    labels = [label for label, _ in exercises(notebook)]
    assert labels == [f"ex-{chapter}-{k}" for k in range(1, len(labels) + 1)] and len(labels) >= 5
    assert prose(notebook).count("{exercise}") == len(labels)


def test_exercises_have_a_stub_a_check_and_a_solution(path, notebook):
    for label, (_, *rest) in exercises(notebook):
        kinds = [next((t for t in ("exercise", "check", "solution") if t in tags(c)), None) for c in rest]
        assert "solution" in kinds and None not in kinds, (label, kinds)
        if "exercise" not in kinds:  # an open one: text only
            assert all(c.cell_type == "markdown" for c in rest), label
            continue
        assert kinds[:3] == ["exercise", "check", "solution"] and set(kinds[3:]) <= {"solution"}, (label, kinds)
        stub, test, solution = rest[:3]
        number = ".".join(label.split("-")[1:])
        assert f'check("{number}", ' in test.source and "not started" in printed(test), label
        assert {"solution", "hide-cell"} <= set(tags(solution)) and solution.cell_type == "code", label
        assert f'check("{number}", ' in solution.source and f"Exercise {number}: right." in printed(solution), label


def test_checked_exercises_are_those_of_the_table(path, notebook):
    asked = set(re.findall(r'check\("([^"]+)"', "\n".join(cell.source for cell in code(notebook))))
    chapter = str(int(path.name[:2]))
    assert asked == {number for number in EXERCISES if number.split(".")[0] == chapter}


def test_a_solution_keeps_every_line_of_its_stub(notebook):
    for label, cells in exercises(notebook):
        stubs = [c for c in cells if "exercise" in tags(c)]
        for stub in stubs:
            assert "..." in stub.source, label
            solution = [line.rstrip() for line in cells[3].source.split("\n")]
            for line in stub.source.split("\n"):
                kept = line.rstrip() if "..." not in line else line[: line.index("...")].rstrip()
                if not kept.strip() or kept.strip() == "return":
                    continue
                assert any(s == kept if "..." not in line else s.startswith(kept) for s in solution), (label, line)


def test_text_solutions_are_folded(notebook):
    for cell in notebook.cells:
        if "solution" in tags(cell) and cell.cell_type == "markdown":
            assert re.match(r":::\{admonition\} .+\n:class: dropdown\n", cell.source), cell.source


def test_stubs_and_solutions_stand_in_exercises_only(notebook):
    inside = {cell.id for _, cells in exercises(notebook) for cell in cells}
    for cell in notebook.cells:
        if {"exercise", "check", "solution"} & set(tags(cell)):
            assert cell.id in inside, cell.source


# ---- the quiz ------------------------------------------------------------------------------------------------------------


def test_the_quiz_explains_every_option(notebook):
    questions = re.split(r"(?m)^\*\*\d+\. ", section(prose(notebook), "## Quiz"))[1:]
    assert 5 <= len(questions) <= 8
    for question in questions:
        options = re.findall(r"(?ms)^:::\{dropdown\} (.+?)\n(.*?)^:::\s*$", question)
        assert len(options) >= 2 and len(options) == question.count("{dropdown}"), question
        verdicts = [re.match(r"(Right|Wrong)\b(.*)", body.strip(), re.S) for _, body in options]
        assert all(verdicts), question
        assert [v[1] for v in verdicts].count("Right") == 1, question
        assert all(len(v[2].strip(" .:")) > 10 for v in verdicts), question


# ---- markup ----------------------------------------------------------------------------------------------------------------


def texts(notebook):
    """Give all prose of a chapter but its live demos, which no edition takes over."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "site-only" not in cell.metadata.get("tags", []):
            yield cell.source
    for cell in code(notebook):
        yield cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")


def test_only_markup_that_every_edition_understands(notebook):
    for text in texts(notebook):
        text = re.sub(r"(?s)\$\$.*?\$\$|\$[^$\n]+\$", "", text)
        assert set(re.findall(r"\{([\w:+.-]+)\}`", text)) <= ROLES, text
        directives = set(re.findall(r"(?m)^\s*(?::{3,}|`{3,}|~{3,})\{([\w:+.-]+)\}", text))
        assert {d for d in directives if not d.startswith("prf:")} <= DIRECTIVES, text
        assert not re.search(r"<(?!(https?|mailto):)/?[a-zA-Z][^>]*>", re.sub(r"`[^`]*`", "", text)), text
        assert text.count(":::{") == len(re.findall(r"(?m)^:{3,}\s*$", text)), "an open directive: " + text


def test_a_cell_for_the_site_alone_holds_a_live_demo(notebook):
    for cell in notebook.cells:
        if "site-only" in cell.metadata.get("tags", []):
            assert re.search(r"```\{raw\} html\n<(dog-park|gaussian-chains|real-share)\b", cell.source), cell.source


def test_references_point_somewhere(notebook):
    text = "\n".join(texts(notebook))
    labels = set(re.findall(r":label: (\S+)", text)) | set(re.findall(r"\$\$ \(([^)]+)\)", text))
    labels |= {c.metadata.get("mystnb", {}).get("figure", {}).get("name") for c in code(notebook)}
    for role, target in re.findall(r"\{(eq|numref|prf:ref)\}`(?:[^`<]*<)?([^`>]+)>?`", text):
        assert target in labels, (role, target)
    keys = set(re.findall(r"@\w+\{\s*([^,\s]+)", (BOOK / "references.bib").read_text()))
    for cited in re.findall(r"\{cite:[tp]\}`([^`]+)`", text):
        assert {key.strip() for key in cited.split(",")} <= keys, cited


def test_pages_name_sections_that_exist():
    headings = set()
    for chapter in CHAPTERS:
        headings |= set(re.findall(r"(?m)^#+ (.*)$", prose(nbformat.read(chapter, as_version=4))))
    named = re.findall(r"(?<!\*)\*([A-Z][^*\n.]* [^*\n]*)\*(?!\*)", (BOOK / "teachers.md").read_text(encoding="utf-8"))
    assert len(named) > 10 and set(named) <= headings
