"""Arrival: the Emails that came into an account, as EmailPush objects (draft-ietf-jmap-emailpush-03, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from posthouse.capabilities.emailpush import config as config_
from posthouse.engine import state
from posthouse.kit.json import Json, JsonObject, dumps
from posthouse.model.ports import Reading
from posthouse.model.type import Type

_MOST: Final = 50
"""Of how many new Emails a client is sent properties at once: of the newest, if there are more."""

_LOOKED_AT: Final = 1000
"""How many changes of an account are looked through for them at once."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """The new Emails that fit, oldest first, each with the wanted properties in the wanted order.

    state: of the account's Emails. until: the number up to which the account was looked at.
    """

    emails: list[JsonObject]
    state: str
    until: int


def arrived(reading: Reading, since: int, config: JsonObject, types: Mapping[str, Type]) -> Arrived:
    """Find the Emails that came into an account after a number and fit an EmailPushConfig."""
    txn, email = reading.txn, types[config_.EMAIL]
    until = txn.state(email)
    fresh: list[int] = []
    at = min(max(since, txn.floor(email)), until)
    while True:
        changes = txn.changes(email, at, _LOOKED_AT)
        fresh = (fresh + changes.created)[-_LOOKED_AT:]
        at = changes.until
        if not changes.more:
            break
    fitting = txn.find(email, config_.condition(config, types)).among(fresh)
    chosen = [id for id in dict.fromkeys(fresh) if id in fitting][-_MOST:]
    names = config_.properties(config, types)
    values = _values(reading, email, chosen, names)
    emails = [{name: one[name] for name in names if name in one} for one in values]
    return Arrived(emails, state.current(txn, email), until)


def _values(reading: Reading, email: Type, chosen: Sequence[int], names: Sequence[str]) -> list[JsonObject]:
    """Read objects as Email/get does when it is given nothing but ``properties``."""
    arguments = {added.name: added.default for added in email.arguments["get"]}
    needs = email.needs_hook(names, arguments) if email.needs_hook is not None else None
    stored = {name for name in names if name in email.properties} | (needs or frozenset())
    objects = reading.txn.values(email, chosen, stored)
    if needs is not None and email.compute_hook is not None:
        email.compute_hook(reading, objects, names, arguments)
    return [{**objects[id], "id": email.wire(id)} for id in chosen if id in objects]


def pushes(account: str, state: str, emails: Iterable[JsonObject], most: int) -> list[bytes]:
    """Write Emails into as few EmailPush objects of at most `most` octets as their order allows.

    A property that would make an Email alone too long is left out (section 3).
    """
    written: list[bytes] = []
    together: list[JsonObject] = []
    for email in emails:
        if together and len(_written(account, state, [*together, email])) > most:
            written.append(_written(account, state, together))
            together = []
        together.append(email if together else _cut(account, state, email, most))
    if together:
        written.append(_written(account, state, together))
    return written


def _cut(account: str, state: str, email: JsonObject, most: int) -> JsonObject:
    room = most - len(_written(account, state, [{}]))
    kept: dict[str, Json] = {}
    for name, value in email.items():
        octets = (
            len(dumps({name: value})) - len("{}") + (1 if kept else 0)
        )  # a comma stands before all but the first
        if octets <= room:
            kept[name] = value
            room -= octets
    return kept


def _written(account: str, state: str, emails: list[JsonObject]) -> bytes:
    return dumps({"@type": "EmailPush", "accountId": account, "emails": emails, "state": state})
