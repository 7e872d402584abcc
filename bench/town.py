"""A data folder in which people share: made once by the real importer and the real methods, then used again.

Everybody is of one domain, for domains are strangers to each other. The accounts that are compared hold the
same messages.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec

from bench import data, processes
from bench.client import MAIL, Client, api, results
from bench.corpus import Corpus, Message
from bench.data import Owner
from bench.workload import Call
from posthouse.app import wiring
from posthouse.app.wiring import App
from posthouse.directory.place import place_of
from posthouse.kit.json import JsonObject
from posthouse.model.caller import wire_principal

USING = (*MAIL, "urn:ietf:params:jmap:mail:share", "urn:ietf:params:jmap:principals")

CROWD = 1000
"""People with whom one Mailbox is shared, and members of the group with which another one is."""
BOXES = 200
"""Mailboxes that one guest sees, in one account or each in an account of its own."""
SPARE_TOKENS = 32
"""Tokens of one person, of which each signs in anew."""

RIGHTS = {"mayReadItems": True, "maySetSeen": True, "maySetKeywords": True}
"""What guests may do: read, and set the keyword that is measured."""

_DOMAIN = "town.example"
_SMALL = 30  # messages of each of the many accounts
_VERSION = 1  # raised when the folder is made in another way


@dataclass(frozen=True, slots=True)
class Town:
    """Who is there. Whoever visits an account is an `Owner` with his own token and the id of that account.

    alone: shares nothing. to_people, to_group: share their Inbox with each of the crowd, and with a group of them.
    visited: the owner of an account of which `all` sees all Mailboxes, `one` the Inbox alone, and `roamer` the Inbox
    beside those of `neighbours`. boxed: owns 200 Mailboxes, all seen by `collector`. crowd: those of `to_people`,
    as its guests; members: the same people as guests of `to_group`. listeners: tokens of `to_people`. spare: tokens
    of `alone` and of `roamer`.
    """

    alone: Owner
    to_people: Owner
    to_group: Owner
    visited: Owner
    all: Owner
    one: Owner
    roamer: Owner
    boxed: Owner
    collector: Owner
    neighbours: Sequence[Owner]
    crowd: Sequence[Owner]
    members: Sequence[Owner]
    principals: Sequence[str]
    listeners: Sequence[str]
    spare: Sequence[Sequence[str]]


class Boxed(Corpus):
    """The corpus, of which each fifth message lies in one of many more Mailboxes too."""

    _MORE = BOXES - 6

    def message(self, index: int) -> Message:
        """Make one message."""
        message = super().message(index)
        if index % 5:
            return message
        return replace(message, mailboxes=(*message.mailboxes, f"Box {index // 5 % self._MORE}"))


def prepare(folder: Path, size: int) -> Town:
    """Give the people of a folder, making it if need be; size: messages of each account that is compared."""
    mark = folder / "bench.json"
    if mark.exists():
        found = json.loads(mark.read_text())
        if (found["version"], found["size"]) == (_VERSION, size):
            return msgspec.convert(found["town"], Town)
    shutil.rmtree(folder, ignore_errors=True)
    app = wiring.build(folder)
    try:
        town, group = _settle(app, size)
    finally:
        app.close()
    with processes.posthouse(folder) as server:
        client = Client(server.port, 1)
        _share(client, town, group)
        client.close()
    mark.write_text(json.dumps({"version": _VERSION, "size": size, "town": asdict(town)}))
    return town


def _settle(app: App, size: int) -> tuple[Town, str]:
    """Add everybody, and fill the accounts; gives the id of the group's Principal too."""

    def add(name: str, corpus: Corpus | None = None) -> tuple[Owner, str]:
        person = app.people.add(f"{name}@{_DOMAIN}", None)
        token, _ = app.tokens.issue(person.login)
        if corpus is not None:
            asyncio.run(data.fill(app, person, corpus))
            print(f"made {person.login}, {corpus.size:,} messages", file=sys.stderr)
        amount = 0 if corpus is None else corpus.size
        return Owner(person.login, token, place_of(person).wire, amount, 1), wire_principal(person.id)

    def tokens(of: Owner, count: int) -> list[str]:
        return [app.tokens.issue(of.login)[0] for _ in range(count)]

    corpus = Corpus(size, 1)
    app.groups.add(f"club@{_DOMAIN}")
    alone, to_people, to_group, visited = (
        add(name, corpus)[0] for name in ("alone", "people", "club.owner", "visited")
    )
    boxed, _ = add("boxed", Boxed(size, 1))
    neighbours = [add(f"neighbour{number}", Corpus(_SMALL, 1))[0] for number in range(BOXES - 1)]
    guests = [add(name) for name in ("all", "one", "roamer", "collector")]
    crowd = [add(f"guest{number}") for number in range(CROWD)]
    app.groups.join(f"club@{_DOMAIN}", [person.login for person, _ in crowd])
    visitors = [
        visiting(guest, account)
        for (guest, _), account in zip(guests, (visited, visited, visited, boxed), strict=True)
    ]
    roamer = visitors[2]
    town = Town(
        alone=alone,
        to_people=to_people,
        to_group=to_group,
        visited=visited,
        all=visitors[0],
        one=visitors[1],
        roamer=roamer,
        boxed=boxed,
        collector=visitors[3],
        neighbours=neighbours,
        crowd=[visiting(person, to_people) for person, _ in crowd],
        members=[visiting(person, to_group) for person, _ in crowd],
        principals=[*(principal for _, principal in guests), *(principal for _, principal in crowd)],
        listeners=tokens(to_people, 20),
        spare=[tokens(alone, SPARE_TOKENS), tokens(roamer, SPARE_TOKENS)],
    )
    return town, wire_principal(app.groups.find(f"club@{_DOMAIN}").id)


