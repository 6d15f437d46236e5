"""The helper module of the book: one loop, the models that go through it, and the theory that predicts them.

``from collapse import chain`` gives the loop itself; everything else is a module:
``from collapse import gaussian, theory``. Nothing here loads torch or matplotlib;
the modules that need them do.
"""

from .chain import (
    Generation,
    accumulate,
    accumulate_subsample,
    anchor,
    chain,
    curate,
    fresh,
    pooled,
    replace,
    resample,
    stream,
    subsample,
)

__all__ = [
    "Generation", "accumulate", "accumulate_subsample", "anchor", "chain", "curate", "fresh",
    "pooled", "replace", "resample", "stream", "subsample",
]
