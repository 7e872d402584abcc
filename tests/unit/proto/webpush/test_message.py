"""Encrypted push messages (RFC 8291)."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.webpush import base64url, key, message

P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
RECEIVER = key.read(P256DH, AUTH)


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(urlsafe_b64decode(text + "=")), ec.SECP256R1())


READER = private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
SENDER = private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")


def read(body: bytes) -> bytes:
    """Decrypt with an implementation that is not ours."""
    return http_ece.decrypt(body, private_key=READER, auth_secret=RECEIVER.auth)


def test_the_example_of_the_standard() -> None:
    """RFC 8291 §5 and Appendix A, octet for octet."""
    expected = (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w"
        "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    body = message.encrypt(
        b"When I grow up, I want to be a watermelon",
        RECEIVER,
        step=1,
        salt=base64url.decode("DGv6ra1nlYgDCS1FRnbzlw", 16),
        sender=SENDER,
    )
    assert expected == base64url.encode(body)


@given(st.binary(max_size=message.LONGEST_PAYLOAD), st.sampled_from([1, 7, 1024, 4096, 10_000]))
def test_http_ece_reads_what_we_write(payload: bytes, step: int) -> None:
    assert payload == read(message.encrypt(payload, RECEIVER, step=step))


@given(st.binary(min_size=1, max_size=message.LONGEST_PAYLOAD), st.binary(min_size=16, max_size=16))
def test_http_ece_writes_what_we_write(payload: bytes, salt: bytes) -> None:
    assert http_ece.encrypt(
        payload,
        salt=salt,
        private_key=SENDER,
        dh=RECEIVER.point,
        auth_secret=RECEIVER.auth,
    ) == message.encrypt(payload, RECEIVER, step=1, salt=salt, sender=SENDER)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, 1024),
        (300, 1024),
        (921, 1024),
        (922, 2048),
        (1945, 2048),
        (2969, 3072),
        (2970, 4096),
        (3993, 4096),
    ],
)
def test_the_length_of_a_body_tells_little_of_its_payload(length: int, expected: int) -> None:
    assert expected == len(message.encrypt(bytes(length), RECEIVER))


def test_a_payload_that_fits_no_body_is_refused() -> None:
    assert 3993 == message.LONGEST_PAYLOAD
    with pytest.raises(message.TooLong, match="3994 octets, where 3993"):
        message.encrypt(bytes(3994), RECEIVER)


def test_each_message_has_a_salt_and_a_sender_of_its_own() -> None:
    one, other = message.encrypt(b"", RECEIVER), message.encrypt(b"", RECEIVER)
    assert one[:16] != other[:16]
    assert one[21:86] != other[21:86]
