"""ARC: what those who forwarded a message say they saw (RFC 8617).

Each of them adds a *set* of three fields with the same instance number: its Authentication-Results, a signature of
the message as it left, and a seal over all sets so far.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from posthouse.proto.mailauth.dkim import Signature, Unfit, read, verify_message
from posthouse.proto.mailauth.dns import Check
from posthouse.proto.mailauth.key import SigningKey
from posthouse.proto.mailauth.letter import Field, Letter
from posthouse.proto.mailauth.signing import (
    NotSignable,
    names_to_sign,
    require_signable,
    sign_message,
    with_b,
    write_field,
)

MAX_SETS: Final = 50
"""RFC 8617 §4.2.1."""
_RESULTS, _MESSAGE, _SEAL = "arc-authentication-results", "arc-message-signature", "arc-seal"
_MAX_RESULTS: Final = 16 * 1024
_INSTANCE: Final = re.compile(rb"[ \t\r\n]*+i[ \t\r\n]*+=[ \t\r\n]*+([0-9]{1,2})[ \t\r\n]*+;")


class Chain(NamedTuple):
    """What came of the chain of a message.

    :ivar result: ``none``, ``pass`` or ``fail`` (RFC 8617 §4.4).
    :ivar reason: why it failed; a text of ours.
    :ivar sealers: canonical domains of those who sealed, the first one first; empty unless it passed.
    """

    result: str
    reason: str = ""
    sealers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Set:
    """The three fields of an instance, and what its signatures say."""

    results: Field
    message: Signature
    seal: Signature

    @property
    def fields(self) -> tuple[Field, Field, Field]:
        """The fields in the order in which a seal signs them (RFC 8617 §5.1.1)."""
        return self.results, self.message.field, self.seal.field


class _Broken(Exception):
    """The chain fails; `args` is the reason."""


def is_sealed(letter: Letter) -> bool:
    """Tell whether a message has any field of a chain."""
    return any(letter.named(name) for name in (_RESULTS, _MESSAGE, _SEAL))


def check(letter: Letter) -> Check[Chain]:
    """Check the chain of a message; asks for the key of each seal and of the newest signature (RFC 8617 §5.2).

    A key that the DNS did not give in time makes it fail, as ARC knows no other result.
    """
    if not is_sealed(letter):
        return Chain("none")
    try:
        sets = _sets(letter)
        newest = sets[-1]
        key = yield from newest.message.ask()
        verify_message(letter, newest.message, key)
        for number, (each, digest) in enumerate(zip(sets, _seal_digests(sets), strict=True), 1):
            key = yield from each.seal.ask()
            if not key.verifies(each.seal.value, digest):
                raise _Broken(f"seal {number} does not match")
    except _Broken as broken:
        return Chain("fail", str(broken))
    except Unfit as unfit:
        return Chain("fail", unfit.reason)
    return Chain("pass", sealers=tuple(each.seal.domain for each in sets))


def _sets(letter: Letter) -> list[_Set]:
    """Gather the sets by instance; raises `_Broken` or `Unfit` if the chain has not the right form (RFC 8617 §5.2)."""
    if not letter.is_sound:
        raise _Broken("malformed header")
    results = letter.named(_RESULTS)
    messages = letter.named(_MESSAGE)
    seals = letter.named(_SEAL)
    count = len(seals)
    if count > MAX_SETS:
        raise _Broken("too many sets")
    if not len(results) == len(messages) == count:
        raise _Broken("incomplete set")
    signatures = [read(field, ("i", "a", "b", "bh", "d", "h", "s")) for field in messages]
    sealed = [read(field, ("i", "a", "b", "cv", "d", "s")) for field in seals]
    by_results = {_instance(field): field for field in results}
    by_message = {each.tags["i"]: each for each in signatures}
    by_seal = {each.tags["i"]: each for each in sealed}
    try:
        sets = [_Set(by_results[i], by_message[i], by_seal[i]) for i in map(str, range(1, count + 1))]
    except KeyError:
        raise _Broken("incomplete set") from None
    for number, each in enumerate(sets, 1):
        if "h" in each.seal.tags or each.seal.tags["cv"].lower() != ("pass" if number > 1 else "none"):
            raise _Broken(f"seal {number} does not vouch for those before")
        if _SEAL in each.message.tags["h"].lower():
            raise _Broken("a signature signs a seal")
    return sets


def _instance(field: Field) -> str:
    """Return the instance number of results as it would stand in a tag; raises `_Broken` (RFC 8617 §4.1.1)."""
    found = _INSTANCE.match(field.value)
    if found is None or len(field.raw) > _MAX_RESULTS:
        raise _Broken("malformed results")
    return found[1].decode("ascii")


def _seal_digests(sets: Sequence[_Set]) -> list[bytes]:
    """Hash what each seal signs: all sets up to its own, itself with an empty b= (RFC 8617 §5.1.1)."""
    before = sha256()
    digests = []
    for each in sets:
        results, message, whole = (field.relaxed() for field in each.fields)
        before.update(results + message)
        own = before.copy()
        own.update(each.seal.field.without_b().relaxed().removesuffix(b"\r\n"))
        digests.append(own.digest())
        before.update(whole)
    return digests


def seal(letter: Letter, chain: Chain, results: str, key: SigningKey, now: int) -> bytes:
    """Write our set for a message that we send on: three fields to be put before it (RFC 8617 §5.1).

    A message whose chain failed when it came gets no set: such a chain can't be mended, and whoever gets the
    message sees that it is broken.

    :param letter: the message as it will be sent, with CRLF.
    :param chain: what `check` found when it came.
    :param results: what we found then, as `results.write_value` writes it.
    :param now: Unix seconds.
    :returns: nothing if the chain failed or is full.

    Raises `NotSignable` if the header is not sound, or its chain not the one that was checked.
    """
    require_signable(letter)
    number = len(chain.sealers) + 1
    if chain.result == "fail" or number > MAX_SETS:
        return b""
    before = _known(letter, chain)
    value = f" i={number}; {results}\r\n".encode()
    mine = Field(_RESULTS, b"ARC-Authentication-Results:" + value, value)
    tags = {"i": str(number), "a": key.algorithm, "d": key.domain, "s": key.selector, "t": str(now)}
    signed = [*names_to_sign(letter), *["dkim-signature"] * len(letter.named("dkim-signature"))]
    message = sign_message(letter, "ARC-Message-Signature", {**tags, "c": "relaxed/relaxed"}, key, signed)
    unsigned = write_field("ARC-Seal", {**tags, "cv": "pass" if number > 1 else "none", "b": ""})
    ours = _Set(mine, read(message, ("i",)), read(unsigned, ("i",)))
    sealed = with_b(unsigned, key.sign(_seal_digests([*before, ours])[-1]))
    return sealed.raw + message.raw + mine.raw


def _known(letter: Letter, chain: Chain) -> list[_Set]:
    """Return the sets of a message that is sent on, whose chain was checked when it came."""
    try:
        sets = _sets(letter) if is_sealed(letter) else []
    except (_Broken, Unfit):
        sets = []
    if chain.sealers != tuple(each.seal.domain for each in sets):
        raise NotSignable("another chain")
    return sets
