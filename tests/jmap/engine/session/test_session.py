"""The Session object and its state (RFC 8620 §2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from bakery import BAKERY
from bakery.kitchen import BAKER, CORE, HOME, LOCKED, Kitchen
from posthouse.engine.session import Sessions
from posthouse.kit import json
from posthouse.kit.limits import Limits
from posthouse.model.caller import Caller
from posthouse.model.registry import Registry


def session(kitchen: Kitchen, caller: Caller = BAKER) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads_strict(kitchen.engine.session(caller, "https://bakery.example"))
    return shown


def test_it_has_all_nine_properties(kitchen: Kitchen) -> None:
    assert {
        "capabilities",
        "accounts",
        "primaryAccounts",
        "username",
        "apiUrl",
        "downloadUrl",
        "uploadUrl",
        "eventSourceUrl",
        "state",
    } == session(kitchen).keys()


def test_urls_are_absolute_and_have_the_variables_of_the_standard(kitchen: Kitchen) -> None:
    shown = session(kitchen)
    for name, variables in {
        "apiUrl": [],
        "downloadUrl": ["{accountId}", "{blobId}", "{name}", "{type}"],
        "uploadUrl": ["{accountId}"],
        "eventSourceUrl": ["{types}", "{closeafter}", "{ping}"],
    }.items():
        assert shown[name].startswith("https://bakery.example/")
        assert all(variable in shown[name] for variable in variables)
        assert len(variables) == shown[name].count("{")


def test_the_core_capability_tells_every_limit(kitchen: Kitchen) -> None:
    assert {
        "maxSizeUpload": 100_000_000,
        "maxConcurrentUpload": 8,
        "maxSizeRequest": 10_000_000,
        "maxConcurrentRequests": 16,
        "maxCallsInRequest": 64,
        "maxObjectsInGet": 1000,
        "maxObjectsInSet": 1000,
        "collationAlgorithms": ["i;unicode-casemap"],
    } == session(kitchen)["capabilities"]["urn:ietf:params:jmap:core"]


def test_each_account_tells_what_can_be_done_in_it(kitchen: Kitchen) -> None:
    shown = session(kitchen)
    assert {"a1", "a2", "a3"} == shown["accounts"].keys()
    assert {
        "name": "locked",
        "isPersonal": False,
        "isReadOnly": True,
        "accountCapabilities": {BAKERY.uri: {"maxSizeShelfName": 100}},
    } == shown["accounts"]["a3"]


def test_the_callers_own_account_is_primary_but_not_for_core(kitchen: Kitchen) -> None:
    assert {BAKERY.uri: "a1"} == session(kitchen)["primaryAccounts"]


def test_core_may_have_a_primary_account_for_clients_that_need_it() -> None:
    sessions = Sessions(Registry([CORE, BAKERY]), Limits(), core_primary=True)
    shown = json.loads(sessions.session(BAKER, ""))
    assert {CORE.uri: "a1", BAKERY.uri: "a1"} == shown["primaryAccounts"]


def test_a_caller_without_an_account_of_his_own_has_no_primary_one(kitchen: Kitchen) -> None:
    guest = dataclasses.replace(BAKER, accounts={LOCKED.wire: LOCKED})
    assert {} == session(kitchen, guest)["primaryAccounts"]


def test_each_response_tells_the_state_of_the_session(kitchen: Kitchen) -> None:
    answered = kitchen.answer(("Shelf/get", {"accountId": "a1"}, "0"))
    assert session(kitchen)["state"] == answered["sessionState"]


def test_the_state_is_the_same_in_another_process() -> None:
    one, two = (Sessions(Registry([CORE, BAKERY]), Limits()) for _ in range(2))
    assert one.state(BAKER) == two.state(BAKER)


def test_the_state_moves_with_whatever_the_session_shows() -> None:
    sessions = Sessions(Registry([CORE, BAKERY]), Limits())
    states = {
        sessions.state(BAKER),
        sessions.state(dataclasses.replace(BAKER, username="ada@bakery.example")),
        sessions.state(dataclasses.replace(BAKER, accounts={HOME.wire: HOME})),
        sessions.state(
            dataclasses.replace(BAKER, accounts={HOME.wire: dataclasses.replace(HOME, name="new")})
        ),
        sessions.state(
            dataclasses.replace(BAKER, accounts={HOME.wire: dataclasses.replace(HOME, is_read_only=True)})
        ),
        Sessions(Registry([CORE]), Limits()).state(BAKER),
        Sessions(Registry([CORE, BAKERY]), Limits(max_objects_in_get=5)).state(BAKER),
    }
    assert 7 == len(states)
