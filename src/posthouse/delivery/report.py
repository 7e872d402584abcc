"""Report: a delivery status notification to the sender of a letter (RFC 3464, RFC 6522; RFC 6533 for other scripts)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from email.utils import formatdate
from typing import Final

from posthouse.capabilities.submission import address
from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.delivery import outgoing, progress
from posthouse.delivery.progress import Action, Report

_MOST_RETURNED: Final = 1_000_000
"""Octets of a message that a notification gives back whole; of a larger one it gives the header."""
_WORDS: Final[dict[Action, tuple[str, str]]] = {
    "failed": ("Undelivered mail", "Your message could not be delivered to:"),
    "delayed": (
        "Delayed mail",
        "Your message could not be delivered yet. You need not send it again: it is tried further. It waits for:",
    ),
    "delivered": ("Delivered mail", "Your message was delivered to:"),
    "relayed": (
        "Relayed mail",
        "Your message was handed over to a server that tells no more about it, for:",
    ),
}
_STATUS: Final = re.compile(r"\d{3} ([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
_MESSAGE_ID: Final = re.compile(rb"^message-id[ \t]*:[ \t\r\n]*(<[!-~]{1,900}>)", re.I | re.M)


def write(letter: Letter, report: Report, message: bytes, host: str, now: int) -> bytes:
    """Write a notification.

    message: as it was sent. host: our name. now: Unix seconds.
    """
    subject, opening = _WORDS[report.action]
    is_global = not all(one.email.isascii() and (one.original or "").isascii() for one in report.recipients)
    whole = report.action == "failed" and letter.ret != "HDRS" and len(message) <= _MOST_RETURNED
    returned = message if whole else outgoing.header_of(message)
    boundary = f"report-{secrets.token_hex(16)}"
    head = [
        f"From: Mail Delivery System <postmaster@{host}>",
        f"To: <{address.on_the_wire(letter.mail_from)}>",
        f"Subject: {subject}",
        f"Date: {_date(now)}",
        f"Message-ID: <{secrets.token_hex(16)}@{host}>",
        *_references(message),
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="{boundary}"',
    ]
    parts = [
        _part("text/plain; charset=utf-8", "".join(_explained(opening, report)).encode()),
        _part(
            "message/global-delivery-status" if is_global else "message/delivery-status",
            _status(letter, report, host, is_global).encode(),
        ),
        _part(_type_of(returned, whole), returned),
    ]
    lines = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    return "\r\n".join([*head, "", ""]).encode() + lines + b"--%b--\r\n" % boundary.encode()


def _part(type: str, content: bytes) -> bytes:
    encoding = "7bit" if outgoing.is_ascii(content) else "8bit"
    return f"Content-Type: {type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + content


def _type_of(returned: bytes, whole: bool) -> str:
    if outgoing.is_ascii(outgoing.header_of(returned)):
        return "message/rfc822" if whole else "text/rfc822-headers"
    return "message/global" if whole else "message/global-headers"


def _explained(opening: str, report: Report) -> Iterator[str]:
    yield f"{opening}\r\n"
    for one in report.recipients:
        yield f"\r\n  {one.email}\r\n    {one.reply}\r\n"


def _status(letter: Letter, report: Report, host: str, is_global: bool) -> str:
    """Write the part for programs (RFC 3464 §2)."""
    of_message = [f"Reporting-MTA: dns; {host}", f"Arrival-Date: {_date(letter.arrived)}"]
    if letter.envid is not None:
        of_message.insert(0, f"Original-Envelope-Id: {letter.envid}")
    if letter.hold is not None:
        of_message.append(f"Future-Release-Request: {letter.hold}")
    blocks: list[Sequence[str]] = [of_message]
    until = letter.released + progress.PATIENCE
    blocks += [_of_recipient(one, report.action, until, is_global) for one in report.recipients]
    return "\r\n".join("".join(f"{field}\r\n" for field in block) for block in blocks)


def _of_recipient(one: Recipient, action: Action, until: int, is_global: bool) -> list[str]:
    kind = "utf-8" if is_global and not one.email.isascii() else "rfc822"
    fields = [f"Final-Recipient: {kind}; {one.email}", f"Action: {action}", f"Status: {_code(one, action)}"]
    if one.original is not None:
        fields.insert(0, f"Original-Recipient: {one.original.replace(';', '; ', 1)}")
    if one.host is not None:
        fields += [f"Remote-MTA: dns; {one.host}", f"Diagnostic-Code: smtp; {_ascii(one.reply)}"]
    if one.tried:
        fields.append(f"Last-Attempt-Date: {_date(one.tried)}")
    if action == "delayed":
        fields.append(f"Will-Retry-Until: {_date(until)}")
    return fields


def _code(one: Recipient, action: Action) -> str:
    """Give the enhanced status code, which is that of the reply where it has one that fits (RFC 3464 §2.3.4)."""
    first = {"failed": "5", "delayed": "4"}.get(action, "2")
    found = _STATUS.match(one.reply)
    return found[1] if found and found[1][0] == first else f"{first}.0.0"


def _references(message: bytes) -> list[str]:
    found = _MESSAGE_ID.search(outgoing.header_of(message))
    if found is None:
        return []
    id = found[1].decode("ascii")
    return [f"In-Reply-To: {id}", f"References: {id}"]


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")


def _date(seconds: int) -> str:
    return formatdate(seconds).replace("-0000", "+0000")
