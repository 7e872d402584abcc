"""DKIM: who signed a message, and whether the signature holds (RFC 6376, RFC 8301, RFC 8463)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from posthouse.proto.mailauth import domain, tags
from posthouse.proto.mailauth.dns import Check, Question, Status
from posthouse.proto.mailauth.key import BadKey, PublicKey, read_record, record_name
from posthouse.proto.mailauth.letter import Field, Letter

MAX_SIGNATURES: Final = 10
"""So many signatures of a message are looked at, from the top."""
MAX_SIGNATURE: Final = 16 * 1024
"""Octets of a signature that is looked at."""
_KINDS: Final = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
_CANONICAL: Final = frozenset({"simple", "relaxed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What came of one signature.

    :ivar result: ``pass``, ``fail``, ``policy``, ``neutral``, ``temperror`` or ``permerror`` (RFC 8601 §2.7.1).
    :ivar reason: why, if it is no pass; a text of ours.
    :ivar domain: who signed (d=), in canonical form; empty if that can't be read, as the others are then.
    :ivar selector: of its key (s=).
    :ivar algorithm: by which it was signed (a=).
    :ivar start: the first characters of the signature itself, which tell it from others (RFC 6008 §4).
    """

    result: str
    reason: str = ""
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    start: str = ""


class Unfit(Exception):
    """A signature that can't be verified; `args` are the result and the reason."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(result, reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature whose form is good: what DKIM and ARC have in common (RFC 6376 §3.5, RFC 8617 §4.1)."""

    field: Field
    domain: str
    selector: str
    algorithm: str
    value: bytes
    tags: dict[str, str]

    def start(self) -> str:
        """Return the first characters of the signature in base64 (RFC 6008 §4)."""
        return "".join(self.tags["b"].split())[:8]

    def ask(self) -> Check[PublicKey]:
        """Ask for its key; raises `Unfit` if there is none that fits."""
        answer = yield Question(record_name(self.domain, self.selector), "TXT")
        if answer.status is Status.FAILED:
            raise Unfit("temperror", "no answer for the key")
        if not answer.values:
            raise Unfit("permerror", "no key")
        try:
            key = read_record(
                answer.values[0]
            )  # more than one: undefined, and the order is no matter of ours
        except BadKey as bad:
            raise Unfit("permerror", str(bad)) from None
        if key.kind != _KINDS[self.algorithm]:
            raise Unfit("permerror", "the key is of another kind")
        return key


def check_all(letter: Letter, now: int) -> Sequence[Check[Signed]]:
    """Return a check for each signature of a message, at most `MAX_SIGNATURES`, in the order of their fields.

    :param now: Unix seconds.
    """
    return [check(letter, field, now) for field in letter.named("dkim-signature")[:MAX_SIGNATURES]]


def hash_bodies(letter: Letter) -> None:
    """Hash the body in the forms that signatures name, so that no check has to: of a long body this takes long."""
    fields = [
        *letter.named("dkim-signature")[:MAX_SIGNATURES],
        *letter.named("arc-message-signature")[:MAX_SIGNATURES],
    ]
    for field in fields:
        with suppress(Unfit):
            _, body = _forms(read(field, ("a", "b", "d", "s")))
            letter.body(relaxed=body == "relaxed")


def check(letter: Letter, field: Field, now: int) -> Check[Signed]:
    """Check one ``DKIM-Signature`` field of a message; asks for its key (RFC 6376 §6.1).

    A body longer than what was signed (l=) makes the result ``policy``: anybody may have added the rest
    (RFC 6376 §8.2).
    """
    try:
        signature = read(field, ("v", "a", "b", "bh", "d", "h", "s"))
    except Unfit as unfit:
        return Signed(result=unfit.result, reason=unfit.reason)
    try:
        _require_dkim(signature, now)
        if not letter.is_sound:
            raise Unfit("permerror", "malformed header")
        key = yield from signature.ask()
        if key.strict and identity_domain(signature) != signature.domain:
            raise Unfit("permerror", "the key is not for this identity")
        verify_message(letter, signature, key)
        result, reason = "pass", ""
    except Unfit as unfit:
        result, reason = unfit.result, unfit.reason
    return Signed(
        result=result,
        reason=reason,
        domain=signature.domain,
        selector=signature.selector,
        algorithm=signature.algorithm,
        start=signature.start(),
    )


