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


@pytest.fixture(scope="session", autouse=True)
def no_downloads(tmp_path_factory):
    """Keep tests out of the reader's cache and, without a folder of real data, off the network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        if not os.environ.get("COLLAPSE_DATA"):
            from collapse import downloads

            patch.setattr(downloads, "reachable", lambda url: False)
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(20240724)
