"""What we sign, others verify."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.proto.mailauth import dkim, key, signing
from posthouse.proto.mailauth.letter import Letter
from wire.zone import Records, drive

NOW = int(time.time())  # the other libraries have no clock but the machine's
RSA = key.generate("rsa-sha256", "example.org", "one")
EDWARDS = key.generate("ed25519-sha256", "example.org", "two")
KEYS: Mapping[str, key.SigningKey] = {each.name: each for each in (RSA, EDWARDS)}
ZONE: Records = {(name, "TXT"): [each.record()] for name, each in KEYS.items()}
MESSAGE = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.net,\r\n\tcarl@example.net\r\nSubject:  Letters  and\t more \r\n"
    b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n"
    b"List-Id: <letters.example.org>\r\nReceived: by mx.example.org\r\n\r\n"
    b"Good  day. \r\n\t\r\n.\r\n \r\n\r\n"
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=60)


def known(name: bytes, timeout: int = 0) -> bytes:
    return KEYS[name.decode().removesuffix(".")].record().encode()


def signed(message: bytes = MESSAGE) -> bytes:
    return signing.sign(Letter(message), [RSA, EDWARDS], NOW) + message


def ours(message: bytes) -> list[str]:
    return [drive(check, ZONE).result for check in dkim.check_all(Letter(message), NOW)]


def test_dkimpy_verifies_our_signatures() -> None:
    checker = dkimpy.DKIM(signed())
    assert [True, True] == [checker.verify(idx=index, dnsfunc=known) for index in range(2)]


@pytest.mark.peer("opendkim")
def test_opendkim_verifies_our_signatures(tmp_path: Path) -> None:
    message, keys, settings = (tmp_path / name for name in ("message", "keys", "settings"))
    message.write_bytes(signed())
    keys.write_text("".join(f"{name} {each.record()}\n" for name, each in KEYS.items()))
    settings.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\n")
    said = opendkim(settings, message)
    assert 2 == said.count("dkim=pass")


@pytest.mark.peer("opendkim")
@pytest.mark.parametrize("form", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])
def test_we_verify_the_signatures_of_opendkim(tmp_path: Path, form: str) -> None:
    assert isinstance(RSA.key, rsa.RSAPrivateKey)
    message, secret, settings = (tmp_path / name for name in ("message", "secret", "settings"))
    plain = MESSAGE.replace(b"Subject:  ", b"Subject: ")  # its test mode loses a second space there
    message.write_bytes(plain)
    secret.write_bytes(RSA.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    settings.write_text(
        f"Mode s\nDomain example.org\nSelector one\nKeyFile {secret}\nCanonicalization {form}\n"
        "RequireSafeKeys no\nSyslog no\n"
    )
    _, _, rest = opendkim(settings, message).partition("hname='DKIM-Signature' hvalue='")
    value, quote, _ = rest.partition("'")
    assert quote
    field = "DKIM-Signature: " + value.replace("\r\n", "\n").replace("\n", "\r\n") + "\r\n"
    assert ["pass"] == ours(field.encode() + plain)


def opendkim(settings: Path, message: Path) -> str:
    program = shutil.which("opendkim", path="/usr/sbin:/usr/bin")
    assert program is not None
    ran = subprocess.run(
        [program, "-x", settings, "-vv", "-t", message],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout


@pytest.mark.parametrize("form", [b"simple", b"relaxed"])
def test_we_verify_the_signatures_of_dkimpy(form: bytes) -> None:
    assert isinstance(RSA.key, rsa.RSAPrivateKey)
    secret = RSA.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    field = dkimpy.sign(MESSAGE, b"one", b"example.org", secret, canonicalize=(form, form))
    assert ["pass"] == ours(field + MESSAGE)


@settings(max_examples=40)
@given(subject=TEXT, body=TEXT)
def test_any_text_is_signed_alike_here_and_there(subject: str, body: str) -> None:
    head = f"From: a@example.org\r\nSubject: {subject}\r\n\r\n"
    message = head.encode() + body.encode() + b"\r\n"
    assert ["pass", "pass"] == ours(signed(message))
    checker = dkimpy.DKIM(signed(message))
    assert [True, True] == [checker.verify(idx=index, dnsfunc=known) for index in range(2)]


def test_fields_are_folded_into_short_lines() -> None:
    fields = signing.sign(Letter(MESSAGE), [RSA, EDWARDS], NOW)
    assert all(len(line) <= 78 for line in fields.split(b"\r\n"))
    assert fields.endswith(b"\r\n")
    assert 2 == len(Letter(fields).fields)


@pytest.mark.parametrize(
    "name", ["From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "Content-Type"]
)
def test_nobody_can_add_an_important_field(name: str) -> None:
    """RFC 6376 §8.15."""
    assert "pass" not in ours(name.encode() + b": eve@example.com\r\n" + signed())


def test_what_relays_add_does_not_matter() -> None:
    added = b"Received: by mx.example.net\r\nX-Spam: no\r\nAuthentication-Results: x; none\r\n"
    assert ["pass", "pass"] == ours(added + signed())


@pytest.mark.parametrize(
    "message",
    [b"To: a@example.org\r\n\r\n", b"From: a@b.c\r\nFrom: a@b.c\r\n\r\n", b"From: a@b.c\r\nstray\r\n\r\n"],
)
def test_what_nobody_would_trust_is_not_signed(message: bytes) -> None:
    with pytest.raises(signing.NotSignable):
        signing.sign(Letter(message), [RSA], NOW)
