"""What sharing costs: those who share, those with whom it is shared, and telling them of it."""

from __future__ import annotations

import selectors
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import naive, processes, town
from bench.client import Client, api, get
from bench.data import Owner
from bench.measure import Figure, abreast
from bench.processes import Running
from bench.push import PER_TOKEN, Listener, event_source
from bench.suite import vars_of
from bench.town import Town
from bench.workload import Account, Call, keyword, opening, query
from posthouse.kit import json

CHANGES = 10
SILENCE = 0.5  # seconds in which whoever hears of a hidden change would have heard of it

_PATIENCE = 30.0  # seconds


def main(folder: Path, size: int, rounds: int) -> dict[str, object]:
    """Measure and print everything, on accounts of so many messages."""
    people = town.prepare(folder / str(size), size)
    processes.pin(processes.CLIENT_CORE)
    with processes.posthouse(folder / str(size)) as server, processes.floor() as floor:
        client = Client(server.port, 1)
        print(f"accounts of {size:,} messages; {_check(client, people)} Emails are as they should be")
        client.close()
        signed_in = signing_in(people, server)
        figures = [
            figure
            for cases in requests(server, people)
            for figure in _shown(abreast(cases, server, floor, rounds=rounds, connections=1))
        ]
        told = push(people, server)
        granted = granting(people, server)
    return {"messages": size, "sign in": signed_in, "figures": figures, "push": told, "grant": granted}


def _shown(measured: Sequence[tuple[Figure, float]]) -> Iterator[dict[str, object]]:
    for figure, times in measured:
        print(f"{figure}  {times:5.2f} of the first", flush=True)
        yield vars_of(figure) | {"of the first": round(times, 3)}


def _check(client: Client, people: Town) -> int:
    """Compare the answers to those who see everything with the corpus, and of the others with their owners'."""
    compared = naive.check_opening(Account(client, people.all))
    for guest, owner in ((people.one, people.visited), (people.crowd[0], people.to_people)):
        (inbox,) = town.mailboxes(client, guest, False)
        its, owners = (Account(client, one).call(*opening(one.wire, inbox)) for one in (guest, owner))
        assert its[1]["ids"] == owners[1]["ids"]
        assert [one["subject"] for one in its[2]["list"]] == [one["subject"] for one in owners[2]["list"]]
        compared += len(its[2]["list"])
    assert len(town.mailboxes(client, people.collector, True)) >= town.BOXES
    return compared


# -- requests --


def requests(server: Running, people: Town) -> Iterator[Mapping[str, Sequence[bytes]]]:
    """Give what is measured together: who owns what is not shared, or is visited, comes first."""
    owners = {
        "unshared": people.alone,
        "shared with 1,000": people.to_people,
        "shared with a group": people.to_group,
    }
    guests = {"owner": people.visited, "guest, all": people.all}
    of_inbox = {**guests, "guest, Inbox alone": people.one, "guest, 200 accounts": people.roamer}
    crowded = {
        "owner, 1,000 guests": people.to_people,
        "one of 1,000": people.crowd[-1],
        "one of a group": people.members[-1],
    }
    boxed = {"owner, 200 Mailboxes": people.boxed, "guest, 200 Mailboxes": people.collector}
    yield _each(server, "open the app", owners, _open)
    yield _each(server, "set one keyword", owners, _set)
    yield _each(server, "open the app", guests, _open)
    for them in (of_inbox, crowded, boxed):
        yield _each(server, "open the Inbox", them, _open_inbox)
        yield _each(server, "set one keyword", them, _set)
    yield _each(server, "Mailbox/get", boxed, lambda account: [_mailboxes(account.owner)])
    # Each neighbour is seen by himself first and then by the roamer.
    yield {
        "Mailbox/get, 199 owners": [_mailboxes(one) for one in people.neighbours],
        "Mailbox/get, guest of 199": [
            _mailboxes(town.visiting(people.roamer, one)) for one in people.neighbours
        ],
    }
    yield {
        "session": [get("/.well-known/jmap", people.alone.token)],
        "session with 200 accounts": [get("/.well-known/jmap", people.roamer.token)],
    }


