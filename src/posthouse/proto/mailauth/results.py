"""Authentication-Results: what we found out about a message, written into it (RFC 8601)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from posthouse.proto.mailauth import arc, dkim, dmarc, domain, spf
from posthouse.proto.mailauth.letter import Letter

_NAME: Final = "authentication-results"
_ATOM: Final = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~.-]+")
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
_MAX_LOCAL: Final = 256
_MAX_FIELD: Final = 16 * 1024  # octets within which a field must say whose it is
_ID: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"|([^\s;()"]++)', re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All that was found out about a message.

    :ivar sender: the address of MAIL FROM, empty for the null reverse-path.
    :ivar mail_from: what SPF says of it, or of HELO for the null reverse-path.
    :ivar helo: what SPF says of HELO beside that; None if it was not asked.
    :ivar signatures: what came of each of DKIM; empty if there is none.
    :ivar author: what DMARC says.
    :ivar chain: what ARC says.
    """

    sender: str
    mail_from: spf.Verdict
    helo: spf.Verdict | None
    signatures: Sequence[dkim.Signed]
    author: dmarc.Verdict
    chain: arc.Chain


def write_field(authserv_id: str, results: Results) -> bytes:
    """Write the field that is put before the message, folded, with its line break (RFC 8601 §2.2)."""
    return f"Authentication-Results: {write_value(authserv_id, results)}\r\n".encode()


def write_value(authserv_id: str, results: Results) -> str:
    """Write the value of the field, which is also what an ARC set repeats.

    :param authserv_id: our name, a domain name in canonical form.
    """
    found = [
        *map(_dkim, results.signatures),
        *([] if results.signatures else ["dkim=none"]),
        *([_spf(results.helo, "")] if results.helo is not None else []),
        _spf(results.mail_from, results.sender),
        _dmarc(results.author),
        f"arc={results.chain.result}{_comment(results.chain.reason)}",
    ]
    return ";\r\n\t".join((authserv_id, *found))


def _dkim(signed: dkim.Signed) -> str:
    text = f"dkim={signed.result}{_comment(signed.reason)}"
    if not signed.domain:
        return text
    start = f' header.b="{signed.start}"' if signed.start else ""
    return (
        f"{text}\r\n\t header.d={signed.domain} header.s={signed.selector} header.a={signed.algorithm}{start}"
    )


def _spf(verdict: spf.Verdict, sender: str) -> str:
    text = f"spf={verdict.result}{_comment(verdict.reason)}"
    if sender:
        return f"{text} smtp.mailfrom={_address(sender)}"
    name = domain.canonical(verdict.domain)
    return text if name is None else f"{text} smtp.helo={name}"


def _dmarc(verdict: dmarc.Verdict) -> str:
    about = f"p={verdict.policy} dis={verdict.disposition}" if verdict.policy else verdict.reason
    text = f"dmarc={verdict.result}{_comment(about)}"
    return f"{text} header.from={verdict.domain}" if verdict.domain else text


def _comment(text: str) -> str:
    return f" ({text})" if text else ""


def _address(sender: str) -> str:
    """Write an address as a pvalue; of what a stranger put into it, nothing can end the value (RFC 8601 §2.2)."""
    local, at, rest = sender.rpartition("@")
    name = domain.canonical(rest) if at else None
    if name is None:
        return f'"{_UNSAFE.sub("", sender[:_MAX_LOCAL])}"'
    if not local:
        return name
    if _ATOM.fullmatch(local) and len(local) <= _MAX_LOCAL:
        return f"{local}@{name}"
    return f'"{_UNSAFE.sub("", local[:_MAX_LOCAL])}"@{name}'


def without_claims(letter: Letter, authserv_id: str) -> bytes:
    """Return the header without the ``Authentication-Results`` that claim to be ours (RFC 8601 §5).

    A field whose author can't be made out goes too: another reader might see our name in it. Line breaks become
    CRLF; the blank line is not part of what is returned.

    :param authserv_id: our name in canonical form.
    """
    return b"".join(
        field.raw
        for field in letter.fields
        if field.name != _NAME
        or not _claims(field.value[:_MAX_FIELD].decode("utf-8", "replace"), authserv_id)
    )


def _claims(value: str, authserv_id: str) -> bool:
    """Tell whether the value of a field may be read as one of ours."""
    at = _after_comments(value)
    found = None if at is None else _ID.match(value, at)
    if found is None:
        return True
    name = re.sub(r"\\(.)", r"\1", found[1], flags=re.S) if found[1] is not None else found[2]
    return domain.canonical(name.strip()) in (None, authserv_id)


def _after_comments(value: str) -> int | None:
    """Return where white space and comments at the start end, or None if they don't (RFC 5322 §3.2.2)."""
    depth = at = 0
    while at < len(value):
        character = value[at]
        if character == "\\" and depth:
            at += 1
        elif character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth and not character.isspace():
            return at
        at += 1
    return None
