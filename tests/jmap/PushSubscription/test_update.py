"""PushSubscription/set: updates and destroys (RFC 8620 §7.2.2, §5.3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from posthouse.kit import clock
from posthouse.kit.json import Json
from posthouse.model.subscription import Course

from .conftest import ALL, START, URL, WITH_MAIL, Desk, whole

DAY = 86_400


def test_the_right_code_verifies(desk: Desk) -> None:
    id = desk.create()["id"]
    assert not desk.row().is_verified
    assert desk.update(id, {"verificationCode": desk.row().code}) is None
    assert desk.row().is_verified
    assert desk.update(id, {"verificationCode": desk.row().code}) is None


@pytest.mark.parametrize("code", ["", "wrong", "größer", 255 * "x", 7])
@pytest.mark.parametrize("verified", [False, True])
def test_a_wrong_code_is_an_invalid_property(desk: Desk, code: Json, verified: bool) -> None:
    id = desk.create()["id"]
    if verified:
        desk.verify()
    error = desk.not_updated(id, {"verificationCode": code})
    assert ("invalidProperties", ["verificationCode"]) == (error["type"], error["properties"])
    assert verified == desk.row().is_verified


def test_a_verification_cannot_be_taken_back(desk: Desk) -> None:
    id = desk.create()["id"]
    assert desk.update(id, {"verificationCode": None}) is None
    desk.verify()
    assert "invalidProperties" == desk.not_updated(id, {"verificationCode": None})["type"]


def test_the_expiry_is_extended_as_far_as_it_may(desk: Desk) -> None:
    id = desk.create()["id"]
    desk.verify()
    desk.clock += 2 * DAY
    latest = clock.utc_date(START + 9 * DAY)
    assert {"expires": latest} == desk.update(id, {"expires": clock.utc_date(START + 30 * DAY)})
    assert latest == desk.get()["list"][0]["expires"]
    assert desk.row().is_verified
    sooner = clock.utc_date(START + 3 * DAY)
    assert desk.update(id, {"expires": sooner}) is None
    assert {"expires": latest} == desk.update(id, {"expires": None})


def test_other_updates_leave_the_expiry_alone(desk: Desk) -> None:
    id = desk.create()["id"]
    desk.clock += 2 * DAY
    assert desk.update(id, {"types": ["Email"]}) is None
    assert clock.utc_date(START + 7 * DAY) == desk.get()["list"][0]["expires"]


@pytest.mark.parametrize(
    "patch",
    [
        {"url": "https://push.example.net/other"},
        {"keys": None},
        {"keys/auth": "x"},
        {"deviceClientId": "other"},
        {"id": "p1"},
        {"colour": "blue"},
        {"types": 7},
        {"expires": clock.utc_date(START - 1)},
        {"emailPush": None},
        {"deliveryState/failures": 0},
    ],
)
def test_what_cannot_change_or_cannot_be_is_an_invalid_property(
    desk: Desk, keys: dict[str, str], patch: dict[str, Json]
) -> None:
    id = desk.create(keys=keys)["id"]
    before = desk.row()
    error = desk.not_updated(id, patch)
    [path] = patch
    assert ("invalidProperties", [path.partition("/")[0]]) == (error["type"], error["properties"])
    assert before == desk.row()


def test_what_cannot_change_may_be_named_as_it_is(desk: Desk, keys: dict[str, str]) -> None:
    id = desk.create(keys=keys)["id"]
    same = {"url": URL, "keys": keys, "deviceClientId": "device-1", "id": id}
    assert desk.update(id, same) is None


def test_a_patch_that_is_none_is_an_invalid_patch(desk: Desk) -> None:
    id = desk.create()["id"]
    assert "invalidPatch" == desk.not_updated(id, {"types/0/1": "x"})["type"]


def test_types_change_and_are_told_to_who_pushes(desk: Desk) -> None:
    id = desk.create(types=["Email"])["id"]
    desk.update(id, {"types": None})
    assert desk.row().types is None
    assert 2 == desk.subscribed()


def test_email_push_may_be_patched_in_parts(desk: Desk, keys: dict[str, str]) -> None:
    account = desk.account
    id = desk.create(WITH_MAIL, keys=keys, emailPush={account: {"properties": ["id"]}})["id"]
    assert desk.update(id, {f"emailPush/{account}/urgency": "high"}, WITH_MAIL) is None
    assert "high" == desk.get(WITH_MAIL)["list"][0]["emailPush"][account]["urgency"]
    error = desk.not_updated(id, {f"emailPush/{account}/properties": ["colour"]}, WITH_MAIL)
    assert ("invalidProperties", ["emailPush"]) == (error["type"], error["properties"])
    whole_config = {"filter": None, "urgency": "normal", "properties": ["subject"]}
    told = desk.update(id, {"emailPush": {account: {"properties": ["subject"]}}}, WITH_MAIL)
    assert {"emailPush": {account: whole_config}} == told
    assert desk.update(id, {"emailPush": None}, WITH_MAIL) is None
    assert desk.row().email_push is None


def test_who_does_not_use_email_push_does_not_undo_it(desk: Desk, keys: dict[str, str]) -> None:
    id = desk.create(WITH_MAIL, keys=keys, emailPush={desk.account: {"properties": ["id"]}})["id"]
    desk.update(id, {"types": []})
    assert desk.row().email_push is not None


def test_another_credentials_can_be_neither_changed_nor_destroyed(desk: Desk) -> None:
    id = desk.create()["id"]
    answered = desk.set(caller=desk.by_token(), update={id: {"types": []}}, destroy=["p1"])
    assert {"type": "notFound"} == answered["notUpdated"][id]
    answered = desk.set(caller=desk.by_token(), destroy=[id])
    assert {"type": "notFound"} == answered["notDestroyed"][id]
    assert desk.row().types is None


def test_what_is_destroyed_is_gone(desk: Desk) -> None:
    id = desk.create()["id"]
    answered = desk.set(destroy=[id, id, "p1"])
    assert ([id], {"type": "notFound"}) == (answered["destroyed"], answered["notDestroyed"]["p1"])
    assert [] == desk.rows.read()
    assert 2 == desk.subscribed()


def test_what_is_destroyed_in_the_same_call_is_not_updated(desk: Desk) -> None:
    id = desk.create()["id"]
    answered = desk.set(update={id: {"types": []}}, destroy=[id])
    assert {"type": "willDestroy"} == answered["notUpdated"][id]
    assert [id] == answered["destroyed"]


def test_creation_ids_lead_to_what_was_created(desk: Desk) -> None:
    answered = desk.set(create={"a": whole(), "b": whole()}, update={"#a": {"types": []}}, destroy=["#b"])
    created = {key: one["id"] for key, one in answered["created"].items()}
    assert {created["a"]: None} == answered["updated"]
    assert [created["b"]] == answered["destroyed"]
    assert () == desk.row().types
    _, [_, answered, _] = desk.answer(
        ("PushSubscription/set", {"create": {"c": whole()}}),
        ("PushSubscription/set", {"destroy": ["#c", "#x"]}),
    )
    assert 1 == len(answered["destroyed"])
    assert {"#x"} == set(answered["notDestroyed"])


def test_what_is_destroyed_leaves_no_trace_on_the_disk(desk: Desk, tmp_path: Path) -> None:
    id = desk.create(url="https://push.example.net/a-very-secret-path")["id"]
    desk.set(destroy=[id])
    desk.rows.scrub()
    octets = b"".join(path.read_bytes() for path in tmp_path.glob("directory.db*"))
    assert b"a-very-secret-path" not in octets


def test_how_the_pushes_go_is_shown_to_who_asks_for_it(desk: Desk) -> None:
    desk.create()
    desk.verify()
    course = Course("", "", attempted=START, succeeded=None, response="500", failures=2, failing_since=START)
    desk.rows.note([(desk.row().id, replace(course, retry=START + 60))])
    expected = {
        "status": "failing",
        "lastAttempt": clock.utc_date(START),
        "lastSuccess": None,
        "lastResponse": "500",
        "failures": 2,
        "nextAttempt": clock.utc_date(START + 60),
    }
    assert expected == desk.get(ALL)["list"][0]["deliveryState"]


def test_what_a_client_changes_leaves_how_the_pushes_go_alone(desk: Desk) -> None:
    id = desk.create()["id"]
    course = Course("a1.5", "", attempted=START, succeeded=START, response="201")
    desk.rows.note([(desk.row().id, course)])
    desk.update(id, {"types": []})
    assert course == desk.row().course
