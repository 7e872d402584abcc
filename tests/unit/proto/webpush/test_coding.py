"""The content coding aes128gcm (RFC 8188)."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import http_ece
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.webpush import coding


def octets(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_example_of_one_record() -> None:
    """RFC 8188 §3.1."""
    assert octets("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg") == coding.seal(
        [(b"I am the walrus", 0)],
        octets("yqdlZ-tYemfogSmv7Ws5PQ"),
        octets("I1BsxtFttlv3u_Oo94xnmw"),
        size=4096,
    )


def test_the_example_of_two_records_with_padding() -> None:
    """RFC 8188 §3.2."""
    assert octets(
        "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA"
    ) == coding.seal(
        [(b"I am th", 1), (b"e walrus", 0)],
        octets("BO3ZVPxUlnLORbVGMpbT1Q"),
        octets("uNCkWiNYzKTnBN9ji3-qWA"),
        size=25,
        key_id=b"a1",
    )


@given(st.binary(max_size=300), st.integers(0, 40), st.binary(min_size=16, max_size=16))
def test_http_ece_reads_one_record(data: bytes, padding: int, salt: bytes) -> None:
    material = b"m" * 16
    sealed = coding.seal([(data, padding)], material, salt, size=400)
    assert data == http_ece.decrypt(sealed, key=material)


@given(st.binary(min_size=1, max_size=300), st.integers(19, 60))  # of nothing, http_ece makes no record
def test_http_ece_writes_the_same_records(data: bytes, size: int) -> None:
    material, salt = b"m" * 16, b"s" * 16
    room = size - coding.OVERHEAD
    pieces = [data[at : at + room] for at in range(0, len(data), room)]
    sealed = coding.seal([(piece, 0) for piece in pieces], material, salt, size=size)
    assert http_ece.encrypt(data, salt=salt, key=material, rs=size) == sealed


@pytest.mark.parametrize(
    ("records", "salt", "size", "key_id"),
    [
        ([], bytes(16), 100, b""),
        ([(b"", 0)], bytes(15), 100, b""),
        ([(b"", 0)], bytes(16), 17, b""),
        ([(b"", 0)], bytes(16), 2**32, b""),
        ([(b"", 0)], bytes(16), 100, bytes(256)),
        ([(bytes(84), 0)], bytes(16), 100, b""),
        ([(bytes(10), 74)], bytes(16), 100, b""),
        ([(bytes(82), 0), (b"", 0)], bytes(16), 100, b""),
    ],
    ids=["none", "salt", "size", "huge", "key id", "too long", "too padded", "too short"],
)
def test_what_the_coding_cannot_say_is_refused(
    records: list[tuple[bytes, int]], salt: bytes, size: int, key_id: bytes
) -> None:
    with pytest.raises(ValueError):
        coding.seal(records, b"material", salt, size=size, key_id=key_id)
