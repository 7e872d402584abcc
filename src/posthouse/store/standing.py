"""Standing: what a visitor holds in an account, with what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from posthouse.store.heard import Level
from posthouse.store.opening import Opening

_NONE: Final[Mapping[int, int]] = {}


class Standing:
    """A visitor's rights in an account, as they are until a grant changes or a container comes or goes.

    newest: the number of the newest change of his grants. grants: his rights as bits, by type of container and id.
    all_read: for types of containers whether he may read in all that there are, as far as that was asked.
    heard: for types of items how far the containers have come that he reads, as far as that was asked.
    """

    __slots__ = ("_readable", "all_read", "grants", "heard", "newest")

    def __init__(self, newest: int, grants: Mapping[str, Mapping[int, int]]) -> None:
        self.newest = newest
        self.grants = grants
        self.all_read: dict[str, bool] = {}
        self.heard: dict[str, Level] = {}
        self._readable: dict[Opening, Sequence[int]] = {}

    def granted(self, name: str) -> Mapping[int, int]:
        """Give the bits of his rights on containers of a type, by id."""
        return self.grants.get(name, _NONE)

    def readable(self, opening: Opening) -> Sequence[int]:
        """Give the containers that let him see what is in them, ascending."""
        found = self._readable.get(opening)
        if found is None:
            found = self._readable[opening] = sorted(
                id
                for name, bit in opening.containers.items()
                for id, bits in self.granted(name).items()
                if bits & bit
            )
        return found
