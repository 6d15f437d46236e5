"""The arrows of the helper module go one way, and importing does nothing."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = (ROOT / "CONTRIBUTING.md").read_text()
PACKAGE = ROOT / "book" / "collapse"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
PACKAGES = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
FILES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))
PARTS = [file for file in FILES if "/" in file]
LIMIT = 265  # lines, of about 250: one sitting


def arrows():
    """Return what each module may import, from the table of CONTRIBUTING.md."""
    allowed = {}
    for files, rights in re.findall(r"(?m)^\| ((?:`\w+(?:\.py|/)` ?)+)\|.*\| (.+) \|$", TABLE):
        names = set(re.findall(r"`(\w+)`", rights))
        if "all of the above" in rights:
            names |= set(allowed)
        assert names or "nothing of the package" in rights, rights
        allowed |= dict.fromkeys(re.findall(r"`(\w+)", files), names)
    return allowed


def imported(module, level=1):
    """Return the modules beside it (level 2: above it) that a module or a part imports, anywhere in its source."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == level:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "collapse":
            found |= {node.module.split(".")[1]} if "." in node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("collapse.")}
    return found - {Path(module).name} if level == 1 else found


def test_every_module_stands_in_the_table():
    assert len(arrows()) >= 10 and {*MODULES, *PACKAGES} <= set(arrows())


@pytest.mark.parametrize("file", FILES)
def test_a_file_reads_in_one_sitting(file):
    assert len((PACKAGE / f"{file}.py").read_text().splitlines()) <= LIMIT


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_what_the_table_allows(module):
    assert imported(module) <= arrows()[module]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_what_lies_beside_it_and_what_the_table_allows(part):
    source, folder = (PACKAGE / f"{part}.py").read_text(), Path(part).parent
    beside = {Path(other).name for other in PARTS if Path(other).parent == folder}
    assert imported(part) <= beside and imported(part, 2) <= arrows()[folder.name]
    assert not re.search(r"(?m)^\s*(from|import) (\.\.\.|collapse)", source)


def test_the_package_itself_imports_only_the_loop():
    assert imported("__init__") == {"chain"}


@pytest.mark.parametrize("files", [MODULES, *([f for f in PARTS if f.startswith(f"{p}/")] for p in PACKAGES)])
def test_the_arrows_have_no_circle(files):
    allowed = {Path(file).name: imported(file) for file in files}
    while allowed:
        free = [module for module, needs in allowed.items() if not needs & set(allowed)]
        assert free, allowed
        for module in free:
            del allowed[module]


def fresh_process(source):
    done = subprocess.run([sys.executable, "-W", "error::DeprecationWarning:collapse", "-c", source],
                          capture_output=True, text=True, timeout=120, cwd=ROOT / "book")
    assert done.returncode == 0, done.stderr
    return done


def test_importing_the_package_loads_neither_torch_nor_matplotlib():
    done = fresh_process(
        "import sys, collapse\n"
        "loaded = {'torch', 'torchvision', 'matplotlib', 'sklearn', 'IPython'} & set(sys.modules)\n"
        "assert not loaded, loaded")
    assert done.stdout == done.stderr == ""


def test_what_needs_no_torch_loads_none():
    light = ("arguments", "chain", "gaussian", "discrete", "mixture", "theory", "metrics", "datasets", "records", "checks")
    done = fresh_process(
        f"import sys, importlib\n"
        f"for name in {light}: importlib.import_module('collapse.' + name)\n"
        f"loaded = {{'torch', 'matplotlib'}} & set(sys.modules)\n"
        f"assert not loaded, loaded")
    assert done.stdout == done.stderr == ""


def test_importing_prints_nothing_and_draws_no_random_number():
    done = fresh_process(
        f"import importlib, random, numpy as np, torch\n"
        f"before = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), random.getstate()\n"
        f"for name in {MODULES}: importlib.import_module('collapse.' + name)\n"
        f"after = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), random.getstate()\n"
        f"assert before == after")
    assert done.stdout == ""


@pytest.mark.parametrize("module", [f for f in FILES if f != "__init__"])
def test_randomness_comes_in_as_an_argument(module):
    source = (PACKAGE / f"{module}.py").read_text()
    assert not re.search(r"np\.random\.(?!Generator|default_rng)\w+", source)
    assert not re.search(r"(?m)^\s*(import random|from random)", source)
    if module != "seeding":
        assert "manual_seed" not in source


@pytest.mark.parametrize("module", [f for f in FILES if f != "__init__"])
def test_public_functions_and_classes_say_what_they_do(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node) or node.name == "main", node.name