def _each(
    server: Running, what: str, owners: Mapping[str, Owner], asked: Callable[[Account], Sequence[bytes]]
) -> Mapping[str, Sequence[bytes]]:
    # A connection that was idle while others were measured may be closed.
    client = Client(server.port, 1)
    found = {f"{what}: {name}": asked(Account(client, owner)) for name, owner in owners.items()}
    client.close()
    return found


def _inbox(account: Account) -> str:
    return next(str(box["id"]) for box in account.mailboxes if box["role"] == "inbox")


def _open(account: Account) -> Sequence[bytes]:
    return [account.request(*opening(account.owner.wire, mailbox)) for mailbox in account.full]


def _open_inbox(account: Account) -> Sequence[bytes]:
    return [account.request(*opening(account.owner.wire, _inbox(account)))]


def _set(account: Account) -> Sequence[bytes]:
    """Set a keyword of Emails in the Inbox, and then clear it."""
    wire = account.owner.wire
    (found,) = account.call(query(wire, filter={"inMailbox": _inbox(account)}, limit=24))
    return [account.request(keyword(wire, id, is_set)) for is_set in (True, False) for id in found["ids"]]


def _mailboxes(owner: Owner) -> bytes:
    return api(owner.token, [("Mailbox/get", {"accountId": owner.wire, "ids": None})])


# -- signing in --


def signing_in(people: Town, server: Running) -> list[dict[str, object]]:
    """Measure the first request with each of some tokens, beside a second one."""
    client = Client(server.port, 1)
    kept: list[dict[str, object]] = []
    for name, tokens in zip(("own account alone", "200 accounts"), people.spare, strict=True):
        echoes = [api(token, [("Core/echo", {})]) for token in tokens]
        first, second = (_micros(server, client, echoes) for _ in range(2))
        print(f"{f'sign in: {name}':46} {first - second:9.1f} µs")
        kept.append({"name": name, "micros": round(first - second, 1)})
    client.close()
    return kept


def _micros(server: Running, client: Client, asked: Sequence[bytes]) -> float:
    before = server.cpu()
    client.ask(asked)
    return (server.cpu() - before) / len(asked) / 1000


# -- push --


