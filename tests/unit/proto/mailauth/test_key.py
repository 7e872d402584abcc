"""Keys in the DNS, and our own."""

from __future__ import annotations

import base64
from contextlib import suppress
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.mailauth import key
from posthouse.proto.mailauth.key import BadKey

RSA = key.generate("rsa-sha256", "Example.ORG", "one")
EDWARDS = key.generate("ed25519-sha256", "example.org", "two")
DIGEST = sha256(b"x").digest()


def der(*integers: int) -> bytes:
    """Write an RSAPublicKey by hand, with numbers that no library would make."""

    def item(tag: int, content: bytes) -> bytes:
        return bytes([tag, 0x82]) + len(content).to_bytes(2) + content

    return item(0x30, b"".join(item(2, n.to_bytes(n.bit_length() // 8 + 1)) for n in integers))


@pytest.mark.parametrize("ours", [RSA, EDWARDS], ids=["rsa", "ed25519"])
def test_what_a_key_signs_its_record_verifies(ours: key.SigningKey) -> None:
    public = key.read_record(ours.record())
    assert public.kind == ours.algorithm.partition("-")[0]
    assert public.verifies(ours.sign(DIGEST), DIGEST)
    assert not public.verifies(ours.sign(DIGEST), sha256(b"y").digest())
    assert not public.verifies(b"", DIGEST)


@pytest.mark.parametrize("ours", [RSA, EDWARDS], ids=["rsa", "ed25519"])
def test_a_key_is_written_and_read_again(ours: key.SigningKey) -> None:
    again = key.read_pem(ours.pem(), ours.domain, ours.selector)
    assert ours.record() == again.record()
    assert f"{ours.selector}._domainkey.example.org" == again.name


def test_the_secret_is_not_shown() -> None:
    assert "SigningKey('one._domainkey.example.org')" == repr(RSA)


def test_our_rsa_keys_have_2048_bits() -> None:
    assert isinstance(RSA.key, rsa.RSAPrivateKey)
    assert 2048 == RSA.key.key_size


def test_an_rsa_key_may_stand_bare() -> None:
    """RFC 6376 §3.6.1 has the RSAPublicKey of RFC 8017, everybody else a SubjectPublicKeyInfo."""
    assert isinstance(RSA.key, rsa.RSAPrivateKey)
    bare = RSA.key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    public = key.read_record(f"p={base64.b64encode(bare).decode()}")
    assert public.verifies(RSA.sign(DIGEST), DIGEST)


P = RSA.record().partition("p=")[2]


@pytest.mark.parametrize(
    "record",
    [
        "",
        "v=DKIM1",
        "v=DKIM1; p=",
        f"v=DKIM2; p={P}",
        f"k=rsa; v=DKIM1; p={P}",
        f"v=DKIM1; k=dsa; p={P}",
        f"v=DKIM1; k=ed25519; p={P}",
        f"v=DKIM1; h=sha1; p={P}",
        f"v=DKIM1; s=tlsrpt; p={P}",
        f"v=DKIM1; p={P}; p={P}",
        f"v=DKIM1; p={P[:-4]}",
        f"v=DKIM1; p=!{P}",
        "v=DKIM1; p=AAAA",
        f"v=DKIM1; p={P}{' ' * 4096}",
        "v=DKIM1; k=ed25519; p=AAAA",
        f"p={base64.b64encode(der((1 << 8192) - 159, 65537)).decode()}",
        f"p={base64.b64encode(der((1 << 2048) - 159, (1 << 2047) - 1)).decode()}",
        f"p={base64.b64encode(der((1 << 2048) - 159, 1)).decode()}",
        f"p={base64.b64encode(der(0, 0)).decode()}",
    ],
)
def test_no_key_is_refused(record: str) -> None:
    with pytest.raises(BadKey):
        key.read_record(record)


def test_a_key_of_less_than_1024_bits_is_refused() -> None:
    """RFC 8301 §3.2."""
    with pytest.raises(BadKey):
        key.read_record(f"p={base64.b64encode(der((1 << 1000) - 17, 65537)).decode()}")


def test_a_key_of_another_curve_is_refused() -> None:
    made = ec.generate_private_key(ec.SECP256R1())
    value = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(BadKey):
        key.read_record(f"p={base64.b64encode(value).decode()}")
    with pytest.raises(BadKey):
        key.read_pem(
            made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "example.org", "a"
        )


@pytest.mark.parametrize(
    "record",
    [
        f"p={P}",
        f" v = DKIM1 ;\tk=rsa; x=y; t=y:s; s=email:x; h=sha1 : SHA256; n=note; p={P[:9]} {P[9:]} ;",
        f"p={P}; s=*",
    ],
)
def test_a_key_that_leaves_out_or_adds_tags_is_one(record: str) -> None:
    assert key.read_record(record).verifies(RSA.sign(DIGEST), DIGEST)


def test_a_key_may_be_for_its_very_domain_only() -> None:
    assert key.read_record(f"t=y:s; p={P}").strict
    assert not key.read_record(f"t=y; p={P}").strict


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_no_private_key_is_refused(pem: bytes) -> None:
    with pytest.raises(BadKey):
        key.read_pem(pem, "example.org", "a")


@pytest.mark.parametrize(("domain", "selector"), [("", "a"), ("example.org", "a b"), ("x." * 126 + "x", "a")])
def test_a_key_has_names_that_can_be_asked(domain: str, selector: str) -> None:
    with pytest.raises(BadKey):
        key.read_pem(EDWARDS.pem(), domain, selector)


def test_a_record_is_cut_into_strings_for_zone_files() -> None:
    """RFC 1035 §3.3.14."""
    strings = key.zone_text(RSA.record()).removeprefix('"').removesuffix('"').split('" "')
    assert RSA.record() == "".join(strings)
    assert 255 == len(strings[0]) > len(strings[1])
    assert r'"a\"b\\"' == key.zone_text('a"b\\')
    assert '""' == key.zone_text("")


@given(st.text("vkpsht=;DKIM1rsa ed25519+/A\n", max_size=80))
def test_any_record_is_a_key_or_refused(text: str) -> None:
    with suppress(BadKey):
        key.read_record(text)
