"""Place: where the account of a person is."""

from __future__ import annotations

from posthouse.model.caller import Access
from posthouse.store.directory import Person


def place_of(person: Person) -> Access:
    """Give the account of a person, as he has it himself."""
    return Access(person.account, person.shard, person.login)
