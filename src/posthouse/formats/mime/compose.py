"""Composing: a message of values, as Email/set creates one (RFC 8621 §4.6)."""

from __future__ import annotations

import re
import secrets
from binascii import b2a_qp
from dataclasses import dataclass
from urllib.parse import quote

import pybase64

from posthouse.formats.mime.parameter import media_type
from posthouse.formats.mime.writer import HeaderValue, fold, write_field

_TYPE = re.compile(r"[!#$%&'*+.^_`|{}~0-9A-Za-z-]+/[!#$%&'*+.^_`|{}~0-9A-Za-z-]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|{}~0-9A-Za-z-]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# What no 7bit or 8bit body holds: NUL, a line break that is no CRLF, a line of more than 998 octets.
_NOT_LINES = re.compile(rb"\0|\r(?!\n)|(?<!\r)\n|[^\r\n]{999}")
_PLAIN_PARAMETER = 60
_SECTION = 50
_LONGEST_NAME = 4096


@dataclass(frozen=True, slots=True)
class HeaderInput:
    """One header field to write: its name, a form such as ``Addresses``, and the value in that form.

    The form ``Raw`` writes the value as it is after the colon, the usual leading space included.
    """

    name: str
    form: str
    value: HeaderValue


@dataclass(frozen=True, slots=True)
class PartInput:
    """One body part to write: an EmailBodyPart with its content (RFC 8621 §4.1.4).

    ``content`` is text, written in UTF-8; or octets, for which ``charset`` may be given; or None for a
    ``multipart/*`` that has ``sub_parts``. ``headers`` holds further fields; a Content-Type among them, in
    Raw form, stands for `type`.
    """

    type: str
    content: str | bytes | None = None
    charset: str | None = None
    name: str | None = None
    disposition: str | None = None
    cid: str | None = None
    language: tuple[str, ...] = ()
    location: str | None = None
    headers: tuple[HeaderInput, ...] = ()
    sub_parts: tuple[PartInput, ...] = ()


@dataclass(frozen=True, slots=True)
class ComposeInput:
    """A message to write: its header fields in order, Message-ID and Date among them, and its body."""

    headers: tuple[HeaderInput, ...]
    body: PartInput


def compose(email: ComposeInput) -> bytes:
    """Write a message with CRLF line ends.

    ``MIME-Version`` is added. Text goes out as 7bit if it can, else as quoted-printable or base64, whichever
    is shorter; other content as base64, but for messages, whose lines are kept. Octets given are read back as
    they are.

    :raises ValueError: a field or part cannot be written: see `writer.write_field`; a type is malformed, or a
        multipart and only a multipart lacks content.
    """
    fields = [write_field(header.name, header.form, header.value) for header in email.headers]
    if not any(header.name.lower() == "mime-version" for header in email.headers):
        fields.append(b"MIME-Version: 1.0\r\n")
    return b"".join((*fields, _part(email.body)))


def _part(part: PartInput) -> bytes:
    """Write the header and body of a part."""
    type_, parameters, others = _content_type(part)
    if type_.startswith("multipart/"):
        if part.content is not None or not part.sub_parts:
            raise ValueError("a multipart has parts and no content")
        boundary, body = _multipart([_part(child) for child in part.sub_parts])
        parameters["boundary"] = boundary
        encoding = None
    else:
        if part.content is None or part.sub_parts:
            raise ValueError("a part has content and no parts")
        if isinstance(part.content, str):
            parameters["charset"] = "utf-8"
        elif part.charset:
            parameters["charset"] = part.charset
        encoding, body = _encode(part.content, type_)
    if part.name and part.disposition is None:
        parameters["name"] = part.name
    fields = [_parametrised("Content-Type", type_, parameters)]
    if part.disposition is not None:
        filename = {"filename": part.name} if part.name else {}
        fields.append(_parametrised("Content-Disposition", _checked_token(part.disposition), filename))
    if part.cid is not None:
        fields.append(write_field("Content-ID", "MessageIds", [part.cid]))
    if part.language:
        tags = [_checked_token(tag) for tag in part.language]
        fields.append(fold("Content-Language", [(" ", tag) for tag in ", ".join(tags).split(" ")]))
    if part.location is not None:
        fields.append(write_field("Content-Location", "Text", part.location))
    fields += [write_field(header.name, header.form, header.value) for header in others]
    if encoding is not None:
        fields.append(f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii"))
    return b"".join((*fields, b"\r\n", body))


def _content_type(part: PartInput) -> tuple[str, dict[str, str], list[HeaderInput]]:
    """Return type and parameters of a part, and its further fields without Content-Type."""
    type_ = part.type.lower()
    parameters: dict[str, str] = {}
    others = []
    for header in part.headers:
        name = header.name.lower()
        if name == "content-transfer-encoding":
            raise ValueError("Content-Transfer-Encoding must not be given (RFC 8621 §4.6)")
        if name == "content-type" and isinstance(header.value, str):
            found = media_type(header.value)
            if found is None:
                raise ValueError("malformed Content-Type")
            type_, parameters = found
        else:
            others.append(header)
    if not _TYPE.fullmatch(type_):
        raise ValueError("malformed type of a part")
    return type_, parameters, others


def _multipart(parts: list[bytes]) -> tuple[str, bytes]:
    """Join parts by a boundary that occurs in none of them, nor can be guessed (RFC 2046 §5.1.1)."""
    while True:
        # "=_" can stand in neither quoted-printable nor base64 (RFC 2045 §6.7).
        boundary = f"=_{secrets.token_hex(16)}"
        delimiter = f"--{boundary}".encode("ascii")
        if not any(delimiter in part for part in parts):
            break
    lines = [b"%s\r\n%s\r\n" % (delimiter, part) for part in parts]
    return boundary, b"".join((*lines, delimiter, b"--\r\n"))


def _encode(content: str | bytes, type_: str) -> tuple[str, bytes]:
    """Choose a transfer encoding and apply it."""
    is_text = isinstance(content, str) or type_.startswith("text/")
    if isinstance(content, str):
        content = content.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "replace")
    is_message = type_ in ("message/rfc822", "message/global")
    if (is_text or is_message) and not _NOT_LINES.search(content):
        if content.isascii():
            return "7bit", content
        if is_message:
            return "8bit", content  # nothing else is allowed for it (RFC 2046 §5.2.1)
    if is_text:
        # Each octet that is not printable costs two more in quoted-printable, a third of one in base64.
        printable = len(content.translate(None, _NOT_PRINTABLE))
        if (len(content) - printable) * 6 <= len(content):
            return "quoted-printable", _quoted_printable(content)
    return "base64", _base64(content)


_NOT_PRINTABLE = bytes({*range(256)} - {*range(32, 127), 9, 10, 13} | {ord("=")})


def _quoted_printable(content: bytes) -> bytes:
    """Encode lines that end in CRLF; any other line break is part of a line and escaped (RFC 2045 §6.7)."""
    lines = [b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n") for line in content.split(b"\r\n")]
    return b"\r\n".join(lines)


def _base64(content: bytes) -> bytes:
    packed = pybase64.b64encode(content)
    return b"\r\n".join([packed[at : at + 76] for at in range(0, len(packed), 76)]) + b"\r\n"


def _checked_token(word: str) -> str:
    if not _TOKEN.fullmatch(word) or len(word) > _PLAIN_PARAMETER:
        raise ValueError(f"no MIME token: {word!r}")
    return word


def _parametrised(name: str, value: str, parameters: dict[str, str]) -> bytes:
    """Write a field ``value; parameter=...``, each parameter encoded as it needs (RFC 2231)."""
    words = [(" ", value)]
    for parameter, text in parameters.items():
        for section in _sections(_checked_token(parameter), _CONTROL.sub("", text)):
            space, last = words[-1]
            words[-1] = (space, last + ";")
            words.append((" ", section))
    return fold(name, words)


def _sections(name: str, text: str) -> list[str]:
    """Write one parameter: quoted if it is short ASCII, else percent-encoded UTF-8 in sections."""
    if text.isascii() and len(text) <= _PLAIN_PARAMETER and "=?" not in text:
        if name != "boundary" and _TOKEN.fullmatch(text):
            return [f"{name}={text}"]
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return [f'{name}="{escaped}"']
    if len(text) > _LONGEST_NAME:
        raise ValueError(f"the parameter {name} is too long")
    chunks = [""]
    for character in text:
        escaped = quote(character.encode("utf-8", "replace"), safe="!#$&+-.^_`{}~")
        if len(chunks[-1]) + len(escaped) > _SECTION:
            chunks.append("")
        chunks[-1] += escaped
    chunks[0] = f"utf-8''{chunks[0]}"
    if len(chunks) == 1:
        return [f"{name}*={chunks[0]}"]
    return [f"{name}*{index}*={chunk}" for index, chunk in enumerate(chunks)]
