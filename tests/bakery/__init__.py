"""The toy capability, which is the package of ``examples/posthouse-bakery``, as the engine's test bed."""

from posthouse_bakery import BAKERY, cake, order, recipe, shelf

__all__ = ["BAKERY", "cake", "order", "recipe", "shelf"]
