"""The closed forms of the book's loops, one short function each: tests check them all, chapters draw most.

``refits`` counts fits: generation g of a chain is refit g + 1 (`Generation.refits`). ``n`` is the number
of samples a generation. Variances and distances are in units of the true variance unless a function
takes it. *Exact* holds for every n; anything else says how far off it is. Tags such as D1 or G2 name
the check values of a formula in the tests.
"""

from . import categories, densities, gaussian, remedies, selection
from .categories import *
from .densities import *
from .gaussian import *
from .remedies import *
from .selection import *

__all__ = [
    *categories.__all__, *densities.__all__, *gaussian.__all__, *remedies.__all__, *selection.__all__,
]
