"""Put the helper module on the path, as a chapter's own folder does."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book"))
os.environ["PYTHONPATH"] = str(ROOT / "book")  # for processes that tests start
os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture
def rng():
    return np.random.default_rng(20240724)
