"""Signing in without saying the password (RFC 5802 §5, RFC 7677)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
from collections.abc import Iterator

import pytest

from courier.desk import ADA, APP_PASSWORD, Office, codes, office, read_reply


@pytest.fixture
def submission() -> Iterator[Office]:
    with office("submission", needs_no_tls=True) as place:
        yield place


def said(reply: bytes) -> str:
    assert b"334 " == reply[:4], reply
    return base64.b64decode(reply[4:]).decode()


def sign_in(connection: socket.socket, name: str, password: str, binding: str = "biws") -> tuple[int, bool]:
    """Sign in as a client that was written from the RFC; give the last code, and whether the server proved itself."""

    def say(text: str, before: bytes = b"") -> bytes:
        connection.sendall(before + base64.b64encode(text.encode()) + b"\r\n")
        return read_reply(connection)

    nonce = secrets.token_hex(9)
    first = f"n={name},r={nonce}"
    challenge = said(say("n,," + first, b"AUTH SCRAM-SHA-256 "))
    values = dict(pair.split("=", 1) for pair in challenge.split(","))
    assert values["r"].startswith(nonce)
    salt, times = base64.b64decode(values["s"]), int(values["i"])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, times)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    final = f"c={binding},r={values['r']}"
    signed = f"{first},{challenge},{final}".encode()
    signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
    proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
    reply = say(f"{final},p={base64.b64encode(proof).decode()}")
    if not reply.startswith(b"334"):
        return codes(reply)[0], False
    server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
    is_proved = said(reply) == "v=" + base64.b64encode(server).decode()
    return codes(say(""))[0], is_proved


def test_an_app_password_is_proved_and_not_said(submission: Office) -> None:
    with submission.connect() as connection:
        connection.sendall(b"EHLO a\r\n")
        read_reply(connection), read_reply(connection)
        assert (535, False) == sign_in(connection, "ada@example.org", "guess")
        assert (535, False) == sign_in(connection, "nobody@example.org", APP_PASSWORD)
        # He says that he meant another header than the one that came: somebody changed it on the way.
        assert (535, False) == sign_in(connection, "ada@example.org", APP_PASSWORD, "eSws")
        assert (235, True) == sign_in(connection, "ada@example.org", APP_PASSWORD)
        connection.sendall(b"MAIL FROM:<ada@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n")
        assert [250, 250, 354, 250] == [codes(read_reply(connection))[0] for _ in range(4)]
    assert ADA == submission.desk.letters[0].caller


@pytest.mark.parametrize("message", [b"AAAA", b"=", b"biwsbj1hZGE="])
def test_what_is_no_scram_is_refused(submission: Office, message: bytes) -> None:
    replies = submission.talk(b"EHLO a\r\nAUTH SCRAM-SHA-256 " + message + b"\r\n")
    assert [220, 250, 501] == codes(replies)


def test_who_stops_in_the_middle_may_begin_again(submission: Office) -> None:
    first = base64.b64encode(b"n,,n=ada@example.org,r=abc") + b"\r\n"
    replies = submission.talk(
        b"EHLO a\r\nAUTH SCRAM-SHA-256\r\n" + first + b"*\r\nAUTH SCRAM-SHA-256 " + first
    )
    assert [220, 250, 334, 334, 501, 334] == codes(replies)
