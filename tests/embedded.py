"""For nbval on embedded data (`-p tests.embedded`): cells tagged `real-data-only` run, but their outputs are not compared."""

import functools

from collapse import datasets


@functools.cache
def without_real_data() -> bool:
    """Tell whether the chapters get embedded data here."""
    return datasets.digits().embedded or datasets.text().embedded


def pytest_collection_modifyitems(items):
    for item in items:
        cell = getattr(item, "cell", None)
        if cell is not None and "real-data-only" in cell.metadata.get("tags", []) and without_real_data():
            item.options["check"] = False
