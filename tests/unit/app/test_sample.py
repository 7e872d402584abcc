"""The sample mailbox: the same each time, varied, and correct mail."""

from __future__ import annotations

import email
import email.policy
import re
import unicodedata
from collections import Counter
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import cache

import pytest

from posthouse.app import sample
from posthouse.app.sample import SampleMessage
from posthouse.app.sources import role_of

OWNER, FRIEND, NOW = "demo@example.org", "friend@example.org", 1_795_000_000
YEAR = 365 * 86400


@cache
def everything() -> tuple[SampleMessage, ...]:
    return tuple(sample.messages(OWNER, FRIEND, NOW))


@cache
def parsed() -> tuple[EmailMessage, ...]:
    policy = email.policy.default.clone(raise_on_defect=False)
    found = [email.message_from_bytes(message.data, policy=policy) for message in everything()]
    return tuple(message for message in found if isinstance(message, EmailMessage))


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert list(everything()) == list(sample.messages(OWNER, FRIEND, NOW))


@pytest.mark.parametrize("count", [0, 1, 20, 400, 1000])
def test_there_are_as_many_as_asked_for_and_no_two_alike(count: int) -> None:
    made = list(sample.messages(OWNER, FRIEND, NOW, count))
    assert count == len(made)
    assert count == len({message.data for message in made})


def test_quotes_tell_of_what_was_written_before() -> None:
    quoting = 0
    for message in parsed():
        body = message.get_body(("plain",))
        text = "" if body is None else body.get_content()
        for quoted in re.findall(r"^On (.+? [+-]0000), .+ wrote:", text, re.MULTILINE):
            quoting += 1
            assert parsedate_to_datetime(quoted) < parsedate_to_datetime(str(message["Date"]))
    assert quoting > 20


def test_message_ids_are_unique() -> None:
    assert 1 == max(Counter(str(message["Message-ID"]) for message in parsed()).values())


def test_they_lie_in_the_year_before_now_in_order() -> None:
    times = [message.received_at for message in everything()]
    assert sorted(times) == times
    assert NOW - YEAR <= times[0] < NOW - YEAR // 2
    assert NOW - 2 * 86400 < times[-1] <= NOW


def test_date_and_received_agree_with_the_time_of_arrival() -> None:
    for made, message in zip(everything(), parsed(), strict=True):
        sent = message["Date"].datetime.timestamp()
        assert sent <= made.received_at <= sent + 3


def test_nothing_in_them_is_a_defect_and_every_text_can_be_read() -> None:
    for message in parsed():
        for name, value in message.items():
            assert () == value.defects, (name, value)
        for part in message.walk():
            assert [] == part.defects
            if part.get_content_maintype() == "text" and isinstance(part, EmailMessage):
                assert "\ufffd" not in part.get_content()


def test_lines_are_crlf_and_short_enough() -> None:
    for message in everything():
        assert message.data.count(b"\r\n") == message.data.count(b"\n") == message.data.count(b"\r")
        assert max(map(len, message.data.split(b"\r\n"))) <= 998
        assert message.data.isascii()


def test_answers_refer_to_messages_that_are_there() -> None:
    ids = {str(message["Message-ID"]) for message in parsed()}
    answers = [message for message in parsed() if message["In-Reply-To"]]
    assert len(answers) > 100
    for message in answers:
        references = str(message["References"]).split()
        assert str(message["In-Reply-To"]) == references[-1]
        assert ids.issuperset(references)


def test_every_usual_mailbox_and_a_nested_one_has_mail() -> None:
    mailboxes = {message.mailbox for message in everything()}
    roles = {role_of(mailbox) for mailbox in mailboxes}
    assert roles >= {"inbox", "sent", "drafts", "junk", "trash", "archive"}
    assert mailboxes >= {("Projects",), ("Projects", "Posthouse"), ("Travel",)}


def test_the_kinds_of_mail_that_clients_must_show_are_there() -> None:
    types = {part.get_content_type() for message in parsed() for part in message.walk()}
    assert types >= {
        "text/plain", "text/html", "text/csv", "text/calendar", "image/png", "application/pdf",
        "multipart/mixed", "multipart/alternative", "multipart/related",
    }  # fmt: skip
    charsets = {part.get_content_charset() for message in parsed() for part in message.walk()}
    assert charsets >= {"us-ascii", "utf-8", "iso-8859-1", "iso-8859-2", "shift_jis", "koi8-r", "gb2312"}
    assert any(part.get_param("format") == "flowed" for message in parsed() for part in message.walk())
    assert any(message["List-Id"] for message in parsed())


@pytest.mark.parametrize(
    "script", ["CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "HANGUL", "THAI", "DEVANAGARI"]
)
def test_every_script_is_there_in_a_subject(script: str) -> None:
    letters = {letter for message in parsed() for letter in str(message["Subject"])}
    assert any(unicodedata.name(letter, "").startswith(script) for letter in letters)


@pytest.mark.parametrize("letter", "éüñóı¿→")
def test_latin_letters_with_marks_are_there_in_subjects_and_names(letter: str) -> None:
    assert any(letter in f"{message['Subject']} {message['From']}" for message in parsed())


def test_a_file_name_outside_ascii_can_be_read() -> None:
    names = {part.get_filename() for message in parsed() for part in message.iter_attachments()}
    assert "测试结果.csv" in names


def test_only_reserved_domains_are_named() -> None:
    for message in everything():
        for domain in re.findall(rb"[@/]((?:[a-z0-9-]+\.)+[a-z]{2,})\b(?![.\w]*\.(?:py|txt))", message.data):
            assert domain.endswith(
                (b".example", b"example.org", b"example.com", b"example.net", b".invalid")
            ), domain


def test_the_friend_writes_and_drafts_and_spam_are_marked() -> None:
    assert any(FRIEND in str(message["From"]) for message in parsed())
    for message in everything():
        assert (role_of(message.mailbox) == "drafts") == ("$draft" in message.keywords)
        assert (role_of(message.mailbox) == "junk") == ("$junk" in message.keywords)
    unread = [message for message in everything() if "$seen" not in message.keywords]
    assert 10 < len(unread) < 150


def test_flowed_text_gives_back_its_paragraphs() -> None:
    flowed = [message for message in parsed() if message.get_param("format") == "flowed"]
    assert flowed
    for message in flowed:
        for line in message.get_content().split("\n"):
            assert len(line) <= 78 or " " not in line.strip()
