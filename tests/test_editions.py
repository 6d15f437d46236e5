"""Editions: nothing leaks, nothing of Sphinx survives, links lead somewhere, and Colab copies run alone."""

import ast
import io
import os
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import book_pages
import editions
from plain_markdown import Book, plain

CHAPTERS = editions.chapters()
NAMES = [chapter.stem for chapter in CHAPTERS]
ADDRESS = "https://someone.github.io/model-collapse"
COLAB_HAS = {"numpy", "scipy", "matplotlib", "sklearn", "torch", "torchvision", "tokenizers", "joblib", "IPython"}
ONLY_IF_ASKED_FOR = {"distributed", "transformers"}  # inside a function that the chapter does not call by itself
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
each_edition = pytest.mark.parametrize("make", [editions.colab, editions.student], ids=["colab", "student"])


@cache
def book():
    return Book.read(ROOT / "book", ADDRESS)


@cache
def master(chapter):
    return nbformat.read(chapter, as_version=4)


@cache
def edition(make, chapter):
    return make(chapter, book())


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


# ---- leaks -----------------------------------------------------------------------------------------------


def strings(value):
    """Yield every string of a notebook: sources, outputs, attachments, metadata and keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def lines_of(cells):
    return {line.strip() for cell in cells for line in cell.source.split("\n")}


@cache
def secrets(chapter):
    """Return the lines that only teachers get: in solutions or marking notes, and nowhere in public text."""
    cells = master(chapter).cells
    hidden = [cell for cell in cells if editions.SECRET & set(cell.metadata.get("tags", []))]
    public = [cell.source for path in CHAPTERS for cell in master(path).cells
              if not editions.SECRET & set(cell.metadata.get("tags", []))]
    public += [path.read_text(encoding="utf-8") for path in (ROOT / "book" / "collapse").rglob("*.py")]
    text = "\n".join(public)
    return {line for line in lines_of(hidden) if len(line) >= 8 and line not in text}


def leaks(notebook, chapter):
    return {secret for text in strings(notebook) for secret in secrets(chapter) if secret in text}


@each_chapter
@each_edition
def test_no_solution_leaks(make, chapter):
    assert not leaks(edition(make, chapter), chapter)


@each_chapter
def test_the_teacher_has_every_solution_and_result(chapter):
    notebook = edition(editions.teacher, chapter)
    code = {line for cell in tagged(master(chapter), "solution") if cell.cell_type == "code"
            for line in lines_of([cell])} & secrets(chapter)
    assert code and code <= leaks(notebook, chapter)
    for cell in tagged(notebook, "solution"):
        if cell.cell_type == "code" and "check(" in cell.source:
            assert any(": right." in text for text in strings(cell.outputs)), cell.source
    for cell in tagged(notebook, "check"):
        number = re.search(r'"([\d.]+)"', cell.source)[1]
        assert any(f"Marking note, exercise {number}" in other.source for other in notebook.cells)


def test_a_planted_leak_is_found():
    for place in (lambda cell, text: cell.update(source=text),
                  lambda cell, text: cell.metadata.update(note=text),
                  lambda cell, text: cell.update(attachments={"x": {"text/plain": text}})):
        notebook = editions.student(CHAPTERS[0], book())
        place(notebook.cells[2], f"see {max(secrets(CHAPTERS[0]), key=len)} here")
        assert leaks(notebook, CHAPTERS[0])


def test_marking_notes_and_solutions_are_taken_out():
    new = nbformat.v4
    cells = [new.new_markdown_cell(tag or "text", metadata={"tags": [tag, "remove-cell"]} if tag else {})
             for tag in ("", "exercise", "solution", "marking", "check")]
    kept = editions._without(editions.SECRET, new.new_notebook(cells=cells))
    assert [cell.source for cell in kept.cells] == ["text", "exercise", "check"]


@each_chapter
@each_edition
def test_every_caption_is_kept_and_every_folded_cell_is_folded(make, chapter):
    cells = edition(make, chapter).cells
    public = [cell for cell in master(chapter).cells
              if not {*editions.SECRET, "site-only"} & set(cell.metadata.get("tags", []))]
    captioned = [cell.id for cell in public if cell.metadata.get("mystnb", {}).get("figure", {}).get("caption")]
    assert captioned == [cell.id.removesuffix("-caption") for cell in cells if cell.id.endswith("-caption")]
    folded = [cell.id for cell in public if "hide-input" in cell.metadata.get("tags", []) and cell.cell_type == "code"]
    assert folded == [cell.id for cell in cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert folded and all(cell.source.startswith("# @title Code of ") for cell in cells if cell.id in folded)


@each_chapter
@each_edition
def test_stubs_and_checks_are_kept_and_outputs_are_not(make, chapter):
    notebook = edition(make, chapter)
    for tag in ("exercise", "check"):
        kept = [cell.source for cell in tagged(notebook, tag)]
        assert kept == [cell.source for cell in tagged(master(chapter), tag)]
    assert not tagged(notebook, "solution")
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@each_chapter
def test_each_stub_is_part_of_its_solution(chapter):
    cells = master(chapter).cells
    assert tagged(master(chapter), "exercise")
    for i, cell in enumerate(cells):
        if "exercise" not in cell.metadata.get("tags", []):
            continue
        solution = next(other for other in cells[i:] if "solution" in other.metadata.get("tags", []))
        have = [line.rstrip() for line in solution.source.split("\n")]
        for line in cell.source.split("\n"):
            if "..." in line:
                assert any(other.startswith(line.split("...")[0].rstrip()) for other in have), line
            else:
                assert line.rstrip() in have, line


# ---- plain Markdown ----------------------------------------------------------------------------------------


@each_chapter
@each_edition
def test_nothing_of_sphinx_survives(make, chapter):
    for cell in edition(make, chapter).cells:
        if cell.cell_type != "markdown":
            continue
        prose = re.sub(r"```.*?```", "", cell.source, flags=re.S)
        assert not re.search(r"\{[a-z:]+\}`|^:::|^```\{|^\([\w-]+\)=", prose, re.M), cell.source
        tags = {tag.lower() for tag in re.findall(r"<([a-zA-Z][\w-]*)[\s>/]", re.sub(r"`[^`]*`|\$[^$]*\$", "", prose))}
        assert tags <= {"details", "summary"}, f"{tags} in {cell.source}"


@pytest.mark.parametrize("myst, expected", [
    ("{math}`10^5` runs", "$10^5$ runs"),
    ("{cite:t}`shumailov2024collapse`", "[Shumailov et al. (2024)](https://doi.org/10.1038/s41586-024-07566-y)"),
    ("{cite:p}`shumailov2024collapse`", "([Shumailov et al., 2024](https://doi.org/10.1038/s41586-024-07566-y))"),
    ("see {doc}`02_gaussian`", f"see [The Gaussian that forgets itself]({ADDRESS}/book/02_gaussian.html)"),
    ("see {doc}`chapter 2 <02_gaussian>`", f"see [chapter 2]({ADDRESS}/book/02_gaussian.html)"),
    ("{numref}`fig-gauss-paths`", f"[Figure 2.1]({ADDRESS}/book/02_gaussian.html)"),
    ("{numref}`Picture %s <fig-gauss-paths>`", f"[Picture 2.1]({ADDRESS}/book/02_gaussian.html)"),
    ("{eq}`eq-mix`", f"[(2.1)]({ADDRESS}/book/02_gaussian.html)"),
    ("{term}`drift <genetic drift>`", "drift"),
    (":::{note}\nText.\n:::", "> **Note**\n>\n> Text."),
    (":::{admonition} Why?\n:class: tip\nText.\n:::\nAfter.", "> **Why?**\n>\n> Text.\n\nAfter."),
    ("Before.\n\n:::{margin} Two $N$\nSee {term}`drift`.\n:::\n\nAfter.",
     "Before.\n\n> **Two $N$**\n>\n> See drift.\n\nAfter."),
    (":::{margin}\nText.\n:::", "> **Aside**\n>\n> Text."),
    ("::::{note}\n:::{tip}\nIn.\n:::\n::::", "> **Note**\n>\n> > **Tip**\n> >\n> > In."),
    (":::{dropdown} Two.\nRight: so.\n:::",
     "▸ Two.\n\n<details><summary>Right or wrong?</summary>\n\nRight: so.\n\n</details>"),
    (":::{exercise}\n:label: ex-2-1\nDo it.\n:::", "**Exercise 2.1**\n\nDo it."),
    (":::{list-table} Sizes\n:header-rows: 1\n* - a\n  - b\n* - 1\n  - 2\n    more\n:::",
     "| a | b |\n| --- | --- |\n| 1 | 2 more |"),
    ("(label)=\n## Head", "## Head"),
    ("[text]{.small}", "[text]"),
    ("<dog-park n=3></dog-park>", f"*A live demo stands here in [the page of this chapter]({ADDRESS}/book/x.html).*"),
    ("```python\n:::{note}\n```", "```python\n:::{note}\n```"),
])
def test_plain_markdown(myst, expected):
    assert plain(myst, book(), "x") == expected


@pytest.mark.parametrize("myst", [
    "{abbr}`x`", ":::{figure} x.png\n:::", "{cite:t}`nobody1900`", "{ref}`nowhere`", "{doc}`nowhere`",
    "```{code-cell}\n1\n```", ":::{note}\nnever closed",
])
def test_what_is_not_known_is_an_error(myst):
    with pytest.raises(ValueError):
        plain(myst, book(), "x")


def test_equations_are_numbered_and_plain_text_without_a_site():
    alone = Book.read(ROOT / "book")
    assert plain("$$\na = b\n$$ (eq-mix)", alone, "x") == "$$\na = b\n\\tag{2.1}\n$$"
    assert plain("{doc}`02_gaussian`", alone, "x") == "*The Gaussian that forgets itself*"


# ---- what a Colab copy brings with it ------------------------------------------------------------------------


def test_helper_modules_follow_imports():
    assert editions.helper_modules("import numpy") == []
    assert editions.helper_modules("from collapse import chain") == ["__init__", "arguments", "chain"]
    assert {"chain", "theory/__init__"} <= set(editions.helper_modules("from collapse.checks import check"))
    assert {"vae", "datasets", "seeding"} <= set(editions.helper_modules("if 1:\n    from collapse import judge"))
    assert "studies" not in editions.helper_modules("from collapse import records")  # its docstring names them
    assert "studies" in editions.helper_modules('import collapse, sys\nrun([sys.executable, "-m", "collapse.studies"])')
    assert "studies" in editions.helper_modules("!python -m collapse.studies list\nimport collapse")


@each_chapter
def test_a_colab_copy_needs_only_what_colab_has(chapter):
    for cell in edition(editions.colab, chapter).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(editions.parsed(cell.source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
                [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            late = ONLY_IF_ASKED_FOR if getattr(node, "col_offset", 0) else set()
            for name in {name.split(".")[0] for name in names} - COLAB_HAS - {"collapse"} - late:
                assert name in sys.stdlib_module_names, f"{name} in {cell.id}"


@each_chapter
def test_a_colab_copy_is_small_and_folds_its_helper(chapter):
    notebook = edition(editions.colab, chapter)
    assert len(nbformat.writes(notebook)) < 600_000
    (folded,) = notebook.metadata.colab.collapsed_sections
    assert any(cell.metadata.id == folded and "\n## " in cell.source for cell in notebook.cells)
    assert any("GPU" in cell.source and "gain" in cell.source for cell in notebook.cells)


@pytest.mark.parametrize("start, says", [("02", editions.NO_GPU), ("04", editions.GPU)])
def test_a_colab_copy_says_what_a_gpu_would_gain(start, says):
    (chapter,) = (path for path in CHAPTERS if path.stem.startswith(start))
    (cell,) = (cell for cell in edition(editions.colab, chapter).cells if cell.id == "start")
    assert cell.source.endswith(says)


def test_records_travel_unchanged(tmp_path, monkeypatch):
    record = tmp_path / "some.jsonl"
    record.write_text('{"arm": "x", "seed": 0, "generation": 0}\n' * 100, encoding="utf-8")
    (tmp_path / "other.jsonl").write_text("{}", encoding="utf-8")
    files = editions.needed_records('rows = records.read("some")', tmp_path)
    assert files == [record]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    cell = editions._records_cell(files)
    assert len(cell) < 1000
    exec(cell, {"Path": type(tmp_path)})
    assert (tmp_path / "results" / "some.jsonl").read_bytes() == record.read_bytes()


def test_teachers_get_every_figure_as_a_file(tmp_path):
    editions.write_figures(tmp_path / "figures", CHAPTERS[:1], book())
    listed = (tmp_path / "figures" / "figures.md").read_text(encoding="utf-8")
    names = [cell.metadata.mystnb.figure.name for cell in master(CHAPTERS[0]).cells
             if cell.metadata.get("mystnb", {}).get("figure", {}).get("caption")]
    assert names
    for name in names:
        picture = tmp_path / "figures" / f"{NAMES[0][:2]}-{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG") and picture.name in listed


def test_an_archive_has_every_record_and_does_not_depend_on_the_clock(tmp_path, monkeypatch):
    (tmp_path / "student").mkdir()
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "student" / "01_a.ipynb")
    archives = [tmp_path / "first.zip", tmp_path / "second.zip"]
    for path, now in zip(archives, (1_500_000_000, 1_700_000_000), strict=True):
        monkeypatch.setattr(zipfile.time, "time", lambda now=now: now)
        os.utime(tmp_path / "student" / "01_a.ipynb", (now, now))
        editions.write_zip(path, tmp_path / "student")
    assert archives[0].read_bytes() == archives[1].read_bytes()
    names = set(zipfile.ZipFile(archives[0]).namelist())
    results = {f"model-collapse/results/{path.name}" for path in (ROOT / "book" / "results").glob("*.json*")}
    assert results and results | {"model-collapse/01_a.ipynb", "model-collapse/collapse/theory/__init__.py"} <= names


# ---- where the buttons lead ------------------------------------------------------------------------------------


def test_the_repository_is_the_one_that_builds(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "fork/book")
    assert editions.repository(tmp_path) == "fork/book"
    monkeypatch.delenv("GITHUB_REPOSITORY")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))  # where temporary folders lie in a repository
    assert editions.repository(tmp_path) is None
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert editions.repository(tmp_path) is None
    for origin in ("git@github.com:me/my.book.git", "https://github.com/me/my.book"):
        subprocess.run(["git", "-C", tmp_path, "config", "remote.origin.url", origin], check=True)
        assert editions.repository(tmp_path) == "me/my.book"
    assert editions.site("Me/my.book") == "https://me.github.io/my.book"
    assert editions.site("me/Me.github.io") == "https://me.github.io"


def buttons(monkeypatch, name):
    monkeypatch.setattr(book_pages, "repository", lambda: name)
    page, path = f"book/{NAMES[0]}", CHAPTERS[0]
    app = SimpleNamespace(env=SimpleNamespace(found_docs={page}, doc2path=lambda _: str(path)))
    context = {"header_buttons": [], "pathto": lambda target, _: f"../{target}"}
    book_pages.add_buttons(app, page, "page.html", context, None)
    return context["header_buttons"]


def test_without_a_repository_the_button_downloads_the_copy_and_says_so(monkeypatch):
    colab, _ = buttons(monkeypatch, None)
    assert colab["url"] == f"../colab/{NAMES[0]}.ipynb" and colab["text"] == "Upload it to Colab"
    colab, _ = buttons(monkeypatch, "me/book")
    assert colab["url"] == f"https://colab.research.google.com/github/me/book/blob/gh-pages/colab/{NAMES[0]}.ipynb"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the site once, as the repository someone/model-collapse would."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [Path(sys.executable).with_name("jupyter-book"), "build", "--quiet", "--path-output", out, ROOT],
        env={**os.environ, "GITHUB_REPOSITORY": "someone/model-collapse"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out / "_build" / "html"


def test_links_lead_to_files_that_the_build_made(built):
    pages = [path for path in (built / "book").glob("0*.html")]
    assert pages
    for page in pages:
        links = re.findall(r'href="([^"]+\.(?:ipynb|zip))"', page.read_text(encoding="utf-8"))
        colab = [link for link in links if link.startswith("https://colab.")]
        assert colab == [editions.colab_address("someone/model-collapse", page.stem)]
        assert (built / colab[0].split("/gh-pages/")[1]).is_file()
        local = [link for link in links if "://" not in link]
        assert f"../student/{page.stem}.ipynb" in local and "../student/model-collapse-student.zip" in local
        for link in local:
            assert (page.parent / link).resolve().is_file(), link


def test_no_link_or_file_serves_a_master(built):
    assert not (built / "_sources").exists()
    published = [path for path in built.rglob("*.ipynb")]
    assert published
    for path in published:
        chapter = CHAPTERS[NAMES.index(path.stem)]
        assert path.parent.name in ("colab", "student") and not leaks(nbformat.read(path, as_version=4), chapter)
    for page in built.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "_sources/" not in text and "thebe" not in text.lower(), page


def test_the_archive_has_all_that_a_student_needs(built):
    archive = zipfile.ZipFile(io.BytesIO((built / "student" / "model-collapse-student.zip").read_bytes()))
    names = archive.namelist()
    assert "model-collapse/collapse/chain.py" in names and b"jupyter lab" in archive.read("model-collapse/README.txt")
    packages = archive.read("model-collapse/requirements.txt").decode()
    assert all(f"{name}>=" in packages for name in ("numpy", "torchvision", "tokenizers", "ipykernel", "jupyterlab"))
    assert "jupyter-book" not in packages
    for path in (built / "student").glob("*.ipynb"):
        assert archive.read(f"model-collapse/{path.name}") == path.read_bytes()


# ---- running them ------------------------------------------------------------------------------------------------


def printed(cell):
    return "".join(o.text for o in cell.get("outputs", []) if o.output_type == "stream" and o.name == "stdout")


def verdicts(chapter, embedded):
    """Return what the master printed in the cells whose output is checked, by cell."""
    strict, found = chapter.stem[:2] in ("01", "02"), {}
    for cell in master(chapter).cells:
        tags = cell.metadata.get("tags", [])
        checked = "nbval-ignore-output" not in tags if strict else "nbval-check-output" in tags
        if cell.cell_type == "code" and checked and not (embedded and "real-data-only" in tags):
            found[cell.id] = printed(cell)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("data", ["real", "embedded"])
@each_chapter
def test_a_colab_copy_runs_alone_and_gives_the_verdicts(chapter, data, tmp_path):
    uses_data = re.search(r"datasets\.(?!breeds|TRAITS)", editions.code_of(master(chapter)))
    if data == "real" and not (os.environ.get("COLLAPSE_DATA") and uses_data):
        pytest.skip("needs no data" if not uses_data else "COLLAPSE_DATA is not set")
    keep = ("PATH", "HOME", "LANG", "OMP_NUM_THREADS")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    if data == "real":
        env["COLLAPSE_DATA"] = os.environ["COLLAPSE_DATA"]
    blocked = tmp_path / "cache"
    blocked.write_text("a file, so that nothing can be downloaded", encoding="utf-8")
    env |= {"XDG_CACHE_HOME": str(blocked), "IPYTHONDIR": str(tmp_path / "ipython")}
    folder = tmp_path / "empty"
    folder.mkdir()
    notebook = editions.colab(chapter, book())
    notebook.cells.append(nbformat.v4.new_code_cell("import collapse\nprint(collapse.__file__)", id="whose"))
    NotebookClient(notebook, timeout=1800, kernel_name="python3",
                   resources={"metadata": {"path": str(folder)}}).execute(env=env)
    assert printed(notebook.cells[-1]).startswith(str(folder))
    now = {cell.id: printed(cell) for cell in notebook.cells if cell.cell_type == "code"}
    expected = {i: text for i, text in verdicts(chapter, data == "embedded").items()
                if "solution" not in next(c for c in master(chapter).cells if c.id == i).metadata.get("tags", [])}
    assert expected
    assert {i: now[i] for i in expected} == expected
