"""Caller: who asks, and which accounts are open to that person (RFC 8620 §1.6.1, §2)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from posthouse.kit import ids


@dataclass(frozen=True, slots=True)
class Access:
    """One account as one person may use it.

    account: its number. shard: the number of the shard that holds it. name: what to show for it.
    """

    account: int
    shard: int
    name: str
    is_personal: bool = True
    is_read_only: bool = False

    @property
    def wire(self) -> str:
        """The account's Id on the wire."""
        return wire_account(self.account)


def wire_account(account: int) -> str:
    """Write an account's number as the Id that clients see."""
    return "a" + ids.encode(account)


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who has signed in.

    person: the person's number. username: the login name. accounts: what is open to him, by wire id.
    key: names the credential, for limits that count per credential and for what ends with it. expires: the Unix
    second from which it is good no more, or None.
    """

    person: int
    username: str
    accounts: Mapping[str, Access]
    key: Hashable
    expires: int | None = None
