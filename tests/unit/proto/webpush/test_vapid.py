"""Tokens that say who sends (RFC 8292)."""

from __future__ import annotations

import json
import re

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from posthouse.proto.webpush import base64url, vapid
from posthouse.proto.webpush.key import BadKey
from posthouse.proto.webpush.vapid import ServerKey, Signer

ORIGIN = "https://push.example.net"
EXAMPLE = (
    "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1Mj"
    "M3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1Jr"
    "ErtmysazNjjvW2L9OkSSHzvoD1oA, "
    "k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)


def claims(authorization: str) -> dict[str, object]:
    """Check the signature as a push service does, and return what it vouches for."""
    match = re.fullmatch(r"vapid t=([\w-]+)\.([\w-]+)\.([\w-]{86}), k=([\w-]{87})", authorization, re.ASCII)
    assert match is not None
    head, body, signature, public = match.groups()
    numbers = base64url.decode(signature, 64)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64url.decode(public, 65))
    key.verify(
        encode_dss_signature(int.from_bytes(numbers[:32]), int.from_bytes(numbers[32:])),
        f"{head}.{body}".encode(),
        ec.ECDSA(hashes.SHA256()),
    )
    assert {"typ": "JWT", "alg": "ES256"} == json.loads(base64url.decode(head, len(head) * 3 // 4))
    found = json.loads(base64url.decode(body, len(body) * 3 // 4))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def key() -> ServerKey:
    return ServerKey.generate()


def test_the_example_of_the_standard_is_what_we_write(key: ServerKey) -> None:
    """RFC 8292 §2.4: the same head and claims, octet for octet; signatures differ by chance and by key."""
    expires = 1453523768
    assert {"aud": ORIGIN, "exp": expires, "sub": "mailto:push@example.com"} == claims(EXAMPLE)
    ours = Signer(key, "mailto:push@example.com").authorization(ORIGIN, expires - 12 * 3600)
    assert EXAMPLE.rpartition(".")[0] == ours.rpartition(".")[0]
    assert claims(EXAMPLE) == claims(ours)
    assert ours.endswith(f", k={key.public}")


def test_a_token_that_was_changed_does_not_verify(key: ServerKey) -> None:
    ours = Signer(key).authorization(ORIGIN, 0)
    forged = ours.replace(base64url.encode(b'{"aud"'), base64url.encode(b'{"axd"'))
    assert ours != forged
    with pytest.raises(InvalidSignature):
        claims(forged)


def test_without_a_contact_there_is_no_subject(key: ServerKey) -> None:
    assert {"aud": ORIGIN, "exp": 12 * 3600} == claims(Signer(key).authorization(ORIGIN, 0.9))


@pytest.mark.parametrize("contact", ["", "push@example.com", "http://example.com"])
def test_a_contact_that_is_no_mailto_or_https_is_refused(key: ServerKey, contact: str) -> None:
    with pytest.raises(ValueError):
        Signer(key, contact)


def test_a_token_is_sent_again_to_its_origin_for_hours(key: ServerKey) -> None:
    signer = Signer(key)
    first = signer.authorization(ORIGIN, 1000.5)
    assert first == signer.authorization(ORIGIN, 1000.5 + 5 * 3600)
    assert first != signer.authorization("https://other.example.net", 1001)
    later = 1000.5 + 6 * 3600
    assert int(later) + 12 * 3600 == claims(signer.authorization(ORIGIN, later))["exp"]


def test_a_clock_that_was_set_back_makes_no_token_of_more_than_a_day(key: ServerKey) -> None:
    """RFC 8292 §2: "An "exp" claim MUST NOT be more than 24 hours from the time of the request."""
    signer = Signer(key)
    signer.authorization(ORIGIN, 1_000_000)
    assert 500_000 + 12 * 3600 == claims(signer.authorization(ORIGIN, 500_000))["exp"]


def test_the_tokens_of_the_last_origins_are_kept(key: ServerKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vapid, "_ORIGINS", 2)
    signer = Signer(key)
    first, second, *_ = [signer.authorization(name, 0) for name in ("a", "b", "a", "c")]
    assert first == signer.authorization("a", 1)
    assert second != signer.authorization("b", 1)


def test_a_key_survives_its_writing(key: ServerKey) -> None:
    again = ServerKey.from_pem(key.pem())
    assert key.public == again.public
    assert {"aud": ORIGIN, "exp": 12 * 3600} == claims(Signer(again).authorization(ORIGIN, 0))


def test_the_public_key_is_an_uncompressed_point_in_base64url(key: ServerKey) -> None:
    """RFC 9749 §3: the value of applicationServerKey."""
    point = base64url.decode(key.public, 65)
    assert 4 == point[0]
    assert 87 == len(key.public)


def test_what_openssl_writes_is_read() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert 87 == len(ServerKey.from_pem(pem).public)


def _pem(
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: bytes | None = None
) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        _pem(ec.generate_private_key(ec.SECP384R1())),
        _pem(ed25519.Ed25519PrivateKey.generate()),
        _pem(ec.generate_private_key(ec.SECP256R1()), b"secret"),
    ],
    ids=["empty", "garbage", "P-384", "Ed25519", "encrypted"],
)
def test_another_key_is_refused(pem: bytes) -> None:
    with pytest.raises(BadKey):
        ServerKey.from_pem(pem)