def read(field: Field, required: Sequence[str]) -> Signature:
    """Read a signature; raises `Unfit` if a tag is missing or malformed, or the algorithm is none of today's.

    :param required: names of the tags that it must have.
    """
    text = field.text() if len(field.raw) <= MAX_SIGNATURE else None
    if text is None:
        raise Unfit("neutral", "malformed signature")
    try:
        found = tags.parse(text)
        if not all(found.get(name) for name in required):
            raise Unfit("neutral", "a required tag is missing")
        value = tags.octets(found["b"])
    except tags.BadTags as bad:
        raise Unfit("neutral", str(bad)) from None
    signer, selector = domain.canonical(found["d"]), domain.canonical(found["s"])
    if signer is None or selector is None or not domain.askable(record_name(signer, selector)):
        raise Unfit("neutral", "malformed domain or selector")
    algorithm = found["a"].lower()
    if algorithm not in _KINDS:  # rsa-sha1 too (RFC 8301 §3.1)
        raise Unfit("permerror", "unsupported algorithm")
    return Signature(field, signer, selector, algorithm, value, found)


def identity_domain(signature: Signature) -> str | None:
    """Return the domain of the identity (i=) in canonical form, that of the signer if it is not given."""
    identity = signature.tags.get("i")
    return signature.domain if identity is None else domain.canonical(identity.rpartition("@")[2])


def _require_dkim(signature: Signature, now: int) -> None:
    """Raise `Unfit` for what is wrong with a signature as one of DKIM, before its key is known (RFC 6376 §6.1.1)."""
    found = signature.tags
    if found["v"] != "1":
        raise Unfit("neutral", "unknown version")
    identity = identity_domain(signature)
    if identity is None or not domain.is_within(identity, signature.domain):
        raise Unfit("neutral", "the identity is not of the signing domain")
    if "q" in found and "dns/txt" not in tags.names(found["q"]):
        raise Unfit("neutral", "unknown query method")
    try:
        made, until = (tags.number(found[name]) if name in found else None for name in ("t", "x"))
    except tags.BadTags as bad:
        raise Unfit("neutral", str(bad)) from None
    if until is not None and made is not None and until <= made:
        raise Unfit("neutral", "expired before it was made")
    if until is not None and until < now:
        raise Unfit("policy", "expired")


def _forms(signature: Signature) -> tuple[str, str]:
    """Return the forms of header and body that were signed; raises `Unfit` (RFC 6376 §3.5, tag c)."""
    head, _, body = signature.tags.get("c", "simple").lower().partition("/")
    body = body or "simple"
    if not {head, body} <= _CANONICAL:
        raise Unfit("neutral", "unknown canonicalization")
    return head, body


def verify_message(letter: Letter, signature: Signature, key: PublicKey) -> None:
    """Verify body hash and signature of a message; raises `Unfit` if either does not hold (RFC 6376 §6.1.3).

    The field From must be signed, and each of them: a message with another one is not what was signed.
    """
    found = signature.tags
    head, rest = _forms(signature)
    signed = tags.names(found["h"])
    if "from" not in signed:
        raise Unfit("neutral", "From is not signed")
    if signed.count("from") < len(letter.named("from")):
        raise Unfit("permerror", "more than one From")
    try:
        expected = tags.octets(found["bh"])
        length = tags.number(found["l"]) if "l" in found else None
    except tags.BadTags as bad:
        raise Unfit("neutral", str(bad)) from None
    body = letter.body(rest == "relaxed")
    if length is not None and length < body.length:
        raise Unfit("policy", "part of the body is not signed")
    if length is not None and length > body.length:
        raise Unfit("fail", "the body is shorter than signed")
    if body.value != expected:
        raise Unfit("fail", "the body has changed")
    digest = header_digest(letter, signed, signature.field, head == "relaxed")
    if not key.verifies(signature.value, digest):
        raise Unfit("fail", "the signature does not match")


def header_digest(letter: Letter, signed: Sequence[str], field: Field, relaxed: bool) -> bytes:
    """Hash the fields that are signed and the signature itself with an empty b= (RFC 6376 §3.7).

    :param signed: their names in lower case.
    """
    own = field.without_b()
    hasher = sha256()
    for each in letter.select(signed):
        hasher.update(each.relaxed() if relaxed else each.raw)
    hasher.update((own.relaxed() if relaxed else own.raw).removesuffix(b"\r\n"))
    return hasher.digest()
