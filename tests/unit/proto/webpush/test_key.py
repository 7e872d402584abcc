"""Keys of a subscription, as hostile as clients can make them (RFC 8291 §7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.webpush import base64url, key

P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
POINT = base64url.decode(P256DH, 65)
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
OFF_CURVE = POINT[:-1] + bytes([POINT[-1] ^ 1])


@pytest.mark.parametrize("padded", [False, True])
def test_keys_are_read_with_and_without_padding(padded: bool) -> None:
    receiver = key.read(P256DH + "=" * padded, AUTH + "==" * padded)
    assert POINT == receiver.point
    assert base64url.decode(AUTH, 16) == receiver.auth


def test_a_receiver_does_not_show_its_secret() -> None:
    receiver = key.read(P256DH, AUTH)
    assert "Receiver()" == f"{receiver!r}"


@pytest.mark.parametrize(
    "point",
    [
        OFF_CURVE,
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
        b"\x04" + PRIME.to_bytes(32) + POINT[33:],
        b"\x06" + POINT[1:],
        b"\x07" + POINT[1:],
        b"\x02" + POINT[1:],
        bytes(65),
    ],
    ids=["off", "zero", "ones", "x not below p", "hybrid even", "hybrid odd", "compressed mark", "infinity"],
)
def test_what_is_no_point_on_the_curve_is_refused(point: bytes) -> None:
    with pytest.raises(key.BadKey, match="p256dh is not a point on the curve P-256"):
        key.read(base64url.encode(point), AUTH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "====",
        P256DH[:-1],
        P256DH + "A",
        P256DH + "==",
        P256DH + "\n",
        " " + P256DH[1:],
        P256DH.replace("-", "+").replace("_", "/"),
        P256DH[:-1] + "5",
        P256DH[:-1] + "é",
        P256DH[:40] + "=" + P256DH[41:],
        base64url.encode(POINT[:33]),
        "A" * 10_000_000,
        "=" * 10_000_000,
    ],
    ids=lambda text: f"{text[:6]!r} of {len(text)}",
)
def test_what_is_not_base64url_of_a_point_is_refused(text: str) -> None:
    with pytest.raises(key.BadKey, match="p256dh is not base64url of 65 octets"):
        key.read(text, AUTH)


@pytest.mark.parametrize("text", ["", AUTH[:-1], AUTH + "=", AUTH + "A", AUTH[:-1] + "h", "AAAA" * 8])
def test_a_secret_that_has_not_16_octets_is_refused(text: str) -> None:
    with pytest.raises(key.BadKey, match="auth is not base64url of 16 octets"):
        key.read(P256DH, text)


@given(st.text(max_size=100), st.text(max_size=30))
def test_any_text_is_a_key_or_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(key.BadKey):
        key.read(p256dh, auth)


@given(st.binary(max_size=80))
def test_base64url_reads_what_it_wrote_and_only_that(octets: bytes) -> None:
    written = base64url.encode(octets)
    assert octets == base64url.decode(written, len(octets))
    with pytest.raises(ValueError):
        base64url.decode(written, len(octets) + 1)
