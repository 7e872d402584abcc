"""Programs that others wrote: swaks submits, Postfix hands over by LMTP."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from courier.desk import ADA, APP_PASSWORD, office
from courier.postfix import postfix
from posthouse.testing import certificate


def swaks(port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["swaks", "--server", "127.0.0.1", "--port", str(port), "--timeout", "30", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate.make(tmp_path_factory.mktemp("tls")))
    return context


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the users of other programs may enter."""
    with tempfile.TemporaryDirectory(prefix="posthouse-lmtp-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.peer("swaks")
@pytest.mark.parametrize("is_implicit", [False, True])
def test_swaks_submits(tls: ssl.SSLContext, is_implicit: bool) -> None:
    with office("submission", tls=tls, is_implicit=is_implicit) as place:
        done = swaks(
            place.port,
            *(
                "--tls-on-connect" if is_implicit else "--tls",
                "--auth",
                "PLAIN",
                "--auth-user",
                "ada@example.org",
            ),
            *(
                "--auth-password",
                "secret",
                "--from",
                "ada@example.org",
                "--to",
                "bob@example.org,eve@example.org",
            ),
            *("--pipeline", "--header", "Subject: from swaks", "--body", ".dot\\n..dots\\n"),
        )
        assert 0 == done.returncode, done.stdout + done.stderr
        [letter] = place.desk.letters
    assert ADA == letter.caller
    assert ["bob@example.org", "eve@example.org"] == [str(each.address) for each in letter.recipients]
    assert b"\r\n.dot\r\n..dots\r\n" in letter.content


@pytest.mark.peer("swaks")
def test_swaks_hears_that_a_password_is_wrong(tls: ssl.SSLContext) -> None:
    with office("submission", tls=tls) as place:
        credentials = ("--auth", "PLAIN", "--auth-user", "ada@example.org", "--auth-password", APP_PASSWORD)
        done = swaks(place.port, "--tls", *credentials, "--to", "bob@example.org")
        assert 28 == done.returncode
        assert "535 5.7.8" in done.stdout


@pytest.mark.peer("swaks")
def test_swaks_speaks_lmtp_on_a_unix_socket(open_folder: Path) -> None:
    path = open_folder / "lmtp"
    with office("lmtp", path=path) as place:
        to = "bob@example.org,full@example.org,unknown@example.org"
        arguments = ["--protocol", "LMTP", "--socket", str(path), "--from", "<>", "--to", to]
        done = subprocess.run(["swaks", *arguments], capture_output=True, text=True, check=False)
        assert "550 5.1.1" in done.stdout
        assert "250 2.0.0 Kept" in done.stdout
        assert "452 4.2.2" in done.stdout
        assert 1 == len(place.desk.letters)


@pytest.mark.peer("postfix")
@pytest.mark.parametrize("way", ["unix", "inet"])
def test_postfix_hands_over_by_lmtp(open_folder: Path, way: str) -> None:
    path = open_folder / "lmtp" if way == "unix" else None
    with office("lmtp", path=path) as place:
        if path is not None:
            path.chmod(0o666)
        target = f"unix:{path}" if path is not None else f"inet:[127.0.0.1]:{place.port}"
        with postfix(target) as front:
            message = "From: Ada <ada@example.org>\nSubject: over\n\n.dot\nGrüße\n" + "x" * 5000 + "\n"
            to = ["bob@example.org", "unknown@example.org", "full@example.org"]
            front.send(message, "ada@example.org", *to)
            letter = place.desk.came.get(timeout=60)
            assert b"\r\n.dot\r\nGr\xc3\xbc\xc3\x9fe\r\n" in letter.content
            assert "ada@example.org" == str(letter.sender.address)
            assert ["bob@example.org", "full@example.org"] == sorted(
                str(each.address) for each in letter.recipients
            )
            # Its bounce for the unknown one comes back to the sender, from nobody.
            bounce = place.desk.came.get(timeout=60)
            assert bounce.sender.address is None
            assert ["ada@example.org"] == [str(each.address) for each in bounce.recipients]
            assert b"5.1.1" in bounce.content
            assert "to=<full@example.org>" in front.log
            assert "452 4.2.2 The mailbox is full" in front.log
            front.send("Subject: å\n\n\n", "ada@example.org", "å@example.org")
            wide = place.desk.came.get(timeout=60)
            assert "å@example.org" == str(wide.recipients[0].address)
            assert wide.sender.smtputf8
