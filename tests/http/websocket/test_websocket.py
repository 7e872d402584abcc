"""JMAP over WebSocket with a real store, and a client library that is not ours (RFC 8887)."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from posthouse.testing import Server
from wire.person import Person
from wire.websocket import basic, frame

JMAP = Subprotocol("jmap")
Talk = Callable[..., Any]
Sign = Callable[..., Person]


def _calls(person: Person) -> list[list[Any]]:
    """Open the app (RFC 8621 §4.10)."""
    account = person.account
    return [
        ["Mailbox/get", {"accountId": account}, "0"],
        ["Email/query", {"accountId": account, "limit": 10}, "1"],
        [
            "Email/get",
            {"accountId": account, "#ids": {"resultOf": "1", "name": "Email/query", "path": "/ids"}},
            "2",
        ],
    ]


def test_the_subprotocol_is_agreed_on(talk: Talk, demo: Person) -> None:
    conversation = talk(demo)
    assert "jmap" == conversation.connection.subprotocol
    assert [] == conversation.connection.protocol.extensions


def test_no_compression_is_agreed_on(demo: Person) -> None:
    header = {"Authorization": basic(demo.user.name, demo.user.password)}
    url = demo.session["capabilities"]["urn:ietf:params:jmap:websocket"]["url"]
    with connect(url, additional_headers=header, subprotocols=[JMAP], compression="deflate") as connection:
        assert [] == connection.protocol.extensions


def test_the_answer_is_that_of_http(talk: Talk, demo: Person) -> None:
    conversation = talk(demo)
    conversation.request(demo, "R1", *_calls(demo))
    over_http = demo.send(*_calls(demo)).json()
    assert over_http | {"@type": "Response", "requestId": "R1"} == conversation.hear()


def test_a_token_signs_in(talk: Talk, demo: Person) -> None:
    conversation = talk(demo, f"Bearer {demo.user.token}")
    conversation.request(demo, "R1", ["Core/echo", {"x": 1}, "c"])
    assert [["Core/echo", {"x": 1}, "c"]] == conversation.hear()["methodResponses"]


def test_who_does_not_sign_in_is_told_how(demo: Person) -> None:
    url = demo.session["capabilities"]["urn:ietf:params:jmap:websocket"]["url"]
    with pytest.raises(InvalidStatus) as refused:
        connect(url, subprotocols=[JMAP]).__enter__()
    response = refused.value.response
    assert (401, "application/problem+json") == (response.status_code, response.headers["content-type"])
    assert ["Basic", "Bearer"] == [
        challenge.split()[0] for challenge in response.headers.get_all("www-authenticate")
    ]


def test_many_requests_are_in_flight(talk: Talk, demo: Person) -> None:
    conversation = talk(demo)
    for number in range(100):
        conversation.request(demo, str(number), ["Core/echo", {"n": number}, "c"], *_calls(demo))
    answers = [conversation.hear() for _ in range(100)]
    numbers = {answer["requestId"]: answer["methodResponses"][0][1]["n"] for answer in answers}
    assert {str(number): number for number in range(100)} == numbers


def test_a_large_request_in_fragments(talk: Talk, sign_in: Sign) -> None:
    person = sign_in()
    conversation = talk(person)
    create = {f"k{number}": {"name": f"Mailbox {number} " + "x" * 200} for number in range(400)}
    request = {
        "@type": "Request",
        "id": "big",
        "using": [*person.session["capabilities"]],
        "methodCalls": [["Mailbox/set", {"accountId": person.account, "create": create}, "0"]],
    }
    text = json.dumps(request)
    assert len(text) > 80_000
    conversation.connection.send(text[at : at + 5000] for at in range(0, len(text), 5000))
    answer = conversation.hear()
    assert ("big", set(create)) == (answer["requestId"], set(answer["methodResponses"][0][1]["created"]))


def test_a_change_is_told_to_who_wishes_it(talk: Talk, sign_in: Sign) -> None:
    person = sign_in()
    told, quiet = talk(person), talk(person)
    told.enable(["Mailbox"])
    quiet.enable(["Email"])
    for one in (told, quiet):
        one.request(person, "ready", ["Core/echo", {}, "c"])
        assert "ready" == one.hear()["requestId"]
    _, made = person.call("Mailbox/set", create={"a": {"name": "New"}})
    push = told.hear()
    assert {"@type": "StateChange", "changed": {person.account: {"Mailbox": made["newState"]}}} == {
        name: value for name, value in push.items() if name != "pushState"
    }
    quiet.request(person, "quiet", ["Core/echo", {}, "c"])
    assert "quiet" == quiet.hear()["requestId"]


def test_what_was_missed_is_told_after_a_reconnect(talk: Talk, sign_in: Sign) -> None:
    person = sign_in()
    first = talk(person)
    first.enable()
    first.request(person, "ready", ["Core/echo", {}, "c"])
    first.hear()
    person.call("Mailbox/set", create={"a": {"name": "One"}})
    push_state = first.hear()["pushState"]
    first.connection.close()
    _, made = person.call("Mailbox/set", create={"a": {"name": "Two"}})
    second = talk(person)
    second.enable(pushState=push_state)
    push = second.hear()
    assert {person.account: {"Mailbox": made["newState"]}} == push["changed"]
    third = talk(person)
    third.enable(pushState=push["pushState"])
    third.request(person, "nothing", ["Core/echo", {}, "c"])
    assert "nothing" == third.hear()["requestId"]


def test_nobody_hears_of_anothers_account(talk: Talk, sign_in: Sign) -> None:
    person, other = sign_in(), sign_in()
    conversation = talk(other)
    conversation.enable(pushState="")
    # His own account, and the one in which the Principals of his domain are.
    assert {other.account, other.account_for("Principal/get")} == set(conversation.hear()["changed"])
    person.call("Mailbox/set", create={"a": {"name": "Mine"}})
    other.call("Mailbox/set", create={"a": {"name": "His"}})
    assert {other.account} == set(conversation.hear()["changed"])


def test_a_ticket_opens_one_websocket(server: Server, sign_in: Sign) -> None:
    person = sign_in()
    origin = {"Origin": "https://app.example"}
    made = (
        person.http.post("/jmap/ticket/", json={"for": "websocket"}, headers=origin).raise_for_status().json()
    )
    with connect(made["url"], subprotocols=[JMAP], origin=Origin("https://app.example")) as connection:
        connection.send("hello")
        assert "RequestError" == json.loads(connection.recv(30))["@type"]
    with pytest.raises(InvalidStatus) as refused:
        connect(made["url"], subprotocols=[JMAP], origin=Origin("https://app.example")).__enter__()
    assert 401 == refused.value.response.status_code


@pytest.fixture(scope="module")
def tls_server() -> Iterator[Server]:
    with Server(messages=5, tls=True) as server:
        yield server


def test_over_tls(tls_server: Server) -> None:
    user = tls_server.users["demo@example.org"]
    context = ssl.create_default_context(cafile=tls_server.ca)
    with httpx.Client(base_url=tls_server.url, auth=(user.name, user.password), verify=context) as http:
        person = Person(http, user, http.get("/.well-known/jmap").raise_for_status().json())
        url = person.session["capabilities"]["urn:ietf:params:jmap:websocket"]["url"]
        assert url.startswith("wss://")
        header = {"Authorization": basic(user.name, user.password)}
        with connect(url, additional_headers=header, subprotocols=[JMAP], ssl=context, max_size=None) as one:
            call = ["Core/echo", {"x": "y" * 2_000_000}, "c"]
            using = [*person.session["capabilities"]]
            one.send(json.dumps({"@type": "Request", "using": using, "methodCalls": [call]}))
            assert [call] == json.loads(one.recv(30))["methodResponses"]
            one.send(json.dumps({"@type": "WebSocketPushEnable", "dataTypes": None, "pushState": "?"}))
            assert "StateChange" == json.loads(one.recv(30))["@type"]
            one.ping().wait(30)


def test_a_frame_of_a_megabyte_of_nothing_but_brackets(talk: Talk, demo: Person) -> None:
    conversation = talk(demo)
    conversation.connection.socket.sendall(frame(1, b"[" * 1_000_000))
    error = conversation.hear()
    assert "urn:ietf:params:jmap:error:notJSON" == error["type"]
