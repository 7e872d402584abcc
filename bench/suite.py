"""What is measured: each function gives figures, after the answers were found to be right."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from bench import data, naive, processes
from bench.client import Client
from bench.corpus import COMMON, RARE, Corpus
from bench.measure import Figure, compare
from bench.processes import Running
from bench.workload import BODY_PROPERTIES, NEWEST_FIRST, Account, back, keyword, opening, query
from posthouse.app import wiring


def opened(accounts: list[Account], server: Running, floor: Running, rounds: int) -> list[Figure]:
    """Open the app in another Mailbox of another account each time, then again and again in the same one."""
    most = max(len(account.full) for account in accounts)
    cold = [
        account.request(*opening(account.owner.wire, mailbox))
        for turn in range(most)
        for account in accounts
        for mailbox in account.full[turn : turn + 1]
    ]
    return [
        compare("open the app, cold", server, floor, cold, rounds=rounds, connections=1),
        compare("open the app, cold, 8 at once", server, floor, cold, rounds=rounds),
        compare("open the app, unchanged", server, floor, cold[:1], rounds=rounds, connections=1),
    ]


def set_(accounts: list[Account], server: Running, floor: Running, rounds: int) -> list[Figure]:
    """Set and clear one keyword of one Email a request, durably."""
    requests = []
    for account in accounts:
        (found,) = account.call(query(account.owner.wire, limit=24))
        requests += [
            [account.request(keyword(account.owner.wire, id, is_set)) for id in found["ids"]]
            for is_set in (True, False)
        ]
    turns = [request for turn in requests for request in turn]
    return [
        compare("set one keyword", server, floor, turns, rounds=rounds, connections=1),
        compare("set one keyword, 8 at once", server, floor, turns, rounds=rounds),
    ]


def others(accounts: list[Account], server: Running, floor: Running, rounds: int) -> list[Figure]:
    """What else clients ask often, and what could be slow in a large account."""
    first = accounts[0]
    account, inbox = first.owner.wire, first.named("Inbox")
    of_inbox = {"inMailbox": inbox}
    (found,) = first.call(query(account, filter=of_inbox))
    (at_first,) = first.call(("Email/get", {"accountId": account, "ids": found["ids"][:1]}))
    email = at_first["list"][0]
    states = first.call(
        ("Email/get", {"accountId": account, "ids": []}), query(account, filter=of_inbox, limit=1)
    )
    # Something has to have changed since those states.
    first.call(keyword(account, found["ids"][0], True))
    first.call(keyword(account, found["ids"][0], False))
    by = {"from": [{"property": "from"}], "subject": [{"property": "subject"}]}
    calls = {
        "count a Mailbox: limit 0": [
            query(account, filter=of_inbox, limit=0, calculateTotal=True, collapseThreads=True)
        ],
        "count unread: limit 0": [
            query(account, filter={**of_inbox, "notKeyword": "$seen"}, limit=0, calculateTotal=True)
        ],
        "count flagged: limit 0": [
            query(account, filter={"hasKeyword": "$flagged"}, limit=0, calculateTotal=True)
        ],
        "query at position 5,000, collapsed": [
            query(account, filter=of_inbox, position=5000, collapseThreads=True)
        ],
        "query sorted by from": [query(account, filter=of_inbox, sort=by["from"])],
        "query sorted by subject, collapsed": [
            query(account, filter=of_inbox, sort=by["subject"], collapseThreads=True)
        ],
        "search a rare word": [query(account, filter={"text": RARE}, calculateTotal=True)],
        "search a common word": [query(account, filter={"text": COMMON})],
        "search a common word, with total": [query(account, filter={"text": COMMON}, calculateTotal=True)],
        "search two words in the Inbox": [
            query(account, filter={**of_inbox, "text": f"{COMMON} lunch"}, calculateTotal=True)
        ],
        "Email/changes": [("Email/changes", {"accountId": account, "sinceState": states[0]["state"]})],
        "Email/queryChanges": [
            (
                "Email/queryChanges",
                {
                    "accountId": account,
                    "filter": of_inbox,
                    "sort": NEWEST_FIRST,
                    "sinceQueryState": states[1]["queryState"],
                },
            )
        ],
        "open a Thread with all bodies": [
            ("Thread/get", {"accountId": account, "ids": [email["threadId"]]}),
            (
                "Email/get",
                {
                    "accountId": account,
                    "#ids": back(0, "Thread/get", "/list/*/emailIds"),
                    "properties": list(BODY_PROPERTIES),
                    "fetchAllBodyValues": True,
                },
            ),
        ],
    }
    figures = [_within(name, server, floor, [first.request(*one)], rounds) for name, one in calls.items()]
    (largest,) = first.call(query(account, sort=[{"property": "size", "isAscending": False}], limit=1))
    (message,) = first.call(
        ("Email/get", {"accountId": account, "ids": largest["ids"], "properties": ["blobId"]})
    )
    download = first.download(message["list"][0]["blobId"])
    return [*figures, _within("download the largest message", server, floor, [download], rounds)]


def _within(name: str, server: Running, floor: Running, requests: list[bytes], rounds: int) -> Figure:
    """Measure with few requests in each round, since some of these take long."""
    return compare(name, server, floor, requests, rounds=max(rounds // 3, 3), connections=1, each=10)


Case = Callable[[list[Account], Running, Running, int], list[Figure]]


def serve(folder: Path, accounts: int, size: int, cases: list[Case], rounds: int) -> dict[str, object]:
    """Start both servers on a prepared folder, check the answers, and run cases."""
    owners = data.prepare(folder, accounts, size)
    processes.pin(processes.CLIENT_CORE)
    with processes.posthouse(folder) as server, processes.floor() as floor:
        client = Client(server.port, 1)
        seen = [Account(client, owner) for owner in owners]
        compared = sum(naive.check_opening(account) for account in seen)
        print(f"{accounts} accounts of {size:,} messages; {compared:,} Emails are as they should be")
        figures = [figure for case in cases for figure in case(seen, server, floor, rounds)]
        memory = server.memory()
        for figure in figures:
            print(figure)
        print(f"{'memory of the worker (PSS)':46} {memory / 1e6:9.1f} MB")
        client.close()
    return {
        "accounts": accounts,
        "messages of each": size,
        "figures": [vars_of(figure) for figure in figures],
        "memory, bytes of PSS": memory,
    }


def idle(folder: Path, accounts: int, size: int) -> dict[str, object]:
    """Give the memory of a worker after a few requests to one account."""
    owners = data.prepare(folder, accounts, size)
    with processes.posthouse(folder) as server:
        client = Client(server.port, 1)
        account = Account(client, owners[0])
        for mailbox in account.full:
            account.call(*opening(account.owner.wire, mailbox))
        memory = server.memory()
        client.close()
    print(f"{'memory of an idle worker (PSS)':46} {memory / 1e6:9.1f} MB  account of {size:,} messages")
    return {"messages": size, "memory, bytes of PSS": memory}


def imported(folder: Path, size: int) -> dict[str, object]:
    """Import a corpus into an empty account, durably and with full-text index."""
    shutil.rmtree(folder, ignore_errors=True)
    app = wiring.build(folder)
    try:
        _, person = data.add_owner(app, size, 1)
        cost = asyncio.run(data.fill(app, person, Corpus(size, 1)))
    finally:
        app.close()
    shutil.rmtree(folder)
    mean = cost.octets / cost.messages
    print(
        f"imported {cost.messages:,} messages of {mean / 1000:.1f} kB: {cost.messages / cost.cpu:,.0f} a second "
        f"of CPU, {cost.messages / cost.wall:,.0f} a second by the clock"
    )
    return {
        "messages": cost.messages,
        "mean octets": round(mean),
        "a second of CPU": round(cost.messages / cost.cpu),
        "a second by the clock": round(cost.messages / cost.wall),
    }


def vars_of(figure: Figure) -> dict[str, object]:
    """Give a figure as it is kept."""
    return {
        "name": figure.name,
        "micros": round(figure.micros, 1),
        "floor": round(figure.floor, 1),
        "ratio": round(figure.ratio, 2),
        "octets": figure.octets,
    }
