"""TLS and signing in, with the clients that everybody uses (RFC 3207, RFC 4954, RFC 8314)."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib
import pytest

from courier.desk import ADA, Office, codes, office, read_all, read_reply
from posthouse.serve.smtp.settings import Settings
from posthouse.testing import certificate

MESSAGE = "From: ada@example.org\r\nTo: bob@example.org\r\nSubject: Straße\r\n\r\n.Hello\r\n"


@dataclass
class Contexts:
    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    chain, key = certificate.make(tmp_path_factory.mktemp("tls"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    return Contexts(server, ssl.create_default_context(cafile=str(chain)))


@pytest.fixture
def submission(tls: Contexts) -> Iterator[Office]:
    with office("submission", tls=tls.server, max_hold=86400) as place:
        yield place


def test_smtplib_submits_over_starttls(submission: Office, tls: Contexts) -> None:
    with smtplib.SMTP("127.0.0.1", submission.port) as client:
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            client.sendmail("ada@example.org", "bob@example.org", "")
        assert not client.has_extn("auth")
        client.starttls(context=tls.client)
        client.login("ada@example.org", "secret")
        assert {} == client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE.encode())
    [letter] = submission.desk.letters
    assert ADA == letter.caller
    assert "ESMTPSA" == letter.peer.protocol(utf8=False)
    assert "TLSv1.3 " == letter.peer.tls[:8]
    assert MESSAGE.encode() == letter.content


def test_smtplib_submits_over_implicit_tls(tls: Contexts) -> None:
    with office("submission", tls=tls.server, is_implicit=True) as place:
        with smtplib.SMTP_SSL("127.0.0.1", place.port, context=tls.client) as client:
            client.login("ada@example.org", "secret")
            assert {} == client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE.encode())
        assert ADA == place.desk.letters[0].caller


def test_a_wrong_password_is_refused(submission: Office, tls: Contexts) -> None:
    with smtplib.SMTP("127.0.0.1", submission.port) as client:
        client.starttls(context=tls.client)
        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            client.login("ada@example.org", "guess")
        with pytest.raises(smtplib.SMTPAuthenticationError, match="454"):
            client.login("eager", "guess")
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            client.sendmail("ada@example.org", "bob@example.org", "")


def test_a_bearer_token_lets_in(submission: Office, tls: Contexts) -> None:
    with smtplib.SMTP("127.0.0.1", submission.port) as client:
        client.starttls(context=tls.client)
        client.ehlo()
        code, said = client.auth("OAUTHBEARER", lambda challenge=None: "n,,\1auth=Bearer token\1\1")
        assert 235 == code, said


def test_who_shows_a_wrong_token_hears_so_before_he_is_refused(submission: Office, tls: Contexts) -> None:
    with smtplib.SMTP("127.0.0.1", submission.port) as client:
        client.starttls(context=tls.client)
        client.ehlo()
        heard = []

        def respond(challenge: bytes | None = None) -> str:
            heard.append(challenge)
            return "n,,\1auth=Bearer other\1\1" if challenge is None else "\1"

        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            client.auth("OAUTHBEARER", respond)
    assert [None, b'{"status":"invalid_token","schemes":"bearer"}'] == heard


def test_aiosmtplib_sends_over_starttls_and_with_smtputf8(tls: Contexts) -> None:
    async def send(port: int) -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, tls_context=tls.client)
        async with client:
            assert client.transport is not None
            assert client.transport.get_extra_info("cipher") is not None
            await client.sendmail(
                "ö@example.org",
                ["bob@example.org"],
                MESSAGE.encode(),
                mail_options=["SMTPUTF8", "BODY=8BITMIME"],
            )

    with office(tls=tls.server) as place:
        asyncio.run(send(place.port))
        [letter] = place.desk.letters
    assert "ö@example.org" == str(letter.sender.address)
    assert (True, "8BITMIME") == (letter.sender.smtputf8, letter.sender.body)
    assert "UTF8SMTPS" == letter.peer.protocol(utf8=True)


@pytest.mark.parametrize("injected", [b"EHLO evil\r\n", b"x", b"\r\n"])
def test_what_a_third_pipelines_behind_starttls_ends_the_connection(
    submission: Office, injected: bytes
) -> None:
    with submission.connect() as connection:
        connection.sendall(b"EHLO a\r\nSTARTTLS\r\n" + injected)
        assert 220 not in codes(read_all(connection))[1:]


def test_what_a_third_sends_a_moment_later_ends_the_connection(submission: Office) -> None:
    with submission.connect() as connection:
        read_reply(connection)
        connection.sendall(b"STARTTLS\r\n")
        assert [220] == codes(read_reply(connection))
        connection.sendall(b"EHLO evil\r\nNOOP\r\n")
        assert b"250" not in read_all(connection)


@pytest.mark.parametrize("is_implicit", [False, True])
def test_who_never_shakes_hands_is_sent_away_and_leaves_his_place(tls: Contexts, is_implicit: bool) -> None:
    hasty = Settings(connections=2, handshake=0.2)
    with office("submission", tls=tls.server, is_implicit=is_implicit, settings=hasty) as place:
        for _ in range(3):
            with place.connect() as connection:
                if not is_implicit:
                    connection.sendall(b"STARTTLS\r\n")
                read_all(connection)
        # Each of them had left before the next came, or about to.
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                connection = stack.enter_context(place.connect())
                if is_implicit:
                    connection = stack.enter_context(
                        tls.client.wrap_socket(connection, server_hostname="localhost")
                    )
                assert b"220" == read_reply(connection)[:3]


def test_octets_under_tls_are_taken_in_any_portions(tls: Contexts) -> None:
    content = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 60_000
    with office("submission", tls=tls.server, is_implicit=True) as place:
        with smtplib.SMTP_SSL("127.0.0.1", place.port, context=tls.client) as client:
            client.login("ada@example.org", "secret")
            assert {} == client.sendmail("ada@example.org", ["bob@example.org"], content)
        assert content == place.desk.letters[0].content


def test_a_refusal_under_tls_is_read(tls: Contexts) -> None:
    with (
        office("submission", tls=tls.server, is_implicit=True) as place,
        place.connect() as plain,
        tls.client.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"EHLO a\nNOOP\r\n")
        assert b"220" == read_reply(connection)[:3]
        assert b"521" == read_reply(connection)[:3]


def test_lmtp_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    with office("lmtp", path=path) as place:
        assert 0o660 == path.stat().st_mode & 0o777
        with smtplib.LMTP(str(path)) as client:
            client.sendmail("a@b.example", ["bob@example.org"], MESSAGE.encode())
        [letter] = place.desk.letters
    assert ("", "LMTP") == (letter.peer.address, letter.peer.protocol(False))
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(str(path))
    with office("lmtp", path=path):  # what is left over is replaced
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
        with pytest.raises(FileExistsError), office("lmtp", path=path):
            pass


def test_a_client_on_loopback_may_sign_in_without_tls() -> None:
    with office("submission", needs_no_tls=True) as place, smtplib.SMTP("127.0.0.1", place.port) as client:
        client.login("ada@example.org", "secret")
        assert {} == client.sendmail("ada@example.org", ["bob@example.org"], MESSAGE.encode())
        assert "ESMTPA" == place.desk.letters[0].peer.protocol(False)
