"""A piece of work done in two ways, timed by turns, and compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Work:
    """One row: the same work through the helper and as a competent user would write it.

    ``baseline`` does a ``share`` of the work, along a direction in which its cost is linear (``why`` says which).
    ``same`` raises an AssertionError unless both follow one law, or have one loss, at sizes that show it in seconds.
    """

    name: str
    floor: float
    ours: Callable[[], Any]
    baseline: Callable[[], Any]
    same: Callable[[], None]
    why: str
    share: float = 1.0
    turns: int = 5
    prepare: Callable[[], Any] = lambda: None  # what neither side is charged for


@dataclass(frozen=True)
class Row:
    """What was measured: medians in seconds, the median ratio of neighbours in time, and its lowest and highest."""

    name: str
    ours_s: float
    baseline_s: float
    ratio: float
    low: float
    high: float
    floor: float
    why: str

    as_dict = asdict


def seconds(call: Callable[[], Any]) -> float:
    """Return the wall time of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def by_turns(work: Work) -> Row:
    """Time both ways by turns, so that a busy minute of the machine meets both."""
    work.same()
    work.prepare()
    pairs = [(seconds(work.ours), seconds(work.baseline) / work.share) for _ in range(work.turns)]
    return row(work.name, work.floor, pairs, work.why)


def row(name: str, floor: float, pairs: list[tuple[float, float]], why: str) -> Row:
    """Return the row of pairs of seconds, (ours, baseline)."""
    ours, baseline = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = [slow / fast for fast, slow in pairs]
    return Row(name, ours, baseline, statistics.median(ratios), min(ratios), max(ratios), floor, why)


def assert_alike(ours, baseline, errors: float = 5.0) -> None:
    """Assert that two samples of chains, the last axis, have equal means, for every statistic before it."""
    ours, baseline = np.asarray(ours, dtype=float), np.asarray(baseline, dtype=float)
    error = np.sqrt(ours.var(axis=-1, ddof=1) / ours.shape[-1] + baseline.var(axis=-1, ddof=1) / baseline.shape[-1])
    apart = abs(ours.mean(axis=-1) - baseline.mean(axis=-1)) / np.maximum(error, 1e-12)
    assert (apart < errors).all(), f"the laws differ by {apart.max():.1f} standard errors"
