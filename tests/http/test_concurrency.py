"""Many requests at once: they wait for their turn, and each gets its own answer (RFC 8620 §2, §3.10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from wire.person import Person


def _burst(person: Person, requests: list[Any]) -> list[httpx.Response]:
    """Send requests over as many connections, all at once."""

    async def send() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=len(requests))
        auth = (person.user.name, person.user.password)
        async with httpx.AsyncClient(auth=auth, limits=limits, timeout=60) as client:
            url = person.session["apiUrl"]
            return await asyncio.gather(*(client.post(url, json=request) for request in requests))

    with ThreadPoolExecutor(1) as pool:  # a loop of its own, whatever the test runs in
        return pool.submit(asyncio.run, send()).result()


def test_requests_above_the_limit_wait(demo: Person) -> None:
    using = list(demo.session["capabilities"])
    requests = [
        {
            "using": using,
            "methodCalls": [
                ["Core/echo", {"n": at}, "a"],
                ["Email/query", {"accountId": demo.account, "limit": 5}, "b"],
            ],
        }
        for at in range(4 * demo.limits["maxConcurrentRequests"])
    ]
    answers = _burst(demo, requests)
    assert {200} == {answer.status_code for answer in answers}
    echoed = [answer.json()["methodResponses"][0][1]["n"] for answer in answers]
    assert list(range(len(requests))) == echoed


def test_writes_at_once_are_all_done_once(sign_in: Callable[..., Person]) -> None:
    person = sign_in()
    number = 2 * person.limits["maxConcurrentRequests"]
    before = len(person.call("Mailbox/get")[1]["list"])
    using = list(person.session["capabilities"])
    requests = [
        {
            "using": using,
            "methodCalls": [
                ["Mailbox/set", {"accountId": person.account, "create": {"a": {"name": f"Box {at}"}}}, "0"]
            ],
        }
        for at in range(number)
    ]
    answers = [answer.json()["methodResponses"][0][1] for answer in _burst(person, requests)]
    assert all(answer["notCreated"] is None for answer in answers)
    assert number == len({answer["created"]["a"]["id"] for answer in answers})
    assert number == len({answer["newState"] for answer in answers})
    assert before + number == len(person.call("Mailbox/get")[1]["list"])


def test_only_one_of_those_with_the_same_state_wins(sign_in: Callable[..., Person]) -> None:
    person = sign_in()
    state = person.call("Mailbox/get", ids=[])[1]["state"]
    create = {"accountId": person.account, "ifInState": state, "create": {"a": {"name": "The one"}}}
    request = {
        "using": list(person.session["capabilities"]),
        "methodCalls": [["Mailbox/set", create, "0"]],
    }
    answers = [answer.json()["methodResponses"][0] for answer in _burst(person, [request] * 8)]
    assert ["Mailbox/set"] + ["error"] * 7 == sorted((name for name, _, _ in answers), key="error".__eq__)
    assert {"stateMismatch"} == {values["type"] for name, values, _ in answers if name == "error"}
