"""Errors: the SetErrors that only a bakery has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from posthouse.proto.jmap.errors import SET_ERRORS, SetError


class BakeryError(SetError):
    """One object of a method call is refused for a reason that the standards do not know."""

    known: ClassVar[Mapping[str, str]] = {
        **SET_ERRORS,
        "shelfHasCakes": "posthouse-bakery: cakes stand on the shelf",
        "shelfHasShelves": "posthouse-bakery: shelves stand on the shelf",
    }
