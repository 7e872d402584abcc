"""Caller: who asks, and which accounts are open to that person (RFC 8620 §1.6.1, §2)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

from posthouse.kit import ids


@dataclass(frozen=True, slots=True)
class Access:
    """One account as one person may use it.

    account: its number. shard: the number of the shard that holds it. name: what to show for it.
    owner: the number of the Principal whose it is; 0 if it is nobody's (RFC 9670 §1.5.2).
    through: the Principals, by number, as whom the person visits the account, where he sees and may do what was
    granted to one of them; None: all of it is open to him. is_listed: whether the session shows the account and
    its changes are pushed, which they are if it is his or he is subscribed to something in it (RFC 9670 §1.4).
    kinds: the names of the types of containers of which something is open to him; None: all.
    subscribed: what ``isSubscribed`` is until the person says otherwise.
    """

    account: int
    shard: int
    name: str
    is_personal: bool = True
    is_read_only: bool = False
    owner: int = 0
    through: frozenset[int] | None = None
    is_listed: bool = True
    kinds: frozenset[str] | None = None
    subscribed: bool = False

    @property
    def wire(self) -> str:
        """The account's Id on the wire."""
        return wire_account(self.account)

    def state(self, number: int) -> str:
        """Write a number that objects have drawn as the state that clients see; see `write_state`."""
        return write_state(number, self.through is not None)


_VISITED: Final = "u"  # which no number begins with


def write_state(number: int, visits: bool) -> str:
    """Write a number that objects have drawn as the state that clients see (RFC 8620 §5.1).

    visits: the state is that of a visitor. It looks different, for he counts what he sees: if all of the account
    is open to him one day, it is void.
    """
    return _VISITED + ids.encode(number) if visits else ids.encode(number)


def read_state(state: str, visits: bool) -> int | None:
    """Read a state that a client gives back; None for what `write_state` never wrote for the like of him."""
    if visits:
        return ids.decode(state[1:]) if state[:1] == _VISITED else None
    return ids.decode(state)


def wire_principal(principal: int) -> str:
    """Write a Principal's number as the Id that clients see."""
    return "p" + ids.encode(principal)


def principal_number(wire: str) -> int | None:
    """Read such an Id; None for what can't be one."""
    return ids.decode(wire[1:]) if wire[:1] == "p" else None


def wire_account(account: int) -> str:
    """Write an account's number as the Id that clients see."""
    return "a" + ids.encode(account)


def account_number(wire: str) -> int | None:
    """Read such an Id; None for what can't be one."""
    return ids.decode(wire[1:]) if wire[:1] == "a" else None


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who has signed in.

    person: the person's number. username: the login name. accounts: what is open to him, by wire id.
    key: names the credential, for limits that count per credential and for what ends with it. expires: the Unix
    second from which it is good no more, or None. principals: the numbers of his own Principal and of the groups
    he is in. home: the number of the account that holds the Principals of his domain; 0: there is none.
    reach: the number of the newest change of what is open to him, as the directory counts them, that is in this.
    """

    person: int
    username: str
    accounts: Mapping[str, Access]
    key: Hashable
    expires: int | None = None
    principals: frozenset[int] = frozenset()
    home: int = 0
    reach: int = 0
