"""Delivery status notifications, read back by the standard library as an independent judge (RFC 3464)."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import cast

from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.delivery import report
from posthouse.delivery.progress import Action, Report

MESSAGE = b"From: me@x.example\r\nMessage-ID: <1@x.example>\r\nSubject: Hi\r\n\r\nsecret body\r\n"


def recipient(**values: object) -> Recipient:
    plain = {"email": "ben@y.example", "reply": "550 5.1.1 unknown", "host": "mx.y.example", "tried": 86_400}
    return Recipient(**(plain | values))  # type: ignore[arg-type]


def written(*recipients: Recipient, action: Action = "failed", **values: object) -> EmailMessage:
    letter = Letter(
        **({"blob": "", "mail_from": "me@x.example", "recipients": [], "arrived": 0, "released": 0} | values)  # type: ignore[arg-type]
    )
    data = report.write(letter, Report(action, recipients or [recipient()]), MESSAGE, "h.example", 90_000)
    assert data.count(b"\n") == data.count(b"\r\n")
    parsed = cast(EmailMessage, email.message_from_bytes(data, policy=email.policy.default))
    assert [] == parsed.defects
    return parsed


def blocks(found: EmailMessage) -> list[dict[str, str]]:
    status = list(found.iter_parts())[1]
    payload = status.get_payload()
    if isinstance(payload, str):
        payload = [email.message_from_string(one) for one in payload.split("\r\n\r\n")]
    return [dict(cast(EmailMessage, block).items()) for block in cast("list[object]", payload)]


def test_a_failure_tells_people_and_programs_what_happened() -> None:
    found = written(envid="e1", hold="for;60")
    assert ("multipart/report", "delivery-status") == (
        found.get_content_type(),
        found.get_param("report-type"),
    )
    assert "me@x.example" == found["To"]
    assert ("<1@x.example>", "<1@x.example>", "auto-replied") == (
        found["In-Reply-To"],
        found["References"],
        found["Auto-Submitted"],
    )
    text, status, returned = found.iter_parts()
    assert "ben@y.example" in text.get_content() and "550 5.1.1 unknown" in text.get_content()
    assert "message/delivery-status" == status.get_content_type()
    of_message, of_recipient = blocks(found)
    assert {
        "Original-Envelope-Id": "e1",
        "Reporting-MTA": "dns; h.example",
        "Arrival-Date": "Thu, 01 Jan 1970 00:00:00 +0000",
        "Future-Release-Request": "for;60",
    } == of_message
    assert {
        "Final-Recipient": "rfc822; ben@y.example",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.y.example",
        "Diagnostic-Code": "smtp; 550 5.1.1 unknown",
        "Last-Attempt-Date": "Fri, 02 Jan 1970 00:00:00 +0000",
    } == of_recipient
    assert "message/rfc822" == returned.get_content_type()
    assert "secret body" in str(returned)


def test_only_the_header_goes_back_where_that_is_wanted_or_nothing_failed() -> None:
    for found in (written(ret="HDRS"), written(action="delayed")):
        returned = list(found.iter_parts())[2]
        assert "text/rfc822-headers" == returned.get_content_type()
        assert "Subject: Hi" in str(returned) and "secret body" not in str(returned)


def test_a_delay_says_until_when() -> None:
    one = recipient(reply="451 4.7.1 greylisted")
    block = blocks(written(one, action="delayed"))[1]
    assert ("delayed", "4.7.1") == (block["Action"], block["Status"])
    assert "Tue, 06 Jan 1970 00:00:00 +0000" == block["Will-Retry-Until"]


def test_success_has_a_status_of_success_whatever_the_reply_says() -> None:
    one = recipient(reply="250 queued as 5.1.1", original="rfc822;b@z.example")
    block = blocks(written(one, action="relayed"))[1]
    assert ("relayed", "2.0.0") == (block["Action"], block["Status"])
    assert "rfc822; b@z.example" == block["Original-Recipient"]


def test_other_scripts_have_their_own_form() -> None:
    """RFC 6533."""
    found = written(recipient(email="ü@y.example", reply="550 5.1.1 übel"))
    status = list(found.iter_parts())[1]
    assert "message/global-delivery-status" == status.get_content_type()
    text = status.as_bytes().decode()
    assert "Final-Recipient: utf-8; ü@y.example" in text
    assert "Diagnostic-Code: smtp; 550 5.1.1 ?bel" in text


def test_several_recipients_are_told_together() -> None:
    found = blocks(written(recipient(), recipient(email="c@y.example", host=None, tried=0)))
    assert ["rfc822; ben@y.example", "rfc822; c@y.example"] == [one["Final-Recipient"] for one in found[1:]]
    assert {"Final-Recipient", "Action", "Status"} == found[2].keys()