def push(people: Town, server: Running) -> list[dict[str, object]]:
    """Measure a change that 1,000 connections hear of: the owner's own first, those of guests, and of members."""
    client = Client(server.port, 1)
    own = [people.listeners[number // PER_TOKEN] for number in range(town.CROWD)]
    seen = _changes(client, people.to_people, "inbox")
    hidden = _changes(client, people.to_people, "archive")
    of_group = _changes(client, people.to_group, "inbox")
    client.close()
    kept = [silence("hidden change, nobody connected", server, [], hidden)]
    with _listening(server, own) as listeners:
        kept.append(spread("change, 1,000 of the owner's", server, listeners, seen))
    with _listening(server, [guest.token for guest in people.crowd]) as listeners:
        kept.append(spread("change, 1,000 guests", server, listeners, seen))
        kept.append(silence("hidden change, 1,000 guests connected", server, listeners, hidden))
        kept.append(spread("change, group of 1,000", server, listeners, of_group))
    return kept


@contextmanager
def _listening(server: Running, tokens: Sequence[str]) -> Iterator[list[Listener]]:
    listeners = [event_source(server.port, token) for token in tokens]
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.socket.close()


def _changes(client: Client, owner: Owner, role: str) -> list[bytes]:
    """Write changes of Emails that are in one Mailbox alone."""
    account = Account(client, owner)
    box = next(
        str(box["id"]) for box in account.mailboxes if box["role"] == role or box["name"].lower() == role
    )
    (found,) = account.call(query(owner.wire, filter={"inMailbox": box}, limit=100))
    wanted: Call = (
        "Email/get",
        {"accountId": owner.wire, "ids": found["ids"], "properties": ["mailboxIds"]},
    )
    (emails,) = account.call(wanted)
    ids = [one["id"] for one in emails["list"] if len(one["mailboxIds"]) == 1][:CHANGES]
    return [api(owner.token, [keyword(owner.wire, id, is_set)]) for is_set in (True, False) for id in ids]


def spread(
    name: str, server: Running, listeners: Sequence[Listener], changes: Sequence[bytes]
) -> dict[str, object]:
    """Tell the CPU of a change, and the time until the last one heard of it."""
    writer = Client(server.port, 1)
    took, spent = [], []
    with selectors.DefaultSelector() as selector:
        for listener in listeners:
            selector.register(listener.socket, selectors.EVENT_READ, listener)
        time.sleep(SILENCE)
        for change in changes:
            waiting = set(listeners)
            before = server.cpu()
            began = time.perf_counter()
            writer.ask([change])
            while waiting:
                for ready, _ in selector.select(_PATIENCE) or [_late()]:
                    if ready.data.told():
                        waiting.discard(ready.data)
            took.append((time.perf_counter() - began) * 1000)
            spent.append((server.cpu() - before) / 1e6)
            time.sleep(0.1)
    writer.close()
    return _told(name, took, spent)


def silence(
    name: str, server: Running, listeners: Sequence[Listener], changes: Sequence[bytes]
) -> dict[str, object]:
    """Tell the CPU of a change of which nobody may hear."""
    writer = Client(server.port, 1)
    spent = []
    with selectors.DefaultSelector() as selector:
        for listener in listeners:
            selector.register(listener.socket, selectors.EVENT_READ)
        for change in changes:
            before = server.cpu()
            writer.ask([change])
            assert not selector.select(SILENCE), "a hidden change was told"
            spent.append((server.cpu() - before) / 1e6)
    writer.close()
    return _told(name, [], spent)


def _told(name: str, took: Sequence[float], spent: Sequence[float]) -> dict[str, object]:
    figures = {"CPU, ms": statistics.median(spent)}
    if took:
        figures |= {"last told, ms": statistics.median(took), "slowest, ms": max(took)}
    print(f"{name:46} " + "  ".join(f"{what} {value:8.2f}" for what, value in figures.items()), flush=True)
    return {"name": name} | {what: round(value, 2) for what, value in figures.items()}


def _late() -> tuple[selectors.SelectorKey, int]:
    raise TimeoutError("a change was not told in time")


# -- granting --


def granting(people: Town, server: Running) -> list[dict[str, object]]:
    """Measure Mailbox/set for 1,000 people: until it is answered, and until the last ShareNotification is there."""
    client = Client(server.port, 1)
    owner, crowd = people.to_people, people.principals[-town.CROWD :]
    name = f"Shared {time.time_ns()}"
    (made,) = town.ask(
        client, owner, ("Mailbox/set", {"accountId": owner.wire, "create": {"m": {"name": name}}})
    )
    box = [str(made["created"]["m"]["id"])]
    kept = [
        _granted("share with 1,000", client, people, server, town.share(owner, box, crowd)),
        _granted("take it back", client, people, server, town.share(owner, box, None)),
    ]
    with _listening(server, [guest.token for guest in people.crowd]):
        connected = town.share(owner, box, crowd)
        kept.append(_granted("share with 1,000 who are connected", client, people, server, connected))
    town.ask(client, owner, ("Mailbox/set", {"accountId": owner.wire, "destroy": box}))
    client.close()
    return kept


def _granted(name: str, client: Client, people: Town, server: Running, call: Call) -> dict[str, object]:
    last = people.crowd[-1]
    before = _notified(client, last)
    cpu, began = server.cpu(), time.perf_counter()
    town.ask(client, people.to_people, call)
    answered = time.perf_counter() - began
    while _notified(client, last) == before:
        if time.perf_counter() - began > _PATIENCE:
            raise TimeoutError("a ShareNotification was not written in time")
        time.sleep(0.02)
    everything = time.perf_counter() - began
    time.sleep(SILENCE)  # what goes on behind
    figures = {
        "answered, ms": answered * 1000,
        "last notified, ms": everything * 1000,
        "CPU, ms": (server.cpu() - cpu) / 1e6,
    }
    print(f"{name:46} " + "  ".join(f"{what} {value:8.2f}" for what, value in figures.items()), flush=True)
    return {"name": name} | {what: round(value, 1) for what, value in figures.items()}


def _notified(client: Client, guest: Owner) -> str:
    """Give the state of somebody's ShareNotifications; those of the last one are written last."""
    session = json.loads(client.answers([get("/.well-known/jmap", guest.token)])[0])
    account = session["primaryAccounts"]["urn:ietf:params:jmap:principals"]
    (answer,) = town.ask(client, guest, ("ShareNotification/get", {"accountId": account, "ids": []}))
    return str(answer["state"])
