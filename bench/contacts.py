"""What contacts cost: an address book shown, people found by the beginning of a name, a .vcf file imported."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from bench import cards, data, processes
from bench.client import Client, api, results
from bench.data import Owner
from bench.measure import Figure, compare
from bench.processes import Running
from bench.suite import vars_of
from bench.workload import Call, back
from posthouse.app import importer, wiring
from posthouse.kit.json import JsonObject
from posthouse.store import words

USING = ("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:contacts")
SHOWN = 50
SUGGESTED = 10

_VERSION = 1  # raised when the corpus changes
_ORDERS = (("name/given", "name/surname"), ("name/surname", "name/given"))
_LISTED = ["name", "nicknames", "organizations", "emails", "phones", "media", "kind"]
_COMPLETED = ("name", "nickname", "organization", "email")
_AT_LENGTH = 12  # prefixes measured together, of each length


def main(folder: Path, size: int, rounds: int) -> dict[str, object]:
    """Measure all of it on an account of so many cards."""
    owner, imported = prepare(folder / str(size), size)
    processes.pin(processes.CLIENT_CORE)
    with processes.posthouse(folder / str(size)) as server, processes.floor() as floor:
        client = Client(server.port, 1)
        compared = check(client, owner)
        print(f"1 account of {size:,} cards; {compared} suggestions are as they should be")
        figures = []
        for figure in measured(client, owner, server, floor, rounds):
            print(figure, flush=True)
            figures.append(figure)
        client.close()
    return {"cards": size, "import": imported, "figures": [vars_of(figure) for figure in figures]}


def prepare(folder: Path, size: int) -> tuple[Owner, dict[str, object]]:
    """Give the owner of an account with so many cards, and what it took to import them when it was made."""
    mark = folder / "bench.json"
    if mark.exists():
        found = json.loads(mark.read_text())
        if found["version"] == _VERSION:
            return Owner(**found["owner"]), found["import"]
    shutil.rmtree(folder, ignore_errors=True)
    app = wiring.build(folder)
    try:
        owner, _ = data.add_owner(app, size, 1)
        imported = take_in(app, owner.login, folder / "bench.vcf", size)
    finally:
        app.close()
    mark.write_text(json.dumps({"version": _VERSION, "owner": asdict(owner), "import": imported}))
    return owner, imported


def take_in(app: wiring.App, login: str, file: Path, size: int) -> dict[str, object]:
    """Import a .vcf file as ``posthouse import`` does, durably and with full-text index."""
    file.write_bytes(b"".join(cards.vcards(size)))
    cpu, wall = time.process_time(), time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        report = importer.run(app, login, [str(file)])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert report.imported == size, "\n".join(report.lines())
    octets = file.stat().st_size
    file.unlink()
    print(
        f"imported {size:,} cards: {size / cpu:,.0f} a second of CPU, {size / wall:,.0f} a second by the clock"
    )
    return {
        "cards": size,
        "mean octets": round(octets / size),
        "a second of CPU": round(size / cpu),
        "a second by the clock": round(size / wall),
    }


def check(client: Client, owner: Owner) -> int:
    """Hold some suggestions against what the corpus itself says; gives how many were compared."""
    people = [cards.person(index) for index in range(owner.size)]
    compared = 0
    for prefix in _prefixes(people, 3)[:4] + _prefixes(people, 6)[:4]:
        anywhere = [(one.given, one.surname, one.nickname, one.employer, *one.emails) for one in people]
        for condition, texts in (
            (_any_of(prefix), anywhere),
            ({"name/given": f"{prefix}*"}, [(one.given,) for one in people]),
        ):
            found = _asked(client, owner, ("ContactCard/query", _query(owner, condition, limit=None)))[0]
            wanted = sum(
                any(word.startswith(prefix) for text in said for word in words.split(text)) for said in texts
            )
            assert len(found["ids"]) == wanted, (prefix, condition, len(found["ids"]), wanted)
            compared += wanted
    return compared


def measured(client: Client, owner: Owner, server: Running, floor: Running, rounds: int) -> Iterable[Figure]:
    """Measure requests: a page of the address book, then suggestions for beginnings of each length."""
    pages = [
        _request(owner, *_page(owner, order, position))
        for position in range(0, 1000, 250)
        for order in _ORDERS
    ]
    yield compare(f"query + get of {SHOWN}", server, floor, pages, rounds=rounds, connections=1)
    yield compare(f"query + get of {SHOWN}, 8 at once", server, floor, pages, rounds=rounds)
    people = [cards.person(index) for index in range(0, owner.size, 7)]
    for length in range(1, 9):
        prefixes = _prefixes(people, length)[:_AT_LENGTH]
        for name, conditions in (
            ("text", [{"text": f"{prefix}*"} for prefix in prefixes]),
            ("name, nickname, organization or email", [_any_of(prefix) for prefix in prefixes]),
        ):
            for order in (None, "name/given"):
                requests = [
                    _request(owner, *_suggestion(owner, condition, order)) for condition in conditions
                ]
                yield compare(
                    f"complete {length} of {name}" + (f", by {order}" if order else ""),
                    server,
                    floor,
                    requests,
                    rounds=max(rounds // 3, 3),
                    connections=1,
                    each=2 * len(requests),
                )


def _prefixes(people: list[cards.Person], length: int) -> list[str]:
    """Give beginnings of names of one length, each once, those of most people first."""
    counts: dict[str, int] = {}
    for one in people:
        for name in (one.given, one.surname):
            word = words.split(name)[0]
            if len(word) >= length:
                counts[word[:length]] = counts.get(word[:length], 0) + 1
    return sorted(counts, key=lambda prefix: (-counts[prefix], prefix))


def _any_of(prefix: str) -> JsonObject:
    return {"operator": "OR", "conditions": [{name: f"{prefix}*"} for name in _COMPLETED]}


def _query(owner: Owner, condition: JsonObject | None, **more: object) -> JsonObject:
    return {"accountId": owner.wire, "filter": condition, **more}


def _suggestion(owner: Owner, condition: JsonObject, order: str | None) -> list[Call]:
    """Ask for a few people as a client does while an address is typed."""
    sort = None if order is None else [{"property": order}]
    shown = ["name", "nicknames", "organizations", "emails"]
    return [
        ("ContactCard/query", _query(owner, condition, sort=sort, limit=SUGGESTED)),
        ("ContactCard/get", _got(owner, shown)),
    ]


def _page(owner: Owner, order: tuple[str, ...], position: int) -> list[Call]:
    """Ask for a page of the address book, as a client shows it."""
    sort = [{"property": name} for name in order]
    return [
        (
            "ContactCard/query",
            _query(owner, None, sort=sort, position=position, limit=SHOWN, calculateTotal=True),
        ),
        ("ContactCard/get", _got(owner, _LISTED)),
    ]


def _got(owner: Owner, properties: list[str]) -> JsonObject:
    return {"accountId": owner.wire, "#ids": back(0, "ContactCard/query", "/ids"), "properties": properties}


def _request(owner: Owner, *calls: Call) -> bytes:
    return api(owner.token, calls, USING)


def _asked(client: Client, owner: Owner, *calls: Call) -> list[JsonObject]:
    return results(client.answers([_request(owner, *calls)])[0])
