"""Rights: what a person may do with a container and what is in it (RFC 8621 §2, RFC 9670)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights a container type knows, in the order of their bits.

    read: the right that lets a person see the container's items.
    """

    names: tuple[str, ...]
    read: str

    @property
    def all(self) -> int:
        """Every right, as bits."""
        return (1 << len(self.names)) - 1

    def bit(self, name: str) -> int:
        """Give the bit of a right; raises ValueError for one that was not declared."""
        return 1 << self.names.index(name)

    def object(self, bits: int) -> dict[str, bool]:
        """Write bits as the ``myRights`` object."""
        return {name: bool(bits >> index & 1) for index, name in enumerate(self.names)}
