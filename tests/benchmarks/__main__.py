"""Print one table and write _build/bench.json: ``make bench``, at most 15 minutes on two quiet cores."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import json
import os
import platform
import time
from pathlib import Path

from collapse import datasets

from . import growth, networks, report, samplers
from .timing import Row, by_turns

OUT = Path(__file__).resolve().parents[2] / "_build" / "bench.json"
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "transformers")


def cpu() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def heading(*columns: str) -> None:
    """Print the head of a table."""
    print("\n| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))


def show(row: Row) -> None:
    """Print a line of the table."""
    met = "" if row.ratio >= row.floor else "  BELOW"
    print(f"| {row.name} | {row.ours_s:.3g} | {row.baseline_s:.3g} | {row.ratio:.3g} ({row.low:.3g} to {row.high:.3g}) "
          f"| {row.floor:g} | {row.why} |{met}", flush=True)


def main() -> None:
    """Measure everything, or the rows whose names begin as told."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of names; all rows, limits and growth unless told")
    parser.add_argument("--keep", action="store_true", help="put what was measured into the tables of README.md")
    options, start = parser.parse_args(), time.perf_counter()
    names = options.names

    def wanted(name: str) -> bool:
        return not names or any(name.startswith(n) for n in names)

    digits = datasets.digits() if wanted("vae") or wanted("limit") else None
    heading("work", "helper, s", "baseline, s", "ratio (lowest to highest)", "floor", "how")
    versions = {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}
    found: dict = {"cpu": cpu(), "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d"),
                   "load_before": os.getloadavg(), "versions": versions}
    rows = []
    for work in samplers.works():
        if wanted(work.name):
            rows.append(by_turns(work))
            show(rows[-1])
    if wanted("vae"):
        networks.same_vae()
        rows.append(networks.vae_row(digits.images, digits.test_images))
        show(rows[-1])
    if wanted("transformer"):
        for work in networks.transformer_works():
            row = by_turns(work)
            if row.ratio < row.floor:
                row = dataclasses.replace(row, why=f"{row.why}; of its time {growth.where(work.ours)}")
            rows.append(row)
            show(row)
    found["rows"] = [row.as_dict() for row in rows]
    if wanted("limit"):
        found["limits"] = growth.limits(digits.images)
        heading("training", "ms a step", "GFLOP/s", "float32 peak", "share", "goal", "where the time goes")
        for limit in found["limits"]:
            print("| {name} | {step_ms:.3g} | {gflops:.0f} | {peak_gflops:.0f} | {share:.0%} | {goal:.0%} | {where} |"
                  .format(**limit), flush=True)
    if wanted("growth"):
        found["growth"], found["accumulate_late_over_early"] = growth.growth(), growth.accumulate_drift()
        heading("cost against", "of", "from", "to", "log-log slope", "expected")
        for line in found["growth"]:
            print("| {of} | {work} | {from:,} | {to:,} | {slope:.2f} | {expected} |".format(**line), flush=True)
        print(f"\nA late generation of accumulate costs {found['accumulate_late_over_early']:.2f} times an early one.")
    if wanted("memory"):
        found["memory"] = growth.vae_memory()
        print("A chain of {generations} VAEs on {images:,} images: {early_gb:.2f} GB resident after 3 generations, "
              "{peak_gb:.2f} GB at its peak (goal {goal_gb}).".format(**found["memory"]))
    found["minutes"] = (time.perf_counter() - start) / 60
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.keep:
        report.keep(found)
    print(f"\n{found['cpu']}, {found['cores']} cores, {found['date']}, {found['minutes']:.0f} minutes: {OUT}")


if __name__ == "__main__":
    main()
