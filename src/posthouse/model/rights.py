"""Rights: what a person may do with a container and what is in it (RFC 8621 §2, RFC 9670)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights a container type knows, in the order of their bits.

    read: the right that lets a person see the container's items. share: the one that lets him say with whom it
    is shared, which gives the type ``shareWith`` (RFC 9670 §4); None: it can't be shared. sharing: the URI of the
    capability that brings both, where that is not the type's own.
    """

    names: tuple[str, ...]
    read: str
    share: str | None = None
    sharing: str | None = None

    @property
    def all(self) -> int:
        """Every right, as bits."""
        return (1 << len(self.names)) - 1

    def bit(self, name: str) -> int:
        """Give the bit of a right; raises ValueError for one that was not declared."""
        return 1 << self.names.index(name)

    def object(self, bits: int, using: Container[str] = ()) -> dict[str, bool]:
        """Write bits as the ``myRights`` object for a request that uses some capabilities."""
        hidden = self.share if self.sharing is not None and self.sharing not in using else None
        return {name: bool(bits >> index & 1) for index, name in enumerate(self.names) if name != hidden}

    def bits(self, object: dict[str, bool]) -> int:
        """Read such an object; a right that it does not name is not given."""
        return sum([1 << index for index, name in enumerate(self.names) if object.get(name)])
