"""What `make bench` found, as tables of Markdown; the last kept ones stand in README.md."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).resolve().parent / "measured.json"
BEGIN, END = "<!-- written by `make bench-keep` -->\n", "<!-- end -->\n"


def lines(head: tuple[str, ...], rows: list[tuple]) -> str:
    """Return a table."""
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in [head, ["---"] * len(head), *rows])


def times(ratio: float) -> str:
    """Return a ratio with three digits, or whole."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def tables(found: dict) -> str:
    """Return what was measured: ratios, shares of the peak, growth, memory, and on what."""
    ratios = [(row["name"], times(row["ratio"]), f"{times(row['low'])} to {times(row['high'])}", f"{row['floor']:g}",
               row["why"]) for row in found["rows"]]
    parts = [lines(("work", "times faster", "lowest to highest", "floor", "how"), ratios)]
    if "limits" in found:
        parts.append(lines(("training", "of the float32 peak", "goal", "where the time goes"), [
            (limit["name"], f"{limit['share']:.0%}", f"{limit['goal']:.0%}", limit["where"]) for limit in found["limits"]]))
    if "growth" in found:
        parts.append(lines(("cost against", "of", "from", "log-log slope", "for large sizes"), [
            (line["of"], line["work"], f"{line['from']:,} to {line['to']:,}", f"{line['slope']:.2f}", line["expected"])
            for line in found["growth"]]))
        parts.append(f"A late generation of `accumulate` costs {found['accumulate_late_over_early']:.2f} times an early one.\n")
    if "memory" in found:
        parts.append("{generations} generations of the autoencoder on {images:,} images stay under {peak_gb:.2f} GB "
                     "(goal {goal_gb}).\n".format(**found["memory"]))
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    parts.append(f"Measured on {found['date']}: {found['cpu']}, {found['cores']} cores; {versions}.\n")
    return "\n".join(parts)


def placed(page: str, found: dict) -> str:
    """Return a page with the tables between its two marks."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + tables(found) + END + rest.split(END)[1]


def keep(found: dict) -> None:
    """Write what was measured beside this file, and its tables into README.md; what was not measured now stays.

    Raises:
        ValueError: what was measured before was measured on something else.
    """
    before = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else found
    if (before["cpu"], before["versions"]) != (found["cpu"], found["versions"]):
        raise ValueError(f"found: {KEPT.name} is of another machine or other versions; delete it and measure everything")
    rows = {row["name"]: row for row in before["rows"] + found["rows"]}
    found = before | found | {"rows": list(rows.values())}
    KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    page = ROOT / "README.md"
    page.write_text(placed(page.read_text(encoding="utf-8"), found), encoding="utf-8")
