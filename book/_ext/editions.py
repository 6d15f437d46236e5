"""Generate the editions of the chapters from their masters: Colab, student and teacher copies.

`make editions` writes all of them; the build of the site writes the first two (`book_pages.py`).
Nobody edits an edition.
"""

from __future__ import annotations

import argparse
import ast
import base64
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from plain_markdown import Book, plain

BOOK = Path(__file__).resolve().parent.parent
SECRET = {"solution", "marking"}  # tags of cells that only teachers get


# ---- where the book is published -------------------------------------------------------------------------


def repository(folder: Path = BOOK) -> str | None:
    """Return OWNER/REPO of the repository that builds: ``GITHUB_REPOSITORY``, else the git origin, else None."""
    if named := os.environ.get("GITHUB_REPOSITORY"):
        return named
    try:
        origin = subprocess.run(["git", "config", "--get", "remote.origin.url"], cwd=folder, text=True,
                                capture_output=True, check=False).stdout
    except OSError:  # no git on this machine
        return None
    found = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(\.git)?/?\s*$", origin)
    return found[1] if found else None


def site(name: str | None) -> str | None:
    """Return the address of the published pages of a repository."""
    if name is None:
        return None
    owner, project = name.split("/")
    home = f"{owner.lower()}.github.io"
    return f"https://{home}" if project.lower() == home else f"https://{home}/{project}"


def colab_address(name: str, chapter: str) -> str:
    """Return where Colab opens a chapter: the copy on the published branch."""
    return f"https://colab.research.google.com/github/{name}/blob/gh-pages/colab/{chapter}.ipynb"


# ---- what a chapter needs --------------------------------------------------------------------------------


def helper_modules(code: str, folder: Path = BOOK / "collapse") -> list[str]:
    """Return the helper modules that code needs, with all that they import, in the order of the alphabet.

    They are paths without their ending: "chain", "theory/__init__", "theory/gaussian".
    """
    needed: set[str] = set()
    waiting = ["__init__", *_imported(code, "", folder)] if "collapse" in code else []
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += _imported((folder / f"{name}.py").read_text(encoding="utf-8"), f"collapse/{name}", folder)
    return sorted(needed)


def _imported(code: str, own: str, folder: Path) -> set[str]:
    """Return the helper modules that code imports or runs; ``own`` is its path if it is one itself."""
    names = set(re.findall(r"^\s*[%!].*\b(collapse(?:\.\w+)+)", code, re.M))  # python -m collapse.studies
    for node in ast.walk(parsed(code)):
        if isinstance(node, ast.ImportFrom):
            above = own.split("/")[: -node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)  # [sys.executable, "-m", "collapse.studies"]
    paths = {name.replace(".", "/").removeprefix("collapse/") for name in names if re.fullmatch(r"collapse(\.\w+)+", name)}
    found = {"/".join(path.split("/")[:depth]) for path in paths for depth in (1, 2)}  # "theory" of "theory/gaussian" too
    found |= {f"{path}/__init__" for path in found}
    return {path for path in found if (folder / f"{path}.py").is_file()}


def parsed(code: str) -> ast.Module:
    """Return code as a tree, without magics and shell lines."""
    return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", code, flags=re.M))


