"""PushSubscription/set: creates (RFC 8620 §7.2, §7.2.2, §8.6)."""

from __future__ import annotations

import pytest

from posthouse.capabilities.core.subscription import AT_MOST, LONGEST
from posthouse.kit import clock
from posthouse.kit.json import Json

from .conftest import ALL, START, URL, WITH_MAIL, Desk, whole

DAY = 86_400


def test_it_takes_and_returns_no_account_and_no_state(desk: Desk) -> None:
    answered = desk.set(create={"a": whole()})
    results = {"created", "updated", "destroyed", "notCreated", "notUpdated", "notDestroyed"}
    assert results == set(answered)
    for name in ("accountId", "ifInState"):
        assert "invalidArguments" == desk.error("PushSubscription/set", **{name: "x"})["type"]


def test_what_the_client_did_not_say_is_told(desk: Desk) -> None:
    told = desk.create()
    expected = {
        "keys": None,
        "types": None,
        "verificationCode": None,
        "expires": clock.utc_date(START + LONGEST),
    }
    assert expected == {name: value for name, value in told.items() if name != "id"}
    assert {*expected, "id", "emailPush", "deliveryState"} == set(desk.create(ALL))
    assert {"id"} == set(desk.create(**{**expected, "expires": clock.utc_date(START + DAY)}))


def test_a_create_is_told_to_who_pushes(desk: Desk) -> None:
    desk.create()
    assert 1 == desk.subscribed()


def test_the_code_cannot_be_guessed_and_is_another_each_time(desk: Desk) -> None:
    desk.create()
    desk.create()
    first, second = [one.code for one in desk.rows.read()]
    assert first != second
    assert 32 <= len(first)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", None),
        ("url", 7),
        ("url", "http://push.example.net/x"),
        ("url", "https://127.0.0.1/x"),
        ("url", "https://[::1]/x"),
        ("url", "https://10.1.2.3/x"),
        ("url", "https://printer/x"),
        ("url", "https://me:secret@push.example.net/x"),
        ("url", "https://push.example.net:22/x"),
        ("url", "https://push.example.net/" + 2048 * "x"),
        ("deviceClientId", None),
        ("deviceClientId", ""),
        ("deviceClientId", 256 * "x"),
        ("keys", {}),
        ("keys", {"p256dh": "x", "auth": "y"}),
        ("keys", "x"),
        ("verificationCode", "x"),
        ("expires", "soon"),
        ("expires", "2100-01-01T00:00:00+01:00"),
        ("expires", clock.utc_date(START)),
        ("types", "Email"),
        ("types", [1]),
        ("types", [256 * "x"]),
        ("types", 251 * ["x"]),
        ("id", "p1"),
        ("colour", "blue"),
        ("emailPush", None),
        ("deliveryState", None),
    ],
)
def test_a_value_that_cannot_be_is_an_invalid_property(desk: Desk, name: str, value: Json) -> None:
    error = desk.refused(**{name: value})
    assert ("invalidProperties", [name]) == (error["type"], error["properties"])
    assert [] == desk.rows.read()


@pytest.mark.parametrize("name", ["url", "deviceClientId"])
def test_what_is_required_cannot_be_left_out(desk: Desk, name: str) -> None:
    values = whole()
    del values[name]
    error = desk.set(create={"a": values})["notCreated"]["a"]
    assert ("invalidProperties", [name]) == (error["type"], error["properties"])


def test_an_error_says_nothing_of_the_url(desk: Desk) -> None:
    assert "secret" not in str(desk.refused(url="https://10.1.2.3/secret"))


def test_one_key_that_is_no_point_on_the_curve_is_refused(desk: Desk, keys: dict[str, str]) -> None:
    error = desk.refused(keys={**keys, "p256dh": keys["p256dh"][:-4] + "AAAA"})
    assert ("invalidProperties", ["keys"]) == (error["type"], error["properties"])


def test_keys_may_be_padded(desk: Desk, keys: dict[str, str]) -> None:
    desk.create(keys={name: text + "=" * (-len(text) % 4) for name, text in keys.items()})


def test_types_that_nobody_knows_yet_are_taken(desk: Desk) -> None:
    desk.create(types=["Email", "Todo", "Email"])
    assert ["Email", "Todo"] == desk.get()["list"][0]["types"]


