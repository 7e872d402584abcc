"""Mail programs of our users send by SMTP, through a server as it is started (RFC 6409, RFC 8314)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import shutil
import smtplib
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from posthouse.testing import certificate
from posthouse.testing.client import Jmap

from .conftest import NAME, PASSWORD, Commands, Process

BOB = ("bob@example.org", "battery staple")
DEMO, FRIEND = ("demo@example.org", "demo"), ("friend@example.org", "friend")
PATIENCE = 60


def port_of(server: Process, door: str) -> int:
    found = re.search(rf"^\W*{door}\W+127\.0\.0\.1:(\d+)", server.said, re.M | re.I)
    assert found is not None, server.said
    return int(found[1])


def letter(sender: str, to: str, subject: str, more: str = "") -> bytes:
    return f"From: <{sender}>\r\nTo: <{to}>\r\n{more}Subject: {subject}\r\n\r\nHow are you?\r\n".encode()


def emails(client: Jmap, role: str, subject: str) -> list[dict[str, Any]]:
    """Give the Emails of a subject in the Mailbox with a role."""
    homes = [one["id"] for one in client.ask("Mailbox/get")["list"] if one["role"] == role]
    ids = client.ask("Email/query", filter={"inMailbox": homes[0], "subject": subject})["ids"]
    properties = ["keywords", "messageId", "sentAt", "from", "headers", "mailboxIds", "blobId"]
    found: list[dict[str, Any]] = client.ask("Email/get", ids=ids, properties=properties)["list"]
    return found


def arrived(client: Jmap, subject: str) -> dict[str, Any]:
    """Wait for an Email in the Inbox."""
    until = time.monotonic() + PATIENCE
    while not (found := emails(client, "inbox", subject)):
        assert time.monotonic() < until, subject
        time.sleep(0.05)  # between two looks
    assert 1 == len(found)
    return found[0]


def names(email: dict[str, Any]) -> list[str]:
    return [field["name"].lower() for field in email["headers"]]


@contextmanager
def secure(posthouse: Commands, folder: Path, *more: str | Path) -> Iterator[tuple[Process, ssl.SSLContext]]:
    """Serve both ways of submission with a certificate, for Ada and Bob."""
    posthouse.add()
    posthouse.add(*BOB)
    chain, key = certificate.make(folder)
    config = folder / "posthouse.toml"
    config.write_text(
        f'[tls]\ncertificate = "{chain}"\nkey = "{key}"\n[mail]\nhostname = "mx.example.org"\n'
        "[relay]\noutward = false\n"
    )
    ways = ["--submission", "127.0.0.1:0", "--submissions", "127.0.0.1:0"]
    with posthouse.serving("serve", "--config", config, *ways, *more) as server:
        yield server, ssl.create_default_context(cafile=chain)


@contextmanager
def implicit(server: Process, trust: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    port = port_of(server, "SUBMISSIONS")
    with smtplib.SMTP_SSL("127.0.0.1", port, context=trust, timeout=PATIENCE) as client:
        client.ehlo()
        yield client


def test_two_users_of_the_demo_write_to_each_other(posthouse: Commands) -> None:
    with posthouse.serving("demo") as server:
        for (name, password), (other, others_password) in [(DEMO, FRIEND), (FRIEND, DEMO)]:
            with smtplib.SMTP("127.0.0.1", port_of(server, "Submission"), timeout=PATIENCE) as client:
                client.login(name, password)
                message = letter(name, other, f"From {name}", "Bcc: <secret@example.org>\r\n")
                assert {} == client.sendmail(name, [other], message)
            sender, receiver = server.client(name, password), server.client(other, others_password)
            [sent] = emails(sender, "sent", f"From {name}")
            assert {"$seen": True} == sent["keywords"]
            assert sent["messageId"] and sent["sentAt"]
            assert "bcc" in names(sent) and "received" not in names(sent)
            got = arrived(receiver, f"From {name}")
            assert sent["messageId"] == got["messageId"]
            assert sent["sentAt"] == got["sentAt"]
            assert "bcc" not in names(got)
            assert 2 == names(got).count("received")
        assert 0 == server.end()


@pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")
def test_swaks_sends(posthouse: Commands) -> None:
    with posthouse.serving("demo") as server:
        ended = subprocess.run(
            [
                *["swaks", "--server", f"127.0.0.1:{port_of(server, 'Submission')}", "-a", "PLAIN"],
                *["-au", FRIEND[0], "-ap", FRIEND[1], "--from", FRIEND[0], "--to", DEMO[0]],
                *["--header", "Subject: by swaks"],
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert 0 == ended.returncode, ended.stdout
        assert arrived(server.client(*DEMO), "by swaks")


def test_passwords_and_app_passwords_are_good_under_tls_only(posthouse: Commands, tmp_path: Path) -> None:
    with secure(posthouse, tmp_path) as (server, trust):
        token = posthouse.run("account", "token", NAME).stdout.split()[-1]
        with smtplib.SMTP("127.0.0.1", port_of(server, "SUBMISSION"), timeout=PATIENCE) as client:
            client.ehlo()
            assert not client.has_extn("auth")
            assert 538 == client.docmd("AUTH", "PLAIN AGEAYg==")[0]
            assert 530 == client.mail(NAME)[0]
            client.starttls(context=trust)
            client.ehlo()
            assert {"PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"} == set(client.esmtp_features["auth"].split())
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login(NAME, "guess")
            client.login(NAME, token)
            assert {} == client.sendmail(NAME, [BOB[0]], letter(NAME, BOB[0], "one"))
        with implicit(server, trust) as client:
            assert 530 == client.mail(NAME)[0]
            client.login(NAME, PASSWORD)
            assert {} == client.sendmail(NAME, [BOB[0]], letter(NAME, BOB[0], "two"))
        bob = server.client(*BOB, ca=str(tmp_path / "certificate.pem"))
        protocols = [
            field["value"] for field in arrived(bob, "one")["headers"] if field["name"] == "Received"
        ]
        assert any("by mx.example.org with ESMTPSA" in value for value in protocols)
        arrived(bob, "two")


def scram(client: smtplib.SMTP, name: str, password: str) -> int:
    """Sign in as a client that was written from RFC 7677; give the last code."""

    def said(text: str, before: str = "") -> tuple[int, str]:
        code, reply = client.docmd(before + base64.b64encode(text.encode()).decode())
        return code, base64.b64decode(reply).decode() if code == 334 else ""

    first = f"n={name},r={secrets.token_hex(9)}"
    _, challenge = said(f"n,,{first}", "AUTH SCRAM-SHA-256 ")
    values = dict(pair.split("=", 1) for pair in challenge.split(","))
    salt, times = base64.b64decode(values["s"]), int(values["i"])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, times)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    final = f"c=biws,r={values['r']}"
    signed = f"{first},{challenge},{final}".encode()
    signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
    proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
    code, verifier = said(f"{final},p={base64.b64encode(proof).decode()}")
    if code != 334:
        return code
    shown = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
    assert verifier == "v=" + base64.b64encode(shown).decode()
    return said("")[0]


def test_app_passwords_are_proved_and_tokens_borne(posthouse: Commands, tmp_path: Path) -> None:
    with secure(posthouse, tmp_path) as (server, trust):
        token = posthouse.run("account", "token", NAME).stdout.split()[-1]
        with implicit(server, trust) as client:
            assert 535 == scram(client, NAME, "guess")
            assert 535 == scram(client, "nobody@example.org", token)
            assert 535 == scram(client, NAME, PASSWORD)
            assert 235 == scram(client, NAME, token)
            assert {} == client.sendmail(NAME, [BOB[0]], letter(NAME, BOB[0], "proved"))
        with implicit(server, trust) as client:
            wrong = base64.b64encode(b"n,,\1auth=Bearer ph_none\1\1").decode()
            assert 334 == client.docmd("AUTH", f"OAUTHBEARER {wrong}")[0]
            assert 535 == client.docmd("AQ==")[0]
            borne = base64.b64encode(f"n,a={NAME},\1auth=Bearer {token}\1\1".encode()).decode()
            assert 235 == client.docmd("AUTH", f"OAUTHBEARER {borne}")[0]
            assert {} == client.sendmail(NAME, [BOB[0]], letter(NAME, BOB[0], "borne"))
            assert 0 == posthouse.run("account", "token", NAME, "--revoke", "1").returncode
            assert 530 == client.mail(NAME)[0]
        bob = server.client(*BOB, ca=str(tmp_path / "certificate.pem"))
        arrived(bob, "proved")
        arrived(bob, "borne")


def test_each_sends_from_his_own_addresses(posthouse: Commands, tmp_path: Path) -> None:
    with secure(posthouse, tmp_path) as (server, trust), implicit(server, trust) as client:
        assert 0 == posthouse.run("alias", "add", "ada@example.com", NAME).returncode
        client.login(NAME, PASSWORD)
        assert 550 == client.mail(BOB[0])[0]
        for message, code in [
            (letter(BOB[0], BOB[0], "forged"), 550),
            (b"To: <bob@example.org>\r\nSubject: forged\r\n\r\n", 554),
            (letter(f"{NAME}>, <{BOB[0]}", BOB[0], "forged"), 550),
        ]:
            with pytest.raises(smtplib.SMTPDataError) as refused:
                client.sendmail(NAME, [BOB[0]], message)
            assert code == refused.value.smtp_code
        with pytest.raises(smtplib.SMTPRecipientsRefused) as none:
            client.sendmail(NAME, ["nobody@example.org"], letter(NAME, BOB[0], "forged"))
        assert [550] == [code for code, _ in none.value.recipients.values()]
        ada = server.client(ca=str(tmp_path / "certificate.pem"))
        assert [] == emails(ada, "sent", "forged")
        assert [] == ada.ask("EmailSubmission/get")["list"]
        own = letter("Ada+list@Example.org", BOB[0], "own")
        assert {} == client.sendmail("ada@example.com", [BOB[0]], own)
        assert {} == client.sendmail("", [BOB[0]], letter("ada@example.com", BOB[0], "from nobody"))
        bob = server.client(*BOB, ca=str(tmp_path / "certificate.pem"))
        arrived(bob, "own")
        arrived(bob, "from nobody")


def test_what_is_sent_is_filed_once_and_stands_as_a_submission(posthouse: Commands, tmp_path: Path) -> None:
    with secure(posthouse, tmp_path, "--workers", "2") as (server, trust):
        ada = server.client(ca=str(tmp_path / "certificate.pem"))
        more = "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n"
        message = letter(NAME, BOB[0], "kept", more)
        blob = ada.upload(message)
        sent = next(one["id"] for one in ada.ask("Mailbox/get")["list"] if one["role"] == "sent")
        filed = ada.ask("Email/import", emails={"k": {"blobId": blob, "mailboxIds": {sent: True}}})
        with implicit(server, trust) as client:
            client.login(NAME, PASSWORD)
            assert {} == client.sendmail(NAME, [BOB[0]], message)
            assert {} == client.sendmail(NAME, [BOB[0]], letter(NAME, BOB[0], "later"), ["HOLDFOR=3600"])
        assert [filed["created"]["k"]["id"]] == [one["id"] for one in emails(ada, "sent", "kept")]
        bob = server.client(*BOB, ca=str(tmp_path / "certificate.pem"))
        arrived(bob, "kept")
        until = time.monotonic() + PATIENCE
        while True:
            first, held = ada.ask("EmailSubmission/get")["list"]
            if first["deliveryStatus"][BOB[0]]["delivered"] == "yes":
                break
            assert time.monotonic() < until
            time.sleep(0.05)  # between two looks
        assert filed["created"]["k"]["id"] == first["emailId"]
        assert ("final", "pending") == (first["undoStatus"], held["undoStatus"])
        assert {"HOLDFOR": "3600"} == held["envelope"]["mailFrom"]["parameters"]
        assert [] == emails(bob, "inbox", "later")
        canceled = ada.ask("EmailSubmission/set", update={held["id"]: {"undoStatus": "canceled"}})
        assert [held["id"]] == list(canceled["updated"])


def test_submission_in_clear_is_for_this_machine_only(posthouse: Commands) -> None:
    posthouse.add()
    for arguments, said in [
        (["--submission", "0.0.0.0:0"], "submission: 0.0.0.0:0 can be reached from other machines"),
        (["--submissions", "127.0.0.1:0"], "submissions: this is TLS from the start"),
        (["--submission", "nowhere"], "submission: 'nowhere' is not HOST:PORT"),
    ]:
        ended = posthouse.run("serve", "--listen", "127.0.0.1:0", *arguments)
        assert (1, "") == (ended.returncode, ended.stdout)
        assert said in ended.stderr
