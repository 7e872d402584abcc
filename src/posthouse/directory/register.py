"""Register: what keeps the accounts in step with who there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from posthouse.model.caller import Access
from posthouse.store.directory import Person


class Register(Protocol):
    """Hears of each change of people and groups, once the directory has it; raises `OSError`.

    It may hear of the same change again, after one that failed or was interrupted. `places` are accounts as the
    server has them.
    """

    def publish(self, principal: Person) -> None:
        """Show a new principal to those of his domain; he is not open yet."""

    def withdraw(self, principal: Person, places: Sequence[Access]) -> None:
        """Show a principal no more; in `places` something may still be granted to him."""

    def touch(self, places: Sequence[Access], people: Sequence[int]) -> None:
        """Make void what people know of accounts of which a group has something, as they joined or left it."""


class NoRegister:
    """A `Register` where there are no accounts beside the directory."""

    def publish(self, principal: Person) -> None:
        """See `Register.publish`."""

    def withdraw(self, principal: Person, places: Sequence[Access]) -> None:
        """See `Register.withdraw`."""

    def touch(self, places: Sequence[Access], people: Sequence[int]) -> None:
        """See `Register.touch`."""
