"""A letter as it is meant, and its bytes as a mail program would write them (RFC 5322, RFC 2045)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from email import base64mime, quoprimime
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime
from html import escape

from posthouse.app.sample.person import Person
from posthouse.app.sources.item import Path

_POLICY = compat32.clone(linesep="\r\n", mangle_from_=False)
_FLOW_WIDTH = 72
_WORD_BYTES = 30  # before encoding, which makes three of each in the worst case


@dataclass(frozen=True, slots=True)
class File:
    """An attachment, or a picture in the text if it has a ``content_id``."""

    name: str
    media_type: str
    data: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message before it is written down.

    ``at``: Unix seconds. ``text`` and ``html``: either or both. ``calendar``: an invitation beside the text.
    ``references``: the message ids of the conversation so far, oldest first, without brackets.
    ``arrived``: whether it came from outside, which its header shows.
    """

    sender: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...] = ()
    subject: str
    at: int
    mailbox: Path
    keywords: frozenset[str] = frozenset()
    text: str = ""
    html: str = ""
    calendar: str = ""
    files: tuple[File, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    message_id: str
    references: tuple[str, ...] = ()
    arrived: bool = True
    flowed: bool = False


def write(letter: Letter) -> bytes:
    """Write a letter as a message; the same letter always gives the same bytes."""
    message = _body(letter)
    content = list(message.items())
    for name, _ in content:
        del message[name]
    if letter.arrived:
        domain = letter.sender.address.partition("@")[2]
        number = 1 + hashlib.sha256(letter.message_id.encode()).digest()[0] % 250
        message["Return-Path"] = f"<{letter.sender.address}>"
        message["Received"] = (
            f"from mx.{domain} (mx.{domain} [192.0.2.{number}])\n\t"
            f"by mail.example.org with ESMTPS id {number:06x};\n\t{_date(letter.at + 3)}"
        )
    message["Date"] = _date(letter.at)
    message["From"] = _address(letter.sender)
    for name, people in (("To", letter.to), ("Cc", letter.cc)):
        if people:
            message[name] = ",\n ".join(map(_address, people))
    message["Subject"] = _words(letter.subject, letter.sender.charset)
    message["Message-ID"] = f"<{letter.message_id}>"
    if letter.references:
        message["In-Reply-To"] = f"<{letter.references[-1]}>"
        message["References"] = "\n ".join(f"<{reference}>" for reference in letter.references)
    for name, value in letter.headers:
        message[name] = value
    message["MIME-Version"] = "1.0"
    for name, value in content:
        message[name] = value
    return message.as_bytes(policy=_POLICY)


def as_html(text: str) -> str:
    """Write plain paragraphs as a small HTML page."""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    return f"<html><body>{paragraphs}</body></html>".replace("\n", "<br>\n")


def _body(letter: Letter) -> Message:
    charset = letter.sender.charset
    forms = []
    if letter.text:
        forms.append(_text(letter.text, "plain", charset, flowed=letter.flowed))
    if letter.html:
        pictures = [_file(file) for file in letter.files if file.content_id]
        html = _text(letter.html, "html", charset)
        forms.append(_multipart(letter, "related", [html, *pictures]) if pictures else html)
    if letter.calendar:
        invitation = _text(letter.calendar.replace("\r\n", "\n"), "calendar", "utf-8")
        invitation.set_param("method", "REQUEST")
        forms.append(invitation)
    body = forms[0] if len(forms) == 1 else _multipart(letter, "alternative", forms)
    attached = [_file(file) for file in letter.files if not file.content_id]
    return _multipart(letter, "mixed", [body, *attached]) if attached else body


def _multipart(letter: Letter, subtype: str, parts: list[Message]) -> Message:
    mark = hashlib.sha256(f"{subtype} {letter.message_id}".encode()).hexdigest()[:24]
    message = Message()
    message["Content-Type"] = f'multipart/{subtype}; boundary="=_{mark}"'
    for part in parts:
        message.attach(part)
    if not parts:
        message.set_payload([])
    return message


def _text(text: str, subtype: str, charset: str, *, flowed: bool = False) -> Message:
    """Write a text part in the charset if that has all the characters, else in UTF-8."""
    if flowed:
        text = _flow(text)
    text = text if text.endswith("\n") else f"{text}\n"
    try:
        data = text.encode(charset)
    except UnicodeEncodeError:
        charset, data = "utf-8", text.encode()
    if data.isascii() and all(len(line) < 990 for line in data.split(b"\n")):
        charset, encoding, payload = "us-ascii", "7bit", data
    elif sum(byte > 127 for byte in data) * 4 > len(data):
        encoding, payload = "base64", base64.encodebytes(data.replace(b"\n", b"\r\n"))
    else:
        encoding, payload = "quoted-printable", binascii.b2a_qp(data, istext=True)
    part = Message()
    part["Content-Type"] = f'text/{subtype}; charset="{charset}"' + ("; format=flowed" if flowed else "")
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(payload.decode("ascii"))
    return part


def _file(file: File) -> Message:
    part = Message()
    part["Content-Type"] = file.media_type
    part["Content-Transfer-Encoding"] = "base64"
    if file.content_id:
        part["Content-ID"] = f"<{file.content_id}>"
    # A name outside ASCII is written as RFC 2231 has it.
    name = file.name if file.name.isascii() else ("utf-8", "", file.name)
    part.add_header("Content-Disposition", "inline" if file.content_id else "attachment", filename=name)
    part.set_payload(base64.encodebytes(file.data).decode("ascii"))
    return part


def _address(person: Person) -> str:
    name = person.name if person.name.isascii() else _words(person.name, person.charset)
    return f"{name} <{person.address}>"


def _words(text: str, charset: str) -> str:
    """Write text as encoded words (RFC 2047 §2), none of which ends inside a character."""
    if text.isascii():
        return text
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        charset = "utf-8"
    pieces = [b""]
    for character in text:
        encoded = character.encode(charset)
        if len(pieces[-1]) + len(encoded) > _WORD_BYTES:
            pieces.append(b"")
        pieces[-1] += encoded
    mostly_ascii = sum(character.isascii() for character in text) * 2 > len(text)
    encode = quoprimime.header_encode if mostly_ascii else base64mime.header_encode
    return "\n ".join(encode(piece, charset) for piece in pieces)


def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _flow(text: str) -> str:
    """Wrap paragraphs as format=flowed: a space before each line end that is not one (RFC 3676 §4)."""
    lines = []
    for line in text.split("\n"):
        if line == "-- ":  # the signature's separator keeps its space and is not flowed (§4.3)
            lines.append(line)
            continue
        quote = line[: len(line) - len(line.lstrip("> "))] if line.startswith(">") else ""
        width = _FLOW_WIDTH - len(quote)
        parts = textwrap.wrap(line[len(quote) :], width, break_long_words=False) or [""]
        # Without a quote a line must not look like one, nor like the start of an mbox message (§4.4).
        stuffing = [" " if not quote and part.startswith((">", " ", "From ")) else quote for part in parts]
        flowed = [f"{start}{part}" for start, part in zip(stuffing, parts, strict=True)]
        lines += [f"{part} " for part in flowed[:-1]] + flowed[-1:]
    return "\n".join(lines)