def visiting(guest: Owner, account: Owner) -> Owner:
    """Give somebody as a guest in an account."""
    return replace(guest, wire=account.wire, size=account.size)


def _share(client: Client, town: Town, group: str) -> None:
    """Grant everything by Mailbox/set, and let each guest subscribe to what he sees."""
    all, one, roamer, collector, *crowd = town.principals
    grants: list[tuple[Owner, bool, Sequence[str]]] = [
        (town.to_people, False, crowd),
        (town.to_group, False, [group]),
        (town.visited, True, [all]),
        (town.visited, False, [all, one, roamer]),
        (town.boxed, True, [collector]),
        *((neighbour, False, [roamer]) for neighbour in town.neighbours),
    ]
    for owner, is_whole, principals in grants:
        for names in _some(mailboxes(client, owner, is_whole)):
            ask(client, owner, share(owner, names, principals))
    guests = [town.all, town.one, town.collector, *town.crowd, *town.members]
    for guest in [*guests, *_everywhere(town)]:
        for names in _some(mailboxes(client, guest, True)):
            update = {id: {"isSubscribed": True} for id in names}
            ask(client, guest, ("Mailbox/set", {"accountId": guest.wire, "update": update}))


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), 50):
        yield ids[start : start + 50]


def _everywhere(town: Town) -> Iterator[Owner]:
    """Give the roamer as a guest of each account that is open to him."""
    yield town.roamer
    for neighbour in town.neighbours:
        yield visiting(town.roamer, neighbour)


def mailboxes(client: Client, owner: Owner, is_whole: bool) -> list[str]:
    """Give the ids of all Mailboxes that somebody sees in an account, or of the Inbox alone."""
    call = ("Mailbox/get", {"accountId": owner.wire, "ids": None, "properties": ["role"]})
    (boxes,) = ask(client, owner, call)
    return [box["id"] for box in boxes["list"] if is_whole or box["role"] == "inbox"]


def share(owner: Owner, mailboxes: Sequence[str], principals: Sequence[str] | None) -> Call:
    """Share Mailboxes with just these, None for nobody."""
    given = None if principals is None else dict.fromkeys(principals, RIGHTS)
    update: JsonObject = {id: {"shareWith": given} for id in mailboxes}
    return "Mailbox/set", {"accountId": owner.wire, "update": update}


def ask(client: Client, owner: Owner, call: Call) -> list[JsonObject]:
    """Make a call, and see to it that nothing was refused."""
    answers = results(client.answers([api(owner.token, [call], USING)])[0])
    assert not answers[0].get("notUpdated"), answers
    return answers
