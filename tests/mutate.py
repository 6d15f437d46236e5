"""Mutation testing, `make mutate`: change the helper in one place and see whether a test notices.

A mutant lives in memory only, in a process forked for it, and meets the tests that ran its function, the quick
files first. What no test kills stands in `mutants.md`; the reason behind it is written there by hand and kept.
"""

import contextlib
import gc
import importlib
import os
import pickle
import re
import resource
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from mutation import Mutated, first_line, mutants

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "tests/mutants.md"
MODULES = ["chain", "theory.domains", "theory.categories", "theory.densities", "theory.gaussian", "theory.remedies",
           "theory.selection", "metrics", "text_metrics", "discrete", "gaussian", "mixture"]
PATHS = {name: str(ROOT / "book/collapse" / (name.replace(".", "/") + ".py")) for name in MODULES}
NAMES = {path: name for name, path in PATHS.items()}
TESTS = ["chain", "metrics", "samplers", "language", "remedies", "theory", "bad_input", "mixture"]
PYTEST = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--tb=no", f"--rootdir={ROOT}"]
LEAST, MEMORY = 0.85, 12 * 2**30
EVERY = int(os.environ.get("EVERY", 10))  # one mutant of so many is tried, always the same ones
UNSEEN = "Not looked at yet."


class Watch:
    """A pytest plugin that notes for each test its cost and the functions it ran, in its fixtures and at import too."""

    def __init__(self):
        self.owner, self.ran, self.cost, self.items, self.failed = "", defaultdict(set), defaultdict(float), [], set()
        sys.settrace(self.trace)

    def trace(self, frame, event, _):
        if (name := NAMES.get(frame.f_code.co_filename)) is not None:
            self.ran[self.owner] |= {(name, frame.f_code.co_firstlineno), (name, 0)}

    def owned(self, owner):
        before, self.owner, start = self.owner, owner, time.process_time()
        result = yield
        self.cost[owner] = max(self.cost[owner], time.process_time() - start)
        self.owner = before
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector):
        return (yield from self.owned(collector.path.name))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        return (yield from self.owned(fixturedef.argname))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.items.append(item)
        return (yield from self.owned(item.nodeid))

    def pytest_runtest_logreport(self, report):
        self.failed |= {report.nodeid} if report.failed else set()

    def tests(self) -> tuple[list, set]:
        """Return (file, test, seconds, functions) of tests that pass, and all names.

        What a file computes when it is imported goes to its parametrised tests.
        """
        rows = []
        for item in self.items:
            owners = [item.nodeid, *item.fixturenames]
            imported = {f for f in self.ran[item.path.name] if f[1] and hasattr(item, "callspec")}
            ran = imported.union(*(self.ran[o] for o in owners))
            rows.append((item.path.name, item.nodeid, sum(self.cost[o] for o in owners), ran))
        return [r for r in rows if r[1] not in self.failed], {r[1] for r in rows}


class Chosen:
    """A pytest plugin that keeps the tests of ``order``, and those whose names a mutant changed."""

    def __init__(self, order: dict, known: set):
        self.order, self.known = order, known

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        kept = [i for i in items if i.nodeid in self.order or i.nodeid not in self.known]
        items[:] = sorted(kept, key=lambda i: self.order.get(i.nodeid, 0))


def forked(work) -> bool:
    """Tell whether ``work`` returns true in a process of its own, silent and with bounded memory."""
    sys.stdout.flush()
    if (pid := os.fork()) == 0:
        code = 1
        with contextlib.suppress(BaseException):
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            code = 0 if work() else 1
        os._exit(code)
    return os.waitpid(pid, 0)[1] == 0


def watched() -> tuple[list, set, set]:
    """Run all tests once on the helper as it is; return those that pass, all names and the names that fail."""
    def work():
        watch = Watch()
        pytest.main([*PYTEST[1:], *(str(ROOT / f"tests/test_{name}.py") for name in TESTS)], plugins=[watch])
        pickle.dump((*watch.tests(), watch.failed), file)
        file.flush()
        return True

    with tempfile.TemporaryFile() as file:
        if not forked(work):
            raise RuntimeError("the tests do not run")
        file.seek(0)
        return pickle.load(file)


