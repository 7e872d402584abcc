"""PushSubscription/get (RFC 8620 §7.2.1)."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from .conftest import ADA, ALL, Desk

SHOWN = {"id", "deviceClientId", "verificationCode", "expires", "types"}


def test_it_takes_and_returns_no_account_and_no_state(desk: Desk) -> None:
    assert {"list": [], "notFound": []} == desk.get(ids=None)
    error = desk.error("PushSubscription/get", accountId=desk.account)
    assert ("invalidArguments", ["accountId"]) == (error["type"], error["arguments"])


def test_url_and_keys_are_never_shown(desk: Desk, keys: dict[str, str]) -> None:
    desk.create(keys=keys)
    [shown] = desk.get()["list"]
    assert set(shown) == SHOWN


@pytest.mark.parametrize("name", ["url", "keys"])
def test_asking_for_what_is_never_shown_is_forbidden(desk: Desk, name: str) -> None:
    assert "forbidden" == desk.error("PushSubscription/get", properties=["id", name])["type"]


def test_the_properties_asked_for_are_returned_with_the_id(desk: Desk) -> None:
    id = desk.create(types=["Email"])["id"]
    assert [{"id": id, "types": ["Email"]}] == desk.get(properties=["types", "types"])["list"]
    assert [{"id": id}] == desk.get(properties=[])["list"]


def test_an_unknown_property_is_an_invalid_argument(desk: Desk) -> None:
    error = desk.error("PushSubscription/get", properties=["colour"])
    assert ("invalidArguments", ["properties"]) == (error["type"], error["arguments"])


@pytest.mark.parametrize("name", ["emailPush", "deliveryState"])
def test_a_property_of_an_extension_is_unknown_to_who_does_not_use_it(desk: Desk, name: str) -> None:
    desk.create()
    assert "invalidArguments" == desk.error("PushSubscription/get", properties=[name])["type"]
    assert name in desk.get(ALL)["list"][0]
    assert {"id", name} == set(desk.get(ALL, properties=[name])["list"][0])


def test_ids_that_are_unknown_or_no_ids_are_not_found(desk: Desk) -> None:
    id = desk.create()["id"]
    answered = desk.get(ids=[id, "p1", "x", id])
    assert [id] == [one["id"] for one in answered["list"]]
    assert ["p1", "x"] == answered["notFound"]
    assert [] == desk.get(ids=[])["list"]


def test_too_many_ids_are_too_large(desk: Desk) -> None:
    assert (
        "requestTooLarge" == desk.error("PushSubscription/get", ids=[f"p{n}" for n in range(1, 90)])["type"]
    )


def test_only_those_of_the_same_credential_are_shown(desk: Desk) -> None:
    token, other = desk.by_token(), desk.by_token()
    mine = desk.create()["id"]
    its = desk.create(caller=token)["id"]
    assert [mine] == [one["id"] for one in desk.get()["list"]]
    assert [its] == [one["id"] for one in desk.get(caller=token)["list"]]
    assert [mine] == desk.get(caller=token, ids=[mine])["notFound"]
    assert [] == desk.get(caller=other)["list"]


def test_nobody_sees_another_persons(desk: Desk) -> None:
    desk.people.add("bob@example.org", "secret")
    bob = desk.by_password("bob@example.org")
    mine = desk.create()["id"]
    assert {"list": [], "notFound": [mine]} == desk.get(caller=bob, ids=[mine])


def test_the_code_is_shown_to_those_only_who_know_it(desk: Desk) -> None:
    desk.create()
    assert desk.get()["list"][0]["verificationCode"] is None
    desk.verify()
    assert desk.row().code == desk.get()["list"][0]["verificationCode"]


def test_ids_may_refer_to_another_call(desk: Desk) -> None:
    id = desk.create()["id"]
    reference = {"resultOf": "0", "name": "PushSubscription/get", "path": "/list/*/id"}
    _, [name, answered, _] = desk.answer(
        ("PushSubscription/get", {"ids": None}), ("PushSubscription/get", {"#ids": reference})
    )
    assert ("PushSubscription/get", [id]) == (name, [one["id"] for one in answered["list"]])


def test_an_expired_one_is_gone(desk: Desk) -> None:
    desk.create()
    desk.clock += 7 * 86_400 - 1
    assert 1 == len(desk.get()["list"])
    desk.clock += 1
    assert [] == desk.get()["list"]


def test_none_outlives_its_password(desk: Desk) -> None:
    desk.create()
    kept = desk.create(caller=(token := desk.by_token()))["id"]
    desk.people.set_password(ADA, "secret2")
    assert [kept] == [one["id"] for one in desk.get(caller=token)["list"]]
    assert 1 == len(desk.rows.read())
    assert [] == desk.get(caller=desk.by_password(password="secret2"))["list"]


def test_none_outlives_its_token(desk: Desk) -> None:
    kept = desk.create()["id"]
    token = desk.by_token()
    desk.create(caller=token)
    desk.tokens.revoke(ADA, desk.tokens.list(ADA)[0].id)
    assert [kept] == [one["id"] for one in desk.get()["list"]]
    assert 1 == len(desk.rows.read())


def test_none_outlives_its_person(desk: Desk) -> None:
    desk.create()
    desk.create(caller=desk.by_token())
    desk.people.remove(ADA)
    assert [] == desk.rows.read()


def test_where_nothing_is_pushed_there_are_none(tmp_path: Path) -> None:
    with ExitStack() as stack:
        desk = Desk(tmp_path, stack, pushes=False)
        assert {"list": [], "notFound": ["p1"]} == desk.get(ids=["p1"])
        assert "forbidden" == desk.error("PushSubscription/set", create={})["type"]
