"""The event source of a whole server: who writes tells who listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from posthouse.testing import Server
from wire.events import Events
from wire.person import Person

Sign = Callable[..., Person]


def listen(person: Person, types: str = "*", closeafter: str = "no", **headers: str) -> Events:
    url = person.session["eventSourceUrl"]
    for name, value in (("types", types), ("closeafter", closeafter), ("ping", "0")):
        url = url.replace(f"{{{name}}}", value)
    events = Events(url, authorization=f"Bearer {person.user.token}", **headers)
    assert 200 == events.status
    return events


def make(person: Person, name: str) -> Any:
    answer, values = person.call("Mailbox/set", create={"a": {"name": name}})
    assert ("Mailbox/set", None) == (answer, values["notCreated"])
    return values


def file(person: Person) -> Any:
    """Make an Email in the inbox."""
    _, boxes = person.call("Mailbox/query", filter={"role": "inbox"})
    email = {"mailboxIds": {boxes["ids"][0]: True}, "subject": "news"}
    _, values = person.call("Email/set", create={"e": email})
    assert values["notCreated"] is None
    return values


def test_states_are_those_that_the_methods_give(sign_in: Sign) -> None:
    user = sign_in()
    with listen(user) as events:
        events.welcome()
        new = file(user)["newState"]
        event = events.next()
        assert event is not None
        changed = event.data["changed"][user.account]
        assert new == changed["Email"]
        for type in ("Email", "Mailbox", "Thread"):
            _, values = user.call(f"{type}/get", ids=[])
            assert (type, values["state"]) == (type, changed[type])


def test_new_mail_can_be_told_from_other_changes(sign_in: Sign) -> None:
    """EmailDelivery changes only when new mail arrives (RFC 8621 §1.5)."""
    user = sign_in()
    made = file(user)["created"]["e"]["id"]
    with listen(user, "EmailDelivery,Mailbox") as events:
        events.welcome()
        user.call("Email/set", update={made: {"keywords/$flagged": True}})
        make(user, "box")
        event = events.next()
        assert event is not None
        assert {"Mailbox"} == {*event.data["changed"][user.account]}


def test_who_looks_at_changes_after_each_event_knows_all(sign_in: Sign) -> None:
    user = sign_in()
    _, values = user.call("Mailbox/get", ids=[])
    state = values["state"]
    known: set[str] = set()
    made: set[str] = set()
    with listen(user) as events:
        events.welcome()
        for number in range(30):
            made.add(make(user, f"box {number}")["created"]["a"]["id"])
        while known != made:
            event = events.next()
            assert event is not None
            _, values = user.call("Mailbox/changes", sinceState=state)
            known |= {*values["created"]}
            state = values["newState"]
            assert known <= made


def test_nobody_hears_of_others(sign_in: Sign) -> None:
    one, other = sign_in(), sign_in()
    with listen(one, closeafter="state") as events:
        events.welcome()
        make(other, "a secret")
        make(one, "mine")
        event = events.next()
        assert event is not None
        assert {one.account} == {*event.data["changed"]}
        assert events.next() is None


def test_from_the_id_of_another_all_of_ones_own_is_told_and_nothing_else(sign_in: Sign) -> None:
    one, other = sign_in(), sign_in()
    with listen(other) as strange:
        position = strange.welcome().id
    with listen(one, last_event_id=position) as events:
        event = events.next()
        assert event is not None
        assert {one.account} == {*event.data["changed"]}


@pytest.mark.parametrize("way", ["ticket", "cookie"])
def test_a_page_signs_in(sign_in: Sign, server: Server, way: str) -> None:
    user = sign_in()
    if way == "ticket":
        page = {"Origin": "https://app.example.com"}
        given = user.http.post("/jmap/ticket/", json={"for": "eventsource"}, headers=page)
        assert 201 == given.status_code
        url = given.json()["url"].replace("{types}", "*").replace("{closeafter}", "no").replace("{ping}", "0")
        events = Events(url, origin=page["Origin"])
    else:
        answer = user.http.post("/jmap/cookie/", headers={"Origin": server.url})
        cookie = answer.headers["set-cookie"].partition(";")[0]
        url = f"{server.url}/jmap/eventsource/?types=*&closeafter=no&ping=0"
        events = Events(url, cookie=cookie, sec_fetch_site="same-origin")
    with events:
        assert 200 == events.status
        events.welcome()
        state = make(user, "box")["newState"]
        event = events.next()
        assert event is not None
        assert state == event.data["changed"][user.account]["Mailbox"]


def test_neither_is_told_apart_from_what_is_no_ticket(sign_in: Sign, server: Server) -> None:
    user = sign_in()
    given = user.http.post("/jmap/ticket/", json={"for": "websocket"}).json()["ticket"]
    url = f"{server.url}/jmap/eventsource/?types=*&closeafter=no&ping=0&ticket="
    replies = set()
    for ticket in (given, "pt_" + "a" * 32, "", "x" * 5000, user.user.token):
        with Events(url + ticket) as events:
            replies.add((events.status, events.reply.read()))
    assert {401} == {status for status, _ in replies}
    assert 1 == len(replies)