def survives(loader, tests, known) -> bool:
    """Tell whether all tests pass with a mutant in place, the files first that have most to do with it."""
    sys.meta_path.insert(0, loader)
    mine, total = Counter(t[0] for t in tests), Counter(Path(name.split("::")[0]).name for name in known)
    for file in sorted(mine, key=lambda f: -mine[f] / total[f]):
        some = [t for t in tests if t[0] == file]
        # Tests of about the same cost stay in pytest's order, which sets up a module's fixtures once.
        some.sort(key=lambda t: int(10 * t[2]).bit_length())
        limit = int(time.process_time() + 15 + 3 * sum(t[2] for t in some))  # a mutant may loop for ever
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        order = {t[1]: place for place, t in enumerate(some)}
        if pytest.main([*PYTEST, str(ROOT / "tests" / file)], plugins=[Chosen(order, known)]):
            return False
    return True


# ---- the record ---------------------------------------------------------------------------------------------------


def recorded() -> tuple[dict, dict]:
    """Return what the record holds: (mutants, tried, survivors) by module, and the reasons by module and survivor."""
    results, why, module = {}, {}, None
    for line in RECORD.read_text().splitlines() if RECORD.exists() else []:
        if (row := re.fullmatch(r"\| (\S+) \| (\d+) \| (\d+) \| .*", line)) and row[1] in MODULES:
            results[row[1]] = int(row[2]), int(row[3]), []
        elif line.startswith("## "):
            module = line[3:]
        elif survivor := re.fullmatch(r"- line (\d+), (.*`)\. (.*)", line):
            results[module][2].append((int(survivor[1]), survivor[2]))
            why[module, survivor[2]] = survivor[3]
    return results, why


def record(results: dict, why: dict) -> str:
    """Return the text of the record."""
    rows = [(module, *results[module][:2], len(results[module][2])) for module in MODULES if module in results]
    rows.append(("all", *(sum(row[i] for row in rows) for i in (1, 2, 3))))
    lines = ["# Mutants", "", "Written by `make mutate`. The reasons for what is let live are written by hand, and kept.", "",
             "| module | mutants | tried | killed | share |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {m} | {total} | {some} | {some - left} | {1 - left / some:.1%} |" for m, total, some, left in rows]
    for module, *_, left in rows[:-1]:
        lines += ["", f"## {module}", ""] if left else []
        lines += [f"- line {line}, {what}. {why.get((module, what), UNSEEN)}" for line, what in results[module][2]]
    return "\n".join(lines) + "\n"


def tried(module: str, tests: list, known: set) -> tuple[int, int, list]:
    """Return how many mutants a module has, how many were tried, and those that no test killed."""
    total, some, left = 0, 0, []
    for tree, function, line, what in mutants(Path(PATHS[module]).read_text()):
        total += 1
        if zlib.crc32(f"{module} {what}".encode()) % EVERY:
            continue
        some += 1
        mine = [t for t in tests if (module, first_line(function)) in t[3]]
        loader = Mutated(f"collapse.{module}", PATHS[module], tree)
        if forked(lambda: survives(loader, mine, known)):  # noqa: B023 (called at once)
            left.append((line, what))
            print(f"  line {line}, {what}, alive after {len(mine)} tests", flush=True)
    print(f"{module}: {some - len(left)} of {some} killed", flush=True)
    return total, some, left


def main(chosen: list[str]) -> int:
    """Try mutants of the chosen modules, of all unless told; the record keeps what it holds of the others."""
    tests, known, failed = watched()
    print(f"{len(tests)} tests; left out, because they fail without a mutant: {sorted(failed) or 'none'}", flush=True)
    gc.freeze()
    results, why = recorded()
    for module in chosen or MODULES:
        results[module] = tried(module, tests, known)
        RECORD.write_text(record(results, why))
    share = 1 - sum(len(left) for _, _, left in results.values()) / sum(some for _, some, _ in results.values())
    print(f"{share:.1%} killed")
    return int(share < LEAST or UNSEEN in RECORD.read_text())


if __name__ == "__main__":
    # What the tests import is here before the first fork; of the helper nothing is, so that each mutant is imported.
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "book")]
    sys.dont_write_bytecode = True
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    for name in ("numpy", "scipy.stats", "scipy.integrate", "scipy.optimize", "sklearn.mixture", "torch", "hypothesis",
                 "nbformat.warnings"):
        importlib.import_module(name)
    sys.exit(main(sys.argv[1:]))
