"""Signing what we send: DKIM with one key or more (RFC 6376 §5, RFC 8463 §3)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from typing import Final

from posthouse.proto.mailauth.dkim import header_digest
from posthouse.proto.mailauth.key import SigningKey
from posthouse.proto.mailauth.letter import Field, Letter

_ALWAYS: Final = (
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "mime-version",
    "content-type",
)
"""Signed once more than they are there, so that nobody can add one (RFC 6376 §5.4.2, §8.15)."""
_IF_THERE: Final = (
    "sender",
    "content-transfer-encoding",
    "in-reply-to",
    "references",
    "list-id",
    "list-help",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-subscribe",
    "list-post",
    "list-owner",
    "list-archive",
)
_LINE: Final = 76
_PIECE: Final = re.compile(r" ?[^ :]*:?")  # where lines may be broken: before a tag, and behind a colon in h=


class NotSignable(ValueError):
    """The message can't be signed: its header is malformed, or has not one From."""


def sign(letter: Letter, keys: Iterable[SigningKey], now: int) -> bytes:
    """Write a ``DKIM-Signature`` field for each key, relaxed/relaxed, to be put before the message.

    Raises `NotSignable` if the message has a header that no verifier would trust.

    :param letter: the message as it will be sent, with CRLF.
    :param now: Unix seconds.
    """
    require_signable(letter)
    signed = names_to_sign(letter)
    return b"".join(_signature(letter, key, signed, now) for key in keys)


def require_signable(letter: Letter) -> None:
    """Raise `NotSignable` unless the header is sound and has one From."""
    if not letter.is_sound or len(letter.named("from")) != 1:
        raise NotSignable("malformed header")


def names_to_sign(letter: Letter) -> list[str]:
    """List the names for h=: all fields of content, the important ones once more than there are (RFC 6376 §5.4.1)."""
    return [
        name
        for names, more in ((_ALWAYS, 1), (_IF_THERE, 0))
        for name in names
        for _ in range(len(letter.named(name)) + more)
    ]


def _signature(letter: Letter, key: SigningKey, signed: Sequence[str], now: int) -> bytes:
    tags = {
        "v": "1",
        "a": key.algorithm,
        "c": "relaxed/relaxed",
        "d": key.domain,
        "s": key.selector,
        "t": str(now),
    }
    return sign_message(letter, "DKIM-Signature", tags, key, signed).raw


def sign_message(
    letter: Letter, name: str, tags: dict[str, str], key: SigningKey, signed: Sequence[str]
) -> Field:
    """Make a field that signs header and body in the relaxed form.

    :param name: of the field.
    :param tags: all of it but h=, bh= and b=.
    :param signed: names of the fields to sign, in lower case.
    """
    body = base64.b64encode(letter.body(relaxed=True).value).decode()
    unsigned = write_field(name, tags | {"h": ":".join(signed), "bh": body, "b": ""})
    return with_b(unsigned, key.sign(header_digest(letter, signed, unsigned, relaxed=True)))


def write_field(name: str, tags: dict[str, str]) -> Field:
    """Write a field of tags, one behind the other as lines have room; b= is the last and begins a line."""
    lines = [f"{name}:"]
    for piece in _PIECE.findall("".join(f" {tag}={value};" for tag, value in tags.items() if tag != "b")):
        if len(lines[-1]) + len(piece) <= _LINE:
            lines[-1] += piece
        else:
            lines.append("\t" + piece.lstrip(" "))
    raw = ("\r\n".join(lines) + "\r\n\tb=\r\n").encode("ascii")
    return Field(name.lower(), raw, raw[len(name) + 1 :])


def with_b(field: Field, signature: bytes) -> Field:
    """Fill in the signature of a field whose b= is empty and stands last."""
    text = base64.b64encode(signature)
    folded = b"\r\n\t ".join(text[at : at + _LINE - 4] for at in range(0, len(text), _LINE - 4)) + b"\r\n"
    return Field(
        field.name, field.raw.removesuffix(b"\r\n") + folded, field.value.removesuffix(b"\r\n") + folded
    )
