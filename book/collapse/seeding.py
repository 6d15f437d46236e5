"""The one place where numpy's randomness becomes torch's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from .arguments import generator


@contextmanager
def torch_seeded(rng: np.random.Generator) -> Iterator[None]:
    """Seed torch from ``rng`` inside the block, and leave its generators, of the CPU and of GPUs in use, as they were.

    Raises:
        TypeError: ``rng`` is not a numpy Generator.
    """
    generator("rng", rng)
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(rng.integers(2**63)))
        yield
