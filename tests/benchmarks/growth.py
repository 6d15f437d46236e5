"""How near the networks are to what the machine can do, and how costs grow."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
from functools import partial

import numpy as np
import torch
from collapse import accumulate, chain, vae
from collapse.discrete import Bigram, Categorical
from collapse.gaussian import Gaussian, Moments
from collapse.transformer import CONTEXT

from .networks import SIZES, ours_train
from .samplers import gaussian_ours, rng
from .timing import seconds

# ---- the limit ------------------------------------------------------------------------------------------------------


def peak(side: int = 2048) -> float:
    """Return the FLOP/s of a float32 matrix product, the best of five."""
    a, b = torch.rand(side, side), torch.rand(side, side)
    torch.mm(a, b)
    return 2 * side**3 / min(seconds(lambda: torch.mm(a, b)) for _ in range(5))


def vae_flop(batch: int, hidden: int = 400) -> int:
    """Return the multiplications and additions of the matrix products of a training step; images need no gradient."""
    first, rest = vae.PIXELS * hidden, hidden * 2 * vae.LATENT + vae.LATENT * hidden + hidden * vae.PIXELS
    return batch * (4 * first + 6 * rest)


def transformer_flop(batch: int, vocabulary: int, width: int, layers: int, heads: int) -> int:
    """Return the same for a transformer; attention counts the half below the diagonal."""
    token = layers * (12 * width**2 + CONTEXT * width) + width * vocabulary
    return 6 * batch * CONTEXT * token


def where(run) -> str:
    """Return the four operations that a run spends most of its time in, with their shares."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
        run()
    spent = {event.key.removeprefix("aten::"): event.self_cpu_time_total for event in found.key_averages()
             if "#" not in event.key}
    most = sorted(spent, key=spent.get, reverse=True)[:4]
    return ", ".join(f"{name} {spent[name] / sum(spent.values()):.0%}" for name in most)


def _slope(run, steps: int) -> float:
    """Return seconds a step: twice the steps, less once the steps; median of three."""
    pairs = [(seconds(partial(run, 2 * steps)), seconds(partial(run, steps))) for _ in range(3)]
    return statistics.median(long - short for long, short in pairs) / steps


def limits(images: np.ndarray, steps: int = 100) -> list[dict]:
    """Return the share of the float32 peak, measured before and after each, that training reaches, and its profile."""
    blocks = np.random.default_rng(0).integers(SIZES["vocabulary"], size=(512, CONTEXT))
    batch = vae.VAE.batch

    def autoencoder(number: int, batch: int = batch, dtype: str = "float32") -> None:
        vae.VAE(steps=number, batch=batch, dtype=dtype).fit(images, rng())

    def transformer(number: int) -> None:
        ours_train(blocks, number, 16, **SIZES)

    runs = [("vae", 0.80, vae_flop(batch), autoencoder),
            ("vae, batch 512", 0.80, vae_flop(512), partial(autoencoder, batch=512)),
            ("vae, batch 512, bfloat16", 1.0, vae_flop(512), partial(autoencoder, batch=512, dtype="bfloat16")),
            ("transformer", 0.40, transformer_flop(16, **SIZES), transformer)]
    found = []
    for name, goal, flop, run in runs:
        before, each, after = peak(), _slope(run, steps), peak()
        best = max(before, after)
        found.append({"name": name, "goal": goal, "step_ms": 1e3 * each, "gflops": flop / each / 1e9,
                      "peak_gflops": best / 1e9, "share": flop / each / best, "where": where(partial(run, steps))})
    return found


# ---- growth ---------------------------------------------------------------------------------------------------------


def slope(sizes, calls) -> float:
    """Return the log-log slope of the seconds of calls against sizes; the best of three at each."""
    for call in calls:
        call()
    return float(np.polyfit(np.log(sizes), np.log([min(seconds(call) for _ in range(3)) for call in calls]), 1)[0])


def _categorical(k: int) -> None:
    model = Categorical(np.full(k, 1 / k)).repeated(100)
    next(itertools.islice(chain(model, model, n=1000, rng=rng()), 10, None))


def _bigram(text: np.ndarray, vocabulary: int) -> None:
    Bigram(vocabulary, text.shape[1]).fit(text % vocabulary).sample(len(text), rng())


def growth(scale: int = 10) -> list[dict]:
    """Return the log-log slope of the cost in each size, and what it is for large sizes."""
    sizes = np.array([1, 4, 16]) * scale
    text = rng().integers(10**5, size=(500, 64))
    blocks = rng().integers(256, size=(64, CONTEXT))

    def transformer(width: int) -> None:
        ours_train(blocks, 4, 16, vocabulary=256, width=width, layers=2, heads=4)

    rows = [
        ("N", "gaussian, replace", 0, sizes * 100, lambda n: gaussian_ours(100, 300, n)),
        ("chains", "gaussian, replace", 1, sizes * 1000, lambda chains: gaussian_ours(chains, 50, 100)),
        ("generations", "gaussian, replace", 1, sizes * 30, lambda g: gaussian_ours(25, g, 100)),
        ("generations", "gaussian, accumulate", 1, sizes * 30, lambda g: gaussian_ours(25, g, 100, accumulate)),
        ("vocabulary", "categorical, 100 chains", 1, sizes * 10, _categorical),
        ("vocabulary", "bigram, 32,000 words of text", 0, sizes * 100, lambda v: _bigram(text, v)),
        ("width", "transformer training", 2, np.array([64, 128, 256]), transformer),
    ]
    return [{"of": of, "work": work, "expected": expected, "from": int(over[0]), "to": int(over[-1]),
             "slope": slope(over, [partial(call, int(size)) for size in over])}
            for of, work, expected, over, call in rows]


def accumulate_drift(generations: int = 4000) -> float:
    """Return the cost of a late generation of `accumulate` over that of an early one."""
    model, tenth = Gaussian.standard(25, statistics=True), generations // 10
    loop = chain(model, model, mix=accumulate, n=1000, rng=rng())
    times = [seconds(lambda: next(loop)) for _ in range(generations)]
    assert isinstance(next(loop).pool, Moments)
    return statistics.median(times[-tenth:]) / statistics.median(times[tenth : 2 * tenth])


def vae_memory(n: int = 60_000, generations: int = 20, steps: int = 20) -> dict:
    """Return the peak resident gigabytes of a VAE chain in a process of its own, after 3 generations and after all."""
    program = f"""
import itertools, numpy as np, resource
from collapse import chain, vae
class Source:
    def sample(self, n, rng):
        return rng.integers(0, 256, (n, vae.PIXELS), dtype=np.uint8)
loop = chain(vae.VAE(steps={steps}), Source(), n={n}, rng=np.random.default_rng(0))
for g in itertools.islice(loop, {generations}):
    if g.index in (2, {generations} - 1):
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    unit = 1024**3 if sys.platform == "darwin" else 1024**2
    early, late = (int(line) / unit for line in out.split())
    return {"images": n, "generations": generations, "early_gb": early, "peak_gb": late, "goal_gb": 2.5}
