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


def tables(found: dict) -> str:
    """Return everything that was measured: ratios, shares of the peak, growth, memory, and on what."""
    ratios = [(row["name"], f"{row['ratio']:,.3g}", f"{row['low']:,.3g} to {row['high']:,.3g}", f"{row['floor']:g}",
               row["why"]) for row in found["rows"]]
    shares = [(limit["name"], f"{limit['share']:.0%}", f"{limit['goal']:.0%}") for limit in found["limits"]]
    slopes = [(line["of"], line["work"], f"{line['from']:,} to {line['to']:,}", f"{line['slope']:.2f}", line["expected"])
              for line in found["growth"]]
    memory, versions = found["memory"], ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        lines(("work", "times faster", "lowest to highest", "floor", "how"), ratios) + "\n"
        + lines(("training", "of the float32 peak", "goal"), shares) + "\n"
        + lines(("cost against", "of", "from", "log-log slope", "at most"), slopes)
        + f"\nA late generation of `accumulate` costs {found['accumulate_late_over_early']:.2f} times an early one. "
        f"{memory['generations']} generations of the autoencoder on {memory['images']:,} images stay under "
        f"{memory['peak_gb']:.2f} GB (goal {memory['goal_gb']}).\n\n"
        f"Measured on {found['date']}: {found['cpu']}, {found['cores']} cores; {versions}.\n")


def placed(page: str, found: dict) -> str:
    """Return a page with the tables between its two marks."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + tables(found) + END + rest.split(END)[1]


def keep(found: dict) -> None:
    """Write what was measured beside this file, and its tables into README.md."""
    KEPT.write_text(json.dumps(found, indent=1) + "\n")
    page = ROOT / "README.md"
    page.write_text(placed(page.read_text(), found))
