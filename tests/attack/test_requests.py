"""Requests that are built to cost the server more than they cost their sender (RFC 8620 §3.3, §3.7)."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from wire.person import CORE, Person


def _echo(call_id: str, **arguments: Any) -> list[Any]:
    return ["Core/echo", arguments, call_id]


def _reference(call_id: str, path: str) -> dict[str, str]:
    return {"resultOf": call_id, "name": "Core/echo", "path": path}


def test_a_request_that_takes_long_to_read_holds_up_nobody(attacker: Person, victim: Person) -> None:
    body = b'{"using":["%s"],"methodCalls":[["Core/echo",{"a": [%s1]},"0"]]}' % (
        CORE.encode(),
        b"{}," * 140_000,
    )
    answered = threading.Event()

    def attack() -> None:
        for _ in range(5):
            assert 200 == attacker.post(body).status_code
        answered.set()

    thread = threading.Thread(target=attack)
    thread.start()
    served = 0
    while not answered.is_set():
        assert 200 == victim.send(_echo("0")).status_code
        served += 1
    thread.join()
    assert served > 5


@pytest.mark.parametrize("value", [b"{}", b"[]", b"1", b'""', b'"\\""', b'{"a":1}'])
def test_millions_of_values_are_refused_unread(attacker: Person, value: bytes) -> None:
    times = 9_000_000 // (len(value) + 1)
    response = attacker.post(b'{"using":[],"methodCalls":[],"x":[%s1]}' % ((value + b",") * times))
    assert (400, "urn:ietf:params:jmap:error:notRequest") == (response.status_code, response.json()["type"])


def test_millions_of_commas_and_braces_in_a_text_are_read(attacker: Person) -> None:
    text = '{"a,[\\' * 1_000_000
    [[_, values, _]] = attacker.send(_echo("0", text=text)).json()["methodResponses"]
    assert {"text": text} == values


@pytest.mark.parametrize("end", [b"", b"\\"])
def test_a_text_of_quotes_that_never_closes_is_no_json(attacker: Person, end: bytes) -> None:
    response = attacker.post(b"[" + b"1," * 300_000 + b'"' + b'\\"' * 4_000_000 + end)
    assert 400 == response.status_code


def test_references_that_repeat_a_large_value_in_each_call_are_refused(attacker: Person) -> None:
    calls = [_echo("0", a=[1] * 100_000)]
    calls += [_echo(str(number), **{"#a": _reference("0", "/a")}) for number in range(1, 64)]
    responses = attacker.send(*calls).json()["methodResponses"]
    refused = [values["type"] for name, values, _ in responses if name == "error"]
    assert ["invalidResultReference"] * len(refused) == refused
    assert len(refused) > 50


def test_references_that_double_are_refused(attacker: Person) -> None:
    calls = [_echo("0", a="x" * 1000)]
    for number in range(1, 64):
        last = _reference(str(number - 1), "")
        calls.append(_echo(str(number), **{"#a": last, "#b": last}))
    response = attacker.send(*calls)
    assert len(response.content) < 10_000_000
    assert "invalidResultReference" == response.json()["methodResponses"][-1][1]["type"]


def test_a_long_path_into_nothing_comes_to_an_end(attacker: Person) -> None:
    call = _echo("1", **{"#a": _reference("0", "/a" + "/*" * 100_000)})
    [_, [name, values, _]] = attacker.send(_echo("0", a=[]), call).json()["methodResponses"]
    assert ("Core/echo", {"a": []}) == (name, values)


@pytest.mark.parametrize("number", ["1e400", "-1e400"])
def test_a_number_beyond_all_bounds_is_no_json(attacker: Person, number: str) -> None:
    response = attacker.post(b'{"using":[],"methodCalls":[["Core/echo",{"a":%s},"0"]]}' % number.encode())
    assert (400, "urn:ietf:params:jmap:error:notJSON") == (response.status_code, response.json()["type"])


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_without_end_is_no_json(attacker: Person, opening: bytes) -> None:
    response = attacker.post(opening * 100_000)
    assert (400, "urn:ietf:params:jmap:error:notJSON") == (response.status_code, response.json()["type"])


def test_ten_thousand_unknown_capabilities_are_one_error(attacker: Person) -> None:
    response = attacker.send(using=[f"urn:x:{number}" for number in range(10_000)])
    assert "urn:ietf:params:jmap:error:unknownCapability" == response.json()["type"]


def test_very_many_created_ids_come_back(attacker: Person) -> None:
    created = {f"k{number}": f"e{number}" for number in range(100_000)}
    assert created == attacker.send(_echo("0"), createdIds=created).json()["createdIds"]


def test_a_hundred_thousand_ids_are_too_many(attacker: Person) -> None:
    assert (
        "requestTooLarge"
        == attacker.error("Email/get", ids=[f"e{number}" for number in range(100_000)])["type"]
    )


def test_calls_that_share_an_id_are_all_answered(attacker: Person) -> None:
    responses = attacker.send(*[_echo("", number=number) for number in range(64)]).json()["methodResponses"]
    assert [["Core/echo", {"number": number}, ""] for number in range(64)] == responses
