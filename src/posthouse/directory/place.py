"""Place: where an account is, for the server itself, which may do everything there."""

from __future__ import annotations

from posthouse.model.caller import Access
from posthouse.store.directory import Person
from posthouse.store.principals import Home


def place_of(owner: Person) -> Access:
    """Return the account of a person or a group."""
    return Access(owner.account, owner.shard, owner.login, owner=owner.id)


def place_of_home(home: Home) -> Access:
    """Return the account of a domain."""
    return Access(home.account, home.shard, home.name, is_personal=False)
