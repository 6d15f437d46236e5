"""Any value at all in the place of one argument: it is refused by name, or the answer holds no NaN. Never a hang."""

import inspect

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays
from test_bad_input import METRICS, REFUSALS, THEORY, metrics, refused, theory

# Whole numbers between 1000 and 10**9 are left out: what is counted one by one may be that many, and takes its time.
WHOLE = st.integers(-5, 1000) | st.sampled_from([10**9, 10**15, 10**30, -(10**30)])
SMALL = st.integers(-5, 12) | st.sampled_from([10**30, -(10**30)])  # of what is allocated
REAL = st.floats() | st.floats(-2, 2)
SHAPE = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
ARRAY = st.sampled_from(["f8", "f4", "i8", "u1", "?", "c16", "U2", "O"]).flatmap(
    lambda kind: arrays.arrays(kind, SHAPE, fill=st.nothing()) if kind != "O" else arrays.arrays("O", SHAPE, elements=REAL))
OTHER = st.none() | st.booleans() | st.text(max_size=3) | st.binary(max_size=3) | st.just({}) | st.complex_numbers()


def values(whole):
    scalar = whole | REAL | OTHER
    return scalar | ARRAY | st.recursive(scalar, lambda inside: st.lists(inside, max_size=4), max_leaves=8)


def without_nan(answer):
    parts = answer if isinstance(answer, tuple) else (answer,)
    return not any(np.isnan(part).any() for part in parts if getattr(np.asarray(part), "dtype", None).kind == "f")


@settings(max_examples=1200)
@given(st.data())
def test_closed_forms_and_measures(data):
    module, name, arguments = data.draw(st.sampled_from(
        [(module, *row) for module, table in ((theory, THEORY), (metrics, METRICS)) for row in table.items()]))
    function, place = getattr(module, name), data.draw(st.integers(0, len(arguments) - 1))
    value = data.draw(values(WHOLE))
    names = "|".join(inspect.signature(function).parameters)  # two arguments may not fit together
    no, answer = refused(function, [*arguments[:place], value, *arguments[place + 1:]], f"({names})")
    assert no or without_nan(answer), answer


@settings(max_examples=800)
@given(st.data())
def test_models_mixes_and_the_rest(data):
    _, function, _ = REFUSALS[data.draw(st.sampled_from(sorted(REFUSALS)))]
    no, answer = refused(function, [data.draw(values(SMALL))], r"[a-z_0-9]+")
    assert no or not isinstance(answer, np.ndarray) or without_nan(answer)
