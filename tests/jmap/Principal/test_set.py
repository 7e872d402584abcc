"""Principal/set (RFC 9670 §2.3, §5, §6.1)."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from posthouse.kit.json import Json
from townhall.hall import ANNA, BOB, Hall, wire


def test_one_may_change_his_own_name_description_and_time_zone(hall: Hall) -> None:
    """It SHOULD allow an update to the "name", "description", and "timeZone" properties."""
    patch = {"name": "Annie", "description": "Mayor.\nCall first.", "timeZone": "Europe/Vienna"}
    answered = hall.ask("Principal/set", update={wire(ANNA): patch})
    assert {wire(ANNA): None} == answered["updated"]
    assert patch == {name: hall.one("Principal", wire(ANNA))[name] for name in patch}


def test_null_takes_the_description_and_the_time_zone_away(hall: Hall) -> None:
    hall.ask("Principal/set", update={wire(ANNA): {"description": "x", "timeZone": "UTC"}})
    hall.ask("Principal/set", update={wire(ANNA): {"description": None, "timeZone": None}})
    assert (None, None) == tuple(
        hall.one("Principal", wire(ANNA))[name] for name in ("description", "timeZone")
    )


@pytest.mark.parametrize("name", ["name", "description", "timeZone"])
def test_nobody_changes_another(hall: Hall, name: str) -> None:
    error = hall.refused("Principal/set", "update", {wire(BOB): {name: "UTC"}})
    assert "forbidden" == error["type"]


@pytest.mark.parametrize(
    "patch", [{"email": "eve@town.example"}, {"type": "group"}, {"accounts": {}}, {"capabilities": {"x": {}}}]
)
def test_what_is_not_allowed_is_forbidden(hall: Hall, patch: dict[str, Json]) -> None:
    """A server MUST reject any change it doesn't allow with a "forbidden" SetError."""
    for whose in (ANNA, BOB):
        assert "forbidden" == hall.refused("Principal/set", "update", {wire(whose): patch})["type"]


def test_nobody_makes_or_destroys_a_principal(hall: Hall) -> None:
    create = {"k": {"type": "individual", "name": "New"}}
    assert "forbidden" == hall.refused("Principal/set", "create", create)["type"]
    answered = hall.ask("Principal/set", destroy=[wire(ANNA), wire(BOB)])
    assert {"forbidden"} == {error["type"] for error in answered["notDestroyed"].values()}
    assert answered["destroyed"] is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "a" * 256,
        "é" * 128,
        "Bob\n",
        "Bob\x00",
        "\u202ebob",  # turns the text around
        "Bob\u2066",
        "B\u200bob",  # a space that shows nothing
        "Bob\ufeff",
        "\u3164",  # a letter that shows nothing
        "\u200d",  # joins nothing
        "\ufe0f",  # chooses the form of nothing
        "\u0301",  # stands above nothing
        "Bob\ue000",  # of no agreed meaning
        "\U000e0041",
        "Bob\uffff",
        5,
        None,
    ],
)
def test_a_name_that_could_deceive_is_refused(hall: Hall, name: Json) -> None:
    error = hall.refused("Principal/set", "update", {wire(ANNA): {"name": name}})
    assert ("invalidProperties", ["name"]) == (error["type"], error["properties"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("A\u030asa", "\u00c5sa"),  # one letter, and not two
        ("  Anna \u00a0 B\u3000 ", "Anna B"),
    ],
)
def test_a_name_is_kept_in_one_form_and_the_client_is_told(hall: Hall, given: str, kept: str) -> None:
    """JMAP allows the server to transform data, as long as any changed properties are returned."""
    answered = hall.ask("Principal/set", update={wire(ANNA): {"name": given}})
    assert {"name": kept} == answered["updated"][wire(ANNA)]
    assert kept == hall.one("Principal", wire(ANNA))["name"]


@pytest.mark.parametrize(
    "name", ["\u0646\u0627\u0645\u200c\u0647\u0627", "\U0001f469\u200d\U0001f680", "❤\ufe0f", "é" * 127]
)
def test_a_name_in_any_script_is_kept(hall: Hall, name: str) -> None:
    assert {wire(ANNA): None} == hall.ask("Principal/set", update={wire(ANNA): {"name": name}})["updated"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("description", "x" * 4001),
        ("description", "\u202ex"),
        ("description", 1),
        ("timeZone", "Europe/Atlantis"),
        ("timeZone", "../zones"),
        ("timeZone", ""),
    ],
)
def test_a_wrong_value_is_named(hall: Hall, name: str, value: Json) -> None:
    """The value MUST be a time zone name from the IANA Time Zone Database."""
    error = hall.refused("Principal/set", "update", {wire(ANNA): {name: value}})
    assert ("invalidProperties", [name]) == (error["type"], error["properties"])


def test_another_name_leaves_a_trail_without_the_name(hall: Hall) -> None:
    """Servers SHOULD keep logs of such changes to provide an audit trail."""
    with capture_logs() as lines:
        hall.ask("Principal/set", update={wire(ANNA): {"name": "Bob", "description": "x"}})
        hall.ask("Principal/set", update={wire(ANNA): {"name": "Bob", "timeZone": "UTC"}})
    assert [
        {"event": event, "log_level": "info", "account": 1, "principal": ANNA, "person": ANNA}
        for event in ("principals.renamed", "principals.described")
    ] == lines