@pytest.mark.parametrize(
    ("wanted", "given"),
    [(None, 7 * DAY), (3600, 3600), (2 * DAY, 2 * DAY), (7 * DAY, 7 * DAY), (30 * DAY, 7 * DAY)],
)
def test_a_credential_without_an_end_bounds_the_expiry(desk: Desk, wanted: int | None, given: int) -> None:
    expires = None if wanted is None else clock.utc_date(START + wanted)
    told = desk.create(expires=expires)
    shown = desk.get()["list"][0]["expires"]
    assert clock.utc_date(START + given) == shown
    assert ({"expires": shown} if shown != expires else {}) == {n: told[n] for n in told if n == "expires"}


def test_a_credential_with_an_end_leaves_the_expiry_alone(desk: Desk) -> None:
    token = desk.by_token(expires=START + 90 * DAY)
    far = clock.utc_date(START + 60 * DAY)
    desk.create(caller=token, expires=far)
    desk.create(caller=token)
    assert {far, None} == {one["expires"] for one in desk.get(caller=token)["list"]}


def test_there_is_an_end_to_how_many_a_person_has(desk: Desk) -> None:
    for _ in range(AT_MOST):
        desk.clock += 60
        desk.create()
    assert "overQuota" == desk.refused()["type"]
    desk.clock += 3600
    assert "overQuota" == desk.set(caller=desk.by_token(), create={"a": whole()})["notCreated"]["a"]["type"]
    [first, *_] = desk.get()["list"]
    desk.set(destroy=[first["id"]])
    desk.create()


def test_there_is_an_end_to_how_fast_a_person_makes_them(desk: Desk) -> None:
    answered = desk.set(create={str(n): whole() for n in range(40)})
    assert 32 == len(answered["created"])
    assert {"rateLimit"} == {error["type"] for error in answered["notCreated"].values()}
    desk.set(destroy=[one["id"] for one in answered["created"].values()])
    assert "rateLimit" == desk.refused()["type"]
    desk.clock += 60
    desk.create()
    assert "rateLimit" == desk.refused()["type"]


def test_too_many_changes_are_too_large(desk: Desk) -> None:
    create = {str(n): whole() for n in range(71)}
    assert "requestTooLarge" == desk.error("PushSubscription/set", create=create)["type"]


def test_one_that_is_refused_does_not_keep_the_others_from_being_made(desk: Desk) -> None:
    answered = desk.set(create={"a": whole(), "b": whole(url="http://x"), "c": whole()})
    assert ({"a", "c"}, {"b"}) == (set(answered["created"]), set(answered["notCreated"]))


def test_nothing_of_a_subscription_that_is_secret_is_in_its_repr(desk: Desk, keys: dict[str, str]) -> None:
    desk.create(keys=keys)
    shown = repr(desk.row())
    assert not [secret for secret in (URL, *keys.values(), desk.row().code) if secret in shown]


# -- email push --


def test_email_push_is_completed_and_shown(desk: Desk, keys: dict[str, str]) -> None:
    wanted = {desk.account: {"properties": ["from", "subject", "id", "header:List-Id:asText"]}}
    told = desk.create(WITH_MAIL, keys=keys, emailPush=wanted)
    full = {desk.account: {"filter": None, "urgency": "normal", **wanted[desk.account]}}
    assert full == told["emailPush"] == desk.get(WITH_MAIL)["list"][0]["emailPush"]
    assert "emailPush" not in desk.get()["list"][0]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"properties": "from"},
        {"properties": ["colour"]},
        {"properties": ["header:x:asNothing"]},
        {"properties": [], "urgency": "now"},
        {"properties": [], "filter": {"colour": "blue"}},
        {"properties": [], "filter": {"inMailbox": 7}},
        {"properties": [], "filter": {"operator": "XOR", "conditions": []}},
        {"properties": [], "filter": []},
        {"properties": [], "more": 1},
        {"properties": [], "filter": {"text": 40_000 * "x"}},
        [],
    ],
)
def test_an_email_push_that_cannot_be_is_an_invalid_property(
    desk: Desk, keys: dict[str, str], config: Json
) -> None:
    error = desk.refused(WITH_MAIL, keys=keys, emailPush={desk.account: config})
    assert ("invalidProperties", ["emailPush"]) == (error["type"], error["properties"])


def test_email_push_is_for_ones_own_accounts(desk: Desk, keys: dict[str, str]) -> None:
    error = desk.refused(WITH_MAIL, keys=keys, emailPush={"a1": {"properties": ["id"]}})
    assert ("invalidProperties", ["emailPush"]) == (error["type"], error["properties"])


def test_what_emails_say_is_not_pushed_in_clear(desk: Desk) -> None:
    error = desk.refused(WITH_MAIL, emailPush={desk.account: {"properties": ["id"]}})
    assert ("invalidProperties", ["emailPush"]) == (error["type"], error["properties"])
