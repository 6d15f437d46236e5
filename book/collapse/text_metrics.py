"""How surprising a text is, and how much of it is repeated; `metrics` hands these on. Taught in chapter 5."""

from __future__ import annotations

import numpy as np

from .arguments import numbers, tokens, whole


def perplexity(nats: np.ndarray, count) -> float:
    """Return exp(total cross-entropy / count): per word if ``count`` is the number of words. Chapter 5.

    Raises:
        ValueError: nothing was counted.
    """
    nats, total = numbers("nats", nats, 0), numbers("count", count, 0).sum()
    if not total > 0:
        raise ValueError("count: at least one word")
    if nats.sum() / total > 700:
        raise ValueError(f"nats: {nats.sum() / total:.0f} for each that was counted, more than e^700 holds")
    return float(np.exp(nats.sum() / total))


def bits_per_byte(nats: np.ndarray, count) -> float:
    """Return the total cross-entropy in bits for each byte of text; words and pieces do not matter. Chapter 5."""
    return float(np.log(perplexity(nats, count)) / np.log(2))


def distinct_n(blocks: np.ndarray, n: int) -> float:
    """Return the share of stretches of ``n`` tokens that differ from all others, each kind counted once.

    ``blocks`` are (m, length). Source: Li et al. (2016). It falls with the size of a text: compare
    texts of one size only. Chapter 5.
    """
    single = names = _named(blocks)
    if whole("n", n) > names.shape[1]:
        raise ValueError(f"n: blocks of {names.shape[1]} tokens have no stretches of {n}")
    for _ in range(n - 1):
        names = _joined(names, single, single.shape[1])
    return len(np.unique(names)) / names.size


def longest_repeat(blocks: np.ndarray) -> int:
    """Return the length of the longest stretch of tokens that occurs twice in blocks (m, length). Chapter 5."""
    doubled, best = [_named(blocks)], None  # the stretches of 1, 2, 4, ... tokens
    length = doubled[0].shape[1]
    while _repeats(doubled[-1]):
        doubled.append(_joined(doubled[-1], doubled[-1], length))
    for names in reversed(doubled):  # add a half, a quarter, ... as long as there is still a repeat
        longer = names if best is None else _joined(best, names, length)
        best = longer if _repeats(longer) else best
    return 0 if best is None else length - best.shape[1] + 1


def _named(blocks: np.ndarray) -> np.ndarray:
    """Return blocks with their different tokens numbered 0, 1, 2, ..."""
    blocks = tokens("blocks", blocks)
    return np.unique(blocks, return_inverse=True)[1].reshape(blocks.shape)


def _joined(first: np.ndarray, second: np.ndarray, length: int) -> np.ndarray:
    """Number the stretches that begin like ``first`` and go on like ``second``; equal numbers are equal stretches.

    Stretches of n tokens in blocks of ``length`` are arrays (blocks, length - n + 1); none is longer than a block.
    """
    shift = length - first.shape[1] + 1
    behind = second[:, shift:]
    pairs = first[:, : behind.shape[1]] * (second.max(initial=0) + 1) + behind
    return np.unique(pairs, return_inverse=True)[1].reshape(pairs.shape)


def _repeats(names: np.ndarray) -> bool:
    return len(np.unique(names)) < names.size