def needed_records(code: str, folder: Path = BOOK / "results") -> list[Path]:
    """Return the record files that code names."""
    strings = {node.value for node in ast.walk(parsed(code))
               if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return sorted(path for path in folder.glob("*.*") if path.name in strings or path.name.split(".")[0] in strings)


def code_of(notebook: NotebookNode) -> str:
    """Return the code of a notebook as one text."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


# ---- editions ----------------------------------------------------------------------------------------------


def colab(chapter: Path, book: Book) -> NotebookNode:
    """Return the copy that runs alone in an empty folder: helper and records first, then the chapter."""
    master = _without(SECRET, nbformat.read(chapter, as_version=4))
    title, *rest = _plain_cells(master, book, chapter.stem)
    return _notebook([title, *_set_up(master, book, chapter.stem), *rest], folded="set-up")


def student(chapter: Path, book: Book) -> NotebookNode:
    """Return the copy for work beside the folder `collapse`."""
    master = _without(SECRET, nbformat.read(chapter, as_version=4))
    title, *rest = _plain_cells(master, book, chapter.stem)
    beside = new_code_cell(BESIDE, id="beside-collapse")
    return _notebook([title, beside, *rest])


def teacher(chapter: Path, book: Book) -> NotebookNode:
    """Return the copy with solutions, the results that they should give, and marking notes."""
    master = nbformat.read(chapter, as_version=4)
    head = new_markdown_cell(HOW_TO_MARK, id="teacher-edition")
    title, *rest = _plain_cells(master, book, chapter.stem, keep_outputs=True)
    cells = [title, head]
    for cell in rest:
        tags = cell.metadata.get("tags", [])
        if "solution" in tags and cell.cell_type == "code":
            cells.append(new_markdown_cell("**Solution**, with the result that it should give:", id=f"{cell.id}-head"))
        cells.append(cell)
        if "check" in tags and (number := re.search(r'check\(\s*"([\d.]+)"', cell.source)):
            cells.append(new_markdown_cell(marking_note(number[1]), id=f"{cell.id}-note"))
    return _notebook(cells)


def marking_note(number: str) -> str:
    """Return what a marker needs to know about an exercise that a check answers."""
    from collapse.checks import EXERCISES

    exercise = EXERCISES[number]
    return (f"> **Marking note, exercise {number}.** The check expects {exercise.kind}. "
            f"A wrong answer of the right kind is told: *{exercise.hint}*")


HOW_TO_MARK = """\
*Teacher edition: with solutions, expected results and marking notes. Please do not pass it on to students.*

> **How to mark.** A check prints one of four states: not started, wrong kind, not yet (with a hint), right. *Right*
> earns full credit; a correct method with a slip in the arithmetic earns half. Ask for the line of code or algebra
> behind a bare number. Open exercises have no check: look for a prediction written down first, a run that tests it,
> and a sentence that compares the two; whether the prediction was right does not matter."""

BESIDE = '''\
# This copy uses the helper module of the book, the folder `collapse`.
import importlib.util

if importlib.util.find_spec("collapse") is None:
    print("Put this notebook beside the folder `collapse` (in the book's repository: book/), or take")
    print("the Colab copy of the chapter, which brings its helper with it and runs anywhere.")'''


def _without(tags: set[str], notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if not tags & set(cell.metadata.get("tags", []))]
    return notebook


def _plain_cells(notebook: NotebookNode, book: Book, page: str, keep_outputs: bool = False) -> list[NotebookNode]:
    """Return the cells in plain Markdown, the caption of a figure in a cell of its own behind it."""
    cells = []
    for cell in notebook.cells:
        tags = list(cell.metadata.get("tags", []))
        if "site-only" in tags:  # a live demo: its scripts are those of the site
            continue
        if cell.cell_type == "markdown":
            cells.append(new_markdown_cell(plain(cell.source, book, page), id=cell.id, metadata={"tags": tags}))
            continue
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        number = book.labels[figure.get("name") or f"{page}-figure"][0] if figure.get("caption") else ""
        copy = new_code_cell(cell.source, id=cell.id, metadata={"tags": tags})
        if "hide-input" in tags:  # folded in JupyterLab and in Colab
            copy.metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
            copy.source = f"# @title Code of {number or 'this output'}\n{cell.source}"
        if keep_outputs:
            copy.outputs, copy.execution_count = cell.outputs, cell.execution_count
        cells.append(copy)
        if number:
            caption = f"**{number}.** {plain(figure['caption'], book, page)}"
            cells.append(new_markdown_cell(caption, id=f"{cell.id}-caption"))
    return cells


def _notebook(cells: list[NotebookNode], folded: str | None = None) -> NotebookNode:
    for cell in cells:
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        cell.metadata["id"] = cell.id  # the name by which Colab folds a section
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"}}
    if folded:
        metadata["colab"] = {"provenance": [], "collapsed_sections": [folded]}
    notebook = new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(notebook)
    return notebook


# ---- the first section of a Colab copy -----------------------------------------------------------------------


def _set_up(master: NotebookNode, book: Book, page: str) -> Iterable[NotebookNode]:
    code = code_of(master)
    modules, files = helper_modules(code), needed_records(code)
    origin = book.link("the book *Model collapse*", page, "")
    yield new_markdown_cell(
        f"This notebook is a chapter of {origin} and needs nothing but what Colab has. Run it from the top: "
        "Runtime, Run all.\n\n## Set-up: the helper of the book\n\nThe folded cells below write the sources that this "
        "chapter imports into a folder `collapse`. Nothing is installed, and you can read and change every line.",
        id="set-up", metadata={"jp-MarkdownHeadingCollapsed": True})
    folders = sorted({str(Path("collapse", name).parent) for name in modules} | {"results"})
    yield new_code_cell(f"from pathlib import Path\n\nfor folder in {folders}:\n"
                        "    Path(folder).mkdir(exist_ok=True)", id="set-up-folders")
    for name in modules:
        yield new_code_cell(f"%%writefile collapse/{name}.py\n{_source(name)}", id=f"helper-{name.replace('/', '-').strip('_')}")
    if files:
        yield new_code_cell(_records_cell(files), id="set-up-records")
    gpu = any(re.search(r"^(import|from) torch", text, re.M) for text in (code, *map(_source, modules)))
    yield new_markdown_cell("## Start\n\n" + (GPU if gpu else NO_GPU), id="start")
    yield new_code_cell(DEVICE if gpu else PROCESSOR, id="start-device", metadata={"tags": ["nbval-ignore-output"]})


def _source(module: str) -> str:
    return (BOOK / "collapse" / f"{module}.py").read_text(encoding="utf-8").rstrip("\n")


def _records_cell(files: list[Path]) -> str:
    """Return a cell that writes records of long runs; compressed, since nobody reads them by eye."""
    lines = ["# Records of long runs that this chapter reads: text files, compressed.",
             "import base64, zlib", "", "packed = {"]
    for path in files:
        packed = base64.b85encode(zlib.compress(path.read_bytes(), 9)).decode()
        lines.append(f"    {path.name!r}: {packed!r},")
    return "\n".join([*lines, "}", "for name, text in packed.items():",
                      '    (Path("results") / name).write_bytes(zlib.decompress(base64.b85decode(text)))'])


NO_GPU = ("This chapter computes with numpy on the processor. A GPU would gain nothing: leave the runtime as it is.")
GPU = ("This chapter runs on the processor, so that everybody gets the same numbers. At this size a GPU would gain "
       "nothing, since the code does not use one; it pays for larger models and longer runs only.")
PROCESSOR = 'import os\n\nprint(f"Found {os.cpu_count()} processor cores; no GPU is needed.")'
DEVICE = '''\
import os

import torch

gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
print(f"Found {os.cpu_count()} processor cores and {gpu}. The chapter uses the processor.")'''


# ---- writing them ------------------------------------------------------------------------------------------------


def chapters(folder: Path = BOOK) -> list[Path]:
    """Return the masters."""
    return sorted(folder.glob("0*.ipynb"))


def write(make, target: Path, masters: Iterable[Path], book: Book) -> None:
    """Write one edition of some chapters into a folder of its own, removing what lay there."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for chapter in masters:
        nbformat.write(make(chapter, book), target / chapter.name)


def write_figures(target: Path, masters: Iterable[Path], book: Book) -> None:
    """Write every captioned figure as a file of its own, and a list with captions and alternative texts."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    lines = ["# Figures", "", "CC BY 4.0; pictures that show MNIST digits contain share-alike material. The ground is",
             "transparent and the text mid-grey, for light and dark slides.", ""]
    for chapter in masters:
        for cell in nbformat.read(chapter, as_version=4).cells:
            about = cell.metadata.get("mystnb", {})
            images = [o.data["image/png"] for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
            if images and (name := about.get("figure", {}).get("name")):
                file = f"{chapter.stem[:2]}-{name}.png"
                (target / file).write_bytes(base64.b64decode(images[0]))
                caption = plain(about["figure"]["caption"], book, chapter.stem)
                lines += [f"**{book.labels[name][0]}**, `{file}`. {caption} "
                          f"*Alt text:* {about.get('image', {}).get('alt', '')}", ""]
    (target / "figures.md").write_text("\n".join(lines), encoding="utf-8")


def write_zip(target: Path, notebooks: Path) -> None:
    """Write the student edition with helper and records as one archive; its bytes depend on its contents only."""
    files = {path.name: path for path in sorted(notebooks.glob("*.ipynb"))}
    files |= {path.relative_to(BOOK).as_posix(): path for path in sorted((BOOK / "collapse").rglob("*.py"))}
    files |= {f"results/{path.name}": path for path in sorted((BOOK / "results").glob("*.*"))}
    contents = {name: path.read_bytes() for name, path in files.items()} | how_to_run()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(f"model-collapse/{name}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def how_to_run() -> dict[str, bytes]:
    """Return what a student needs to begin: the packages that the chapters import, and the three commands."""
    packages = (BOOK.parent / "requirements.txt").read_text(encoding="utf-8").split("\n\n")[0] + "\n"
    commands = "python -m venv .venv\n.venv/bin/pip install -r requirements.txt\n.venv/bin/jupyter lab\n"
    return {"requirements.txt": packages.encode(), "README.txt": f"To begin (Linux, macOS):\n\n{commands}".encode()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="folder for the editions")
    parser.add_argument("chapters", nargs="*", type=Path, help="default: all")
    options = parser.parse_args()
    masters = options.chapters or chapters()
    book = Book.read(BOOK, site(repository()))
    for make in (colab, student, teacher):
        write(make, options.into / make.__name__, masters, book)
    write_zip(options.into / "model-collapse-student.zip", options.into / "student")
    write_figures(options.into / "figures", masters, book)
    print(f"{len(masters)} chapters in three editions are in {options.into}")


if __name__ == "__main__":
    sys.path.insert(0, str(BOOK))
    main()
