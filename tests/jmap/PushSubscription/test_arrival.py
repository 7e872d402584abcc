"""The Emails that came into an account, as EmailPush objects (draft-ietf-jmap-emailpush-03, section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.kitchen import STORES
from mailroom.room import Room, message
from posthouse.capabilities.emailpush.arrival import Arrived, arrived, pushes
from posthouse.capabilities.mail import MAIL
from posthouse.engine.call import Reading
from posthouse.kit.json import Json, JsonObject, dumps, loads
from posthouse.model.registry import Registry
from posthouse.store.txn import Transaction

TYPES = Registry([MAIL]).types


@pytest.fixture(params=list(STORES))
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    with closing(Room(STORES[request.param], tmp_path)) as room:
        yield room


def found(
    room: Room, since: int = 0, filter: Json = None, properties: tuple[str, ...] = ("subject",)
) -> Arrived:
    config: JsonObject = {"filter": filter, "properties": list(properties), "urgency": "normal"}

    def unit(txn: Transaction) -> Arrived:
        return arrived(Reading(txn, room._blobs), since, config, TYPES)

    return room.read(unit)


def subjects(found: Arrived) -> list[str]:
    return [email["subject"] for email in found.emails]


def test_what_came_after_a_number_is_found_and_nothing_else(room: Room) -> None:
    room.imported(message("One"))
    until = found(room).until
    assert [] == found(room, until).emails
    id = room.imported(message("Two"))
    assert ["Two"] == subjects(found(room, until))
    room.ask("Email/set", update={id: {"keywords/$seen": True}})
    assert ["Two"] == subjects(found(room, until))
    later = found(room, until).until
    room.ask("Email/set", update={id: {"keywords/$flagged": True}})
    assert [] == found(room, later).emails
    room.ask("Email/set", destroy=[id])
    assert [] == found(room, until).emails


def test_the_state_is_that_of_email_get(room: Room) -> None:
    room.imported(message())
    assert room.ask("Email/get", ids=[])["state"] == found(room).state


def test_the_properties_are_those_of_email_get_in_the_order_that_was_asked_for(room: Room) -> None:
    names = (
        "preview",
        "from",
        "bodyStructure",
        "header:subject:asText",
        "id",
        "keywords",
        "textBody",
        "subject",
    )
    id = room.imported(message("Größe", "Some text.\n"))
    [pushed] = found(room, properties=names).emails
    assert list(names) == list(pushed)
    assert room.one("Email", id, *names) == pushed


def test_only_those_that_fit_the_filter_are_found(room: Room) -> None:
    inbox, junk = room.role["inbox"], room.role["junk"]
    room.imported(message("In", "the lazy dog\n"))
    room.imported(message("Out"), mailboxIds={junk: True})
    room.imported(message("Flagged"), mailboxIds={junk: True}, keywords={"$notify": True})
    assert ["In", "Out", "Flagged"] == subjects(found(room))
    assert ["In"] == subjects(found(room, filter={"inMailbox": inbox}))
    assert ["In"] == subjects(found(room, filter={"text": "lazy"}))
    assert [] == subjects(found(room, filter={"inMailbox": "m999"}))
    either = {"operator": "OR", "conditions": [{"inMailbox": inbox}, {"hasKeyword": "$notify"}]}
    assert ["In", "Flagged"] == subjects(found(room, filter=either))
    header = {"header": ["subject", "out"]}
    assert ["Out"] == subjects(found(room, filter=header))


def test_a_draft_is_not_delivered(room: Room) -> None:
    room.imported(message("Draft"), keywords={"$draft": True})
    assert [] == found(room).emails


def test_of_very_many_the_newest_are_told(room: Room) -> None:
    room.imported_all([message(str(number)) for number in range(60)])
    assert [str(number) for number in range(10, 60)] == subjects(found(room))


def test_a_number_that_the_account_has_not_reached_is_no_fault(room: Room) -> None:
    room.imported(message())
    until = found(room).until
    assert (until, []) == (found(room, 10**9).until, found(room, 10**9).emails)


EMAILS = st.lists(
    st.dictionaries(st.sampled_from(["subject", "from", "preview", "id"]), st.text(max_size=400), max_size=4),
    max_size=12,
)


@given(EMAILS, st.integers(200, 1500))
def test_each_message_fits_and_the_emails_stay_in_order(emails: list[dict[str, str]], most: int) -> None:
    written = pushes("a1", "s", emails, most)
    assert all(len(one) <= most for one in written)
    told = [email for one in written for email in loads(one)["emails"]]
    assert len(emails) == len(told)
    for email, pushed in zip(emails, told, strict=True):
        assert pushed.items() <= email.items()
        assert list(pushed) == [name for name in email if name in pushed]
        if pushed != email:
            # What was left out would not have fitted, not even alone with what stands before it.
            name = next(name for name in email if name not in pushed)
            before = {kept: pushed[kept] for kept in list(email)[: list(email).index(name)] if kept in pushed}
            alone = {
                "@type": "EmailPush",
                "accountId": "a1",
                "emails": [{**before, name: email[name]}],
                "state": "s",
            }
            assert len(dumps(alone)) > most


def test_emails_that_fit_together_are_one_message() -> None:
    assert 1 == len(pushes("a1", "s", [{"subject": "x"}] * 50, 3993))
    assert [] == pushes("a1", "s", [], 3993)
