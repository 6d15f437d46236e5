"""Put the helper module on the path, as a chapter's own folder does."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book"))
os.environ["PYTHONPATH"] = str(ROOT / "book")  # for processes that tests start
os.environ.setdefault("MPLBACKEND", "agg")

settings.register_profile("book", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("book")


@pytest.fixture
def rng():
    return np.random.default_rng(20240724)
