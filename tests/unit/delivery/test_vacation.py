"""Who is away answers whom, once, and how (RFC 8621 §8, RFC 3834, RFC 5230)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from posthouse.capabilities.submission import letter
from posthouse.capabilities.submission.letter import Letter
from posthouse.capabilities.vacation.response import vacation_response
from posthouse.delivery.judge import Verdict
from posthouse.delivery.received import Envelope
from posthouse.formats import mime
from posthouse.kit import clock
from posthouse.kit.json import Json
from posthouse.store.txn import Transaction
from postoffice.office import FROM_FAR, PostOffice

ADA = "ada@near.example"
START = 1_700_000_000
DAY = 86_400


class Clock:
    def __init__(self) -> None:
        self.seconds = float(START)

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    now = Clock()
    monkeypatch.setattr(clock, "now", now)
    return now


@pytest.fixture
def town(office: PostOffice, time: Clock) -> PostOffice:
    office.app.people.add(ADA, None)
    office.app.aliases.add("info@near.example", ADA)
    away(office, isEnabled=True, textBody="I am at sea.")
    return office


def away(office: PostOffice, **settings: Json) -> None:
    def unit(txn: Transaction) -> None:
        [(id, old)] = txn.values(vacation_response).items()
        txn.update(vacation_response, id, old, old | settings)

    office.write(ADA, unit)


def message(to: str = f"Ada <{ADA}>", **fields: str) -> bytes:
    lines = {"From": "Ann <ann@far.example>", "To": to, "Subject": "Hello", "Message-ID": "<m1@far.example>"}
    lines |= {name.replace("_", "-"): value for name, value in fields.items()}
    return (
        "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\nHow are you?\r\n"
    ).encode()


def answers(office: PostOffice) -> list[Letter]:
    return [letter.of(job) for job in office.write(ADA, lambda txn: txn.jobs(letter.KIND))]


def test_an_answer_says_what_it_is_and_what_it_is_about(town: PostOffice) -> None:
    town.deliver(message(References="<m0@far.example>"), ADA)
    [sent] = answers(town)
    assert ("", ["ann@far.example"], ["NEVER"], START) == (
        sent.mail_from,
        [one.email for one in sent.recipients],
        sent.recipients[0].notify,
        sent.released,
    )
    written = town.app.blobs.read(bytes.fromhex(sent.blob))
    fields = {one.name: one.value.strip() for one in mime.parse(written).headers}
    assert {
        "From": ADA,
        "To": "ann@far.example",
        "Subject": "Auto: Hello",
        "Auto-Submitted": "auto-replied (vacation)",
        "In-Reply-To": "<m1@far.example>",
        "References": "<m0@far.example> <m1@far.example>",
        "Date": "Tue, 14 Nov 2023 22:13:20 +0000",
    }.items() <= fields.items()
    assert fields["Message-ID"].endswith("@mx.near.example>")
    assert written.endswith(b"\r\nI am at sea.")


def test_a_subject_and_both_bodies_are_what_was_set(town: PostOffice) -> None:
    away(town, subject="At sea", htmlBody="<p>I am at sea.")
    town.deliver(message(), ADA)
    written = mime.parse(town.app.blobs.read(bytes.fromhex(answers(town)[0].blob)))
    assert "At sea" == next(one.value for one in written.headers if one.name == "Subject").strip()
    assert ["text/plain", "text/html"] == [part.type for part in written.root.sub_parts]


def test_a_sender_is_answered_once_in_a_week_and_again_when_the_answer_changes(
    town: PostOffice, time: Clock
) -> None:
    counts = []
    for _ in range(9):
        town.deliver(message(), ADA)
        time.seconds += DAY
        counts.append(len(answers(town)))
    assert [1, 1, 1, 1, 1, 1, 1, 2, 2] == counts
    away(town, textBody="I am still at sea.")
    town.deliver(message(), ADA, times=5)
    assert 3 == len(answers(town))
    town.deliver(message(), ADA, envelope=replace(FROM_FAR, mail_from="ANN@far.example"))
    town.deliver(message(), ADA, envelope=replace(FROM_FAR, mail_from="bea@far.example"))
    assert 4 == len(answers(town))


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"isEnabled": False}, 0),
        ({"fromDate": clock.utc_date(START)}, 1),
        ({"fromDate": clock.utc_date(START + 1)}, 0),
        ({"toDate": clock.utc_date(START)}, 0),
        ({"fromDate": clock.utc_date(START - 1), "toDate": clock.utc_date(START + 1)}, 1),
    ],
)
def test_only_who_is_away_answers(town: PostOffice, settings: dict[str, Json], count: int) -> None:
    away(town, **settings)
    town.deliver(message(), ADA)
    assert count == len(answers(town))


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "MAILER-DAEMON@far.example",
        "owner-list@far.example",
        "list-request@far.example",
        "list-bounces@far.example",
        "no-reply@far.example",
        ADA,
        "Info+x@near.example",
    ],
)
def test_machines_and_oneself_are_not_answered(town: PostOffice, sender: str) -> None:
    town.deliver(message(), ADA, envelope=replace(FROM_FAR, mail_from=sender))
    assert [] == answers(town)


@pytest.mark.parametrize(
    "fields",
    [
        {"List_Id": "<l.example>"},
        {"LIST_unsubscribe": "<mailto:x@far.example>"},
        {"Auto_Submitted": "auto-replied"},
        {"Auto-Submitted": "auto-generated; x=y"},
        {"Precedence": "Bulk"},
        {"X-Auto-Response-Suppress": "All"},
        {"to": "undisclosed-recipients:;"},
        {"to": "everybody@far.example"},
    ],
)
def test_what_no_person_wrote_to_this_one_is_not_answered(town: PostOffice, fields: dict[str, str]) -> None:
    town.deliver(message(**fields), ADA)
    assert [] == answers(town)


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"Auto-Submitted": "NO"}, ADA),
        ({"to": "x@far.example", "Cc": "y@far.example, Info@near.example"}, "Info@near.example"),
        ({"to": "x@far.example", "Resent-To": "ada+x@near.example"}, "ada+x@near.example"),
    ],
)
def test_it_is_answered_from_the_address_that_was_written_to(
    town: PostOffice, fields: dict[str, str], at: str
) -> None:
    town.deliver(message(**fields), ADA)
    written = mime.parse(town.app.blobs.read(bytes.fromhex(answers(town)[0].blob)))
    assert at == next(one.value for one in written.headers if one.name == "From").strip()


def test_junk_is_not_answered(town: PostOffice) -> None:
    class Stern:
        async def judge(self, envelope: Envelope, data: bytes) -> Verdict:
            return Verdict(is_junk=True)

    town.judge = Stern()
    town.deliver(message(), ADA)
    assert [] == answers(town)


def test_an_answer_that_cannot_be_written_keeps_no_message_out(town: PostOffice) -> None:
    away(town, subject="a\nb")
    town.deliver(message(), ADA)
    assert 1 == len(town.emails(ADA))
