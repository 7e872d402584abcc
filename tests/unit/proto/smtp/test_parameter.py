"""Parameters of MAIL and RCPT (RFC 5321 §4.1.2, RFC 3461, RFC 4865)."""

from __future__ import annotations

import pytest

from courier.conversation import Conversation, session
from posthouse.proto.smtp.event import MailFrom, RcptTo

HOUR = 3600


def submission() -> Conversation:
    talk = Conversation(session("submission", is_secure=True, mechanisms=("PLAIN",), max_hold=HOUR))
    talk.say(b"EHLO a\r\nAUTH PLAIN AAAA\r\n")
    return talk


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("SIZE=17", {"size": 17}),
        ("size=17 body=8bitmime", {"size": 17, "body": "8BITMIME"}),
        ("SMTPUTF8", {"smtputf8": True}),
        ("RET=HDRS ENVID=a+2Bb+3Dc", {"ret": "HDRS", "envid": "a+b=c"}),
        ("AUTH=<>", {"auth": "<>"}),
        ("AUTH=e+3Dmc2@b.example", {"auth": "e=mc2@b.example"}),
        ("HOLDFOR=3600", {"hold_for": HOUR}),
        ("HOLDUNTIL=1970-01-01T01:00:00Z", {"hold_until": HOUR}),
    ],
)
def test_parameters_of_mail_are_read(parameters: str, expected: dict[str, object]) -> None:
    talk = submission()
    assert [250] == talk.say(f"MAIL FROM:<> {parameters}  \r\n".encode())
    assert MailFrom(None, **expected) == talk.events[-1]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("SIZE", 501),
        ("SIZE=x", 501),
        ("SIZE=-1", 501),
        ("SIZE=" + "9" * 21, 501),
        ("SIZE=50000001", 552),
        ("SIZE=1 SIZE=1", 501),
        ("BODY=BINARYMIME", 501),
        ("SMTPUTF8=yes", 501),
        ("RET=ALL", 501),
        ("ENVID=a+b", 501),
        ("ENVID=a+0D+0Ab", 501),
        ("ENVID=", 501),
        ("ENVID=" + "x" * 101, 501),
        ("HOLDFOR=0", 501),
        ("HOLDFOR=3601", 501),
        ("HOLDUNTIL=1970-01-01T01:00:01Z", 501),
        ("HOLDUNTIL=1970-01-01T01:00:00+01:00", 501),
        ("HOLDUNTIL=1970-13-01T01:00:00Z", 501),
        ("HOLDFOR=1 HOLDUNTIL=1970-01-01T01:00:00Z", 501),
        ("MT-PRIORITY=3", 555),
        ("=x", 501),
        ("a b= c", 555),
    ],
)
def test_other_parameters_are_refused(parameters: str, code: int) -> None:
    assert [code, 250] == submission().say(f"MAIL FROM:<> {parameters}\r\nNOOP\r\n".encode())


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", {}),
        ("NOTIFY=NEVER", {"notify": frozenset({"NEVER"})}),
        ("NOTIFY=Success,DELAY", {"notify": frozenset({"SUCCESS", "DELAY"})}),
        ("ORCPT=rfc822;Bob+2Bx@b.example", {"orcpt": "rfc822;Bob+x@b.example"}),
        ("ORCPT=utf-8;grå@b.example", {"orcpt": "utf-8;grå@b.example"}),
    ],
)
def test_parameters_of_rcpt_are_read(parameters: str, expected: dict[str, object]) -> None:
    talk = submission()
    talk.say(b"MAIL FROM:<>\r\n")
    assert [250] == talk.say(f"RCPT TO:<c@d.example> {parameters}\r\n".encode())
    assert RcptTo(talk.events[-1].address, **expected) == talk.events[-1]  # type: ignore


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("NOTIFY=NEVER,SUCCESS", 501),
        ("NOTIFY=SUCCESS,SUCCESS", 501),
        ("NOTIFY=", 501),
        ("NOTIFY", 501),
        ("ORCPT=rfc822", 501),
        ("ORCPT=rfc822;a+0Ab", 501),
        ("ORCPT=rfc822;grå@b.example", 501),
        ("ORCPT=rfc822;" + "x" * 500, 501),
        ("SIZE=1", 555),
    ],
)
def test_other_parameters_of_rcpt_are_refused(parameters: str, code: int) -> None:
    talk = submission()
    talk.say(b"MAIL FROM:<>\r\n")
    assert [code] == talk.say(f"RCPT TO:<c@d.example> {parameters}\r\n".encode())


def test_who_says_helo_has_no_parameters() -> None:
    assert [250, 555] == Conversation().say(b"HELO a\r\nMAIL FROM:<> SIZE=1\r\n")


def test_only_submission_holds_messages() -> None:
    assert [250, 555] == Conversation(session(max_hold=HOUR)).say(b"EHLO a\r\nMAIL FROM:<> HOLDFOR=1\r\n")


def test_an_address_in_utf8_needs_smtputf8() -> None:
    talk = Conversation()
    codes = talk.say(
        "EHLO a\r\nMAIL FROM:<å@b.example>\r\nMAIL FROM:<>\r\nRCPT TO:<å@b.example>\r\n".encode()
    )
    assert [250, 553, 250, 553] == codes
    assert [250] == talk.say(b"RSET\r\n")
    codes = talk.say("MAIL FROM:<å@b.example> SMTPUTF8\r\nRCPT TO:<å@b.example>\r\n".encode())
    assert [250, 250] == codes
