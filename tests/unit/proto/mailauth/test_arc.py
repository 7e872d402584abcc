"""ARC chains: the shared vectors, our own sets, and broken ones."""

from __future__ import annotations

import time
from pathlib import Path

import dkim as dkimpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.proto.mailauth import arc, key, signing
from posthouse.proto.mailauth.dns import FAILED
from posthouse.proto.mailauth.letter import Letter
from wire.zone import CORPUS, Records, drive, vector

VECTORS = sorted((CORPUS / "arc").glob("*.txt"))
NOW = int(time.time())
MESSAGE = b"From: Ann <ann@example.org>\r\nSubject: Letters\r\n\r\nGood day.\r\n"
RSA = key.generate("rsa-sha256", "list.example.org", "one")
EDWARDS = key.generate("ed25519-sha256", "forward.example.net", "two")
KEYS: Records = {(each.name, "TXT"): [each.record()] for each in (RSA, EDWARDS)}


def check(message: bytes, records: Records = KEYS) -> arc.Chain:
    return drive(arc.check(Letter(message)), records)


def seal(message: bytes, by: key.SigningKey = RSA, chain: arc.Chain | None = None) -> bytes:
    given = check(message) if chain is None else chain
    return arc.seal(Letter(message), given, f"{by.domain};\r\n\tdkim=none", by, NOW) + message


@pytest.mark.skipif(not VECTORS, reason="../shared/corpus/arc is absent")
def test_the_vectors_are_there() -> None:
    assert 2 == len(VECTORS)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_vectors_pass(path: Path) -> None:
    records, message = vector(path)
    assert "pass" == check(message, records).result


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", [b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"])
def test_a_changed_vector_fails(path: Path, name: bytes) -> None:
    records, message = vector(path)
    assert "fail" == check(message.replace(name + b": i=1;", name + b": i=1; x=y;"), records).result
    assert "fail" == check(message.rstrip() + b"!", records).result


def test_a_message_without_a_chain_has_none() -> None:
    assert arc.Chain("none") == check(MESSAGE)


def test_our_sets_hold_one_over_the_other() -> None:
    message = seal(seal(seal(MESSAGE), EDWARDS), RSA)
    assert ("list.example.org", "forward.example.net", "list.example.org") == check(message).sealers


def test_dkimpy_verifies_our_sets() -> None:
    message = seal(seal(MESSAGE))

    def known(name: bytes, timeout: int = 0) -> bytes:
        return KEYS[name.decode().removesuffix("."), "TXT"][0].encode()

    assert b"pass" == dkimpy.ARC(message).verify(dnsfunc=known)[0]


def test_a_list_may_change_the_message_before_it_seals() -> None:
    """Only the newest signature must hold (RFC 8617 §5.2)."""
    message = seal(MESSAGE)
    chain = check(message)
    changed = message.replace(b"Subject: ", b"Subject: [letters] ")
    assert "fail" == check(changed).result
    assert "pass" == check(seal(changed, EDWARDS, chain)).result


def test_a_chain_that_failed_is_not_continued() -> None:
    """RFC 8617 §5.1.3."""
    broken = seal(MESSAGE) + b"More.\r\n"
    assert broken == seal(broken)


@pytest.mark.parametrize("lost", [b"ARC-Seal", b"ARC-Message-Signature"])
def test_a_chain_that_was_not_checked_is_not_continued(lost: bytes) -> None:
    message = seal(MESSAGE)
    with pytest.raises(signing.NotSignable):
        seal(message, chain=arc.Chain("none"))
    with pytest.raises(signing.NotSignable):
        seal(message.replace(lost, b"X-Lost"), chain=check(message))


def test_a_full_chain_is_not_continued() -> None:
    """RFC 8617 §4.2.1: at most 50 sets."""
    full = arc.Chain("pass", sealers=("example.org",) * arc.MAX_SETS)
    assert MESSAGE == seal(MESSAGE, chain=full)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=2;"),
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=01;"),
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=1; h=from;"),
        (b"cv=none", b"cv=pass"),
        (b"cv=none", b"cv=fail"),
        (b"cv=none", b"x=none"),
        (b"ARC-Seal:", b"X-Seal:"),
        (b"ARC-Message-Signature:", b"X-Signature:"),
        (b"ARC-Authentication-Results: i=1;", b"ARC-Authentication-Results: list.example.org;"),
        (
            b"ARC-Authentication-Results: i=1;",
            b"ARC-Authentication-Results: i=1; x=1\r\nARC-Authentication-Results: i=1;",
        ),
        (b"a=rsa-sha256", b"a=rsa-sha1"),
        (b"From:", b"stray\r\nFrom:"),
    ],
)
def test_a_set_of_the_wrong_form_breaks_the_chain(old: bytes, new: bytes) -> None:
    """RFC 8617 §5.2."""
    message = seal(MESSAGE)
    assert old in message
    found = check(message.replace(old, new, 1))
    assert "fail" == found.result
    assert found.reason


@pytest.mark.parametrize("vouches", ["pass", "fail"])
def test_a_first_seal_that_vouches_for_others_breaks_the_chain(
    monkeypatch: pytest.MonkeyPatch, vouches: str
) -> None:
    """RFC 8617 §5.2, even if the seal itself holds."""
    monkeypatch.setattr(
        arc, "write_field", lambda name, tags: signing.write_field(name, tags | {"cv": vouches})
    )
    assert "seal 1 does not vouch for those before" == check(seal(MESSAGE)).reason


def test_a_key_that_the_dns_does_not_give_breaks_the_chain() -> None:
    assert arc.Chain("fail", "no answer for the key") == check(seal(MESSAGE), {(RSA.name, "TXT"): FAILED})


def test_a_signature_must_not_sign_seals() -> None:
    """RFC 8617 §4.1.2."""
    message = seal(MESSAGE).replace(b"h=from:", b"h=arc-seal:from:")
    assert "a signature signs a seal" == check(message).reason


def test_thousands_of_sets_are_not_read() -> None:
    sets = b"".join(
        b"ARC-Seal: i=%d; cv=pass\r\nARC-Message-Signature: i=%d\r\nARC-Authentication-Results: i=%d; x\r\n"
        % (n, n, n)
        for n in range(1, 3000)
    )
    assert arc.Chain("fail", "too many sets") == check(sets + MESSAGE)


@settings(max_examples=60)
@given(st.data())
def test_any_chain_has_a_result(data: st.DataObject) -> None:
    message = bytearray(seal(MESSAGE))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    assert check(bytes(message)).result in {"none", "pass", "fail"}
