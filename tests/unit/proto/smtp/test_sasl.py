"""What is said inside AUTH (RFC 4616, RFC 7628, RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.smtp.sasl import Bearer, Plain, read_bearer, read_plain
from posthouse.proto.smtp.scram import Exchange, Keys, derive


def test_plain_has_a_name_and_a_password() -> None:
    assert Plain("ada", "s3 crèt") == read_plain("\0ada\0s3 crèt".encode())
    assert Plain("ada", "x") == read_plain(b"ada\0ada\0x")


@pytest.mark.parametrize(
    "message", [b"", b"\0", b"\0ada", b"\0ada\0", b"\0\0x", b"root\0ada\0x", b"\0ada\0x\0", b"\0ada\0\xff"]
)
def test_other_messages_of_plain_are_refused(message: bytes) -> None:
    assert read_plain(message) is None


def test_a_bearer_token_is_read() -> None:
    message = b"n,a=user=2Cx@example.com,\1host=mx\1port=587\1auth=Bearer vF9dft4qmTc2Nvb3\1\1"
    assert Bearer("vF9dft4qmTc2Nvb3", "user,x@example.com") == read_bearer(message)
    assert Bearer("t", "") == read_bearer(b"n,,\1auth=bearer t\1\1")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\1",
        b"n,,",
        b"n,,\1\1",
        b"n,,\1auth=Basic x\1\1",
        b"n,,\1auth=Bearer \xff\1\1",
        b"y,,\1auth=Bearer t\1\1",
    ],
)
def test_other_messages_of_oauthbearer_are_refused(message: bytes) -> None:
    assert read_bearer(message) is None


SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
PENCIL = derive(b"pencil", SALT, 4096)
PEN = derive(b"pen", SALT, 4096)
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)


def begun(keys: list[object]) -> Exchange:
    exchange = Exchange("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    assert "user" == exchange.begin(FIRST)
    expected = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert expected == exchange.challenge(Keys(SALT, 4096, keys))  # type: ignore[arg-type]
    return exchange


def test_the_exchange_of_rfc_7677_goes_well() -> None:
    success = begun([PEN, PENCIL]).finish(FINAL)
    assert success is not None
    assert (PENCIL, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == success


@pytest.mark.parametrize(
    "final",
    [
        b"",
        FINAL[:-4] + b"AAA=",
        FINAL.replace(b"p=dHzb", b"p=d!zb"),
        FINAL.replace(b"biws", b"eSws"),
        FINAL.replace(b"hvYD", b"hvYE"),
        FINAL.replace(b",p=", b",x=1,p="),
        FINAL + b"\xff",
        FINAL[: FINAL.index(b"p=")] + b"p=AAAA",
    ],
)
def test_another_final_message_proves_nothing(final: bytes) -> None:
    assert begun([PENCIL]).finish(final) is None


def test_nobody_has_no_key_to_prove() -> None:
    assert begun([PEN]).finish(FINAL) is None
    assert begun([]).finish(FINAL) is None


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"p=tls-unique,,n=user,r=abc",
        b"n,a=root,n=user,r=abc",
        b"n,,m=x,n=user,r=abc",
        b"n,,n=,r=abc",
        b"n,,n=user,r=",
        b"n,,n=us\xffer,r=abc",
        b"n,,n=user,r=a\nb",
    ],
)
def test_another_first_message_is_refused(first: bytes) -> None:
    assert Exchange("x").begin(first) is None


def test_a_client_that_could_bind_channels_may_come() -> None:
    assert "a=b" == Exchange("x").begin(b"y,a=a=3Db,n=a=3Db,r=abc")


@given(st.binary(max_size=60))
def test_nothing_raises(message: bytes) -> None:
    read_plain(message)
    read_bearer(message)
    read_bearer(b"n,," + message)
    Exchange("x").begin(message)
    begun([PENCIL]).finish(message)
