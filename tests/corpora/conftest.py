"""Real messages, and a server that has taken them in by ``posthouse import``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from posthouse.testing.server import User
from wire import email_shape
from wire.person import Person

ROOT = Path(__file__).resolve().parent.parent.parent
SPAM_ASSASSIN = Path(__file__).resolve().parent / ".data" / "spam-assassin.tgz"
PASSWORD = "secret"
BATCH = 50


def cpython() -> Iterator[tuple[str, bytes]]:
    """The messages that the tests of the standard library's email package read."""
    test_email = pytest.importorskip("test.test_email", reason="this Python ships without its tests")
    for path in sorted(Path(test_email.__file__).with_name("data").glob("*.txt")):
        yield path.name, path.read_bytes()


def shared() -> Iterator[tuple[str, bytes]]:
    """The awkward messages that lie beside the repository."""
    folder = ROOT.parent / "shared" / "corpus" / "mail"
    if not folder.is_dir():
        pytest.skip("../shared/corpus/mail is absent")
    for path in sorted(folder.rglob("*.eml")):
        yield path.name, path.read_bytes()


def spam_assassin() -> Iterator[tuple[str, bytes]]:
    """Each fortieth message of a public corpus of ham and spam, as an npm package ships it."""
    with tarfile.open(SPAM_ASSASSIN) as archive:
        members = [member for member in archive if re.search(r"/data/[^/]+/[^/]+\.txt$", member.name)]
        for member in sorted(members, key=lambda member: member.name)[::40]:
            file = archive.extractfile(member)
            assert file is not None
            yield member.name, file.read()


def sample() -> Iterator[tuple[str, bytes]]:
    """The sample mailbox of ``posthouse demo``."""
    from posthouse.app.sample import messages

    for at, message in enumerate(messages("demo@example.org", "friend@example.org", 1_700_000_000, 200)):
        yield f"sample {at}", message.data


def hostile() -> Iterator[tuple[str, bytes]]:
    """Bytes that nobody should send."""
    part = b"--x\r\nContent-Type: text/plain\r\n\r\n%d\r\n"
    mixed = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (at, at) for at in range(60)
    )
    attached = b"".join(b"Content-Type: message/rfc822\r\nSubject: %d\r\n\r\n" % at for at in range(60))
    yield "a letter", b"x"
    yield "line ends", b"\r\n\n\r"
    yield "NULs", b"Sub\0ject: a\0b\r\nFrom: \0a@b\r\n\r\n\0\0text\0"
    yield (
        "every octet",
        b"Subject: " + bytes(range(256)) + b"\r\nX-%s: 1\r\n\r\n" % bytes(range(256)) + bytes(range(256)),
    )
    yield "no body", b"Subject: none"
    yield "no head", b"\r\nonly a body"
    yield "400 parts", mixed + b"".join(part % at for at in range(400)) + b"--x--\r\n"
    yield "60 levels", deep + b"\r\nat the bottom"
    yield "60 messages inside", attached + b"at the bottom"
    yield "a part without an end", mixed + b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAA"
    yield (
        "a boundary of its own",
        mixed + b"--x\r\n" + mixed + b"--x\r\n\r\n1\r\n--x--\r\n--x\r\n\r\n2\r\n--x--",
    )
    yield "no boundary", mixed.replace(b"; boundary=x", b"") + b"--x\r\n\r\n1"
    yield "an empty boundary", mixed.replace(b"boundary=x", b'boundary=""') + b"--\r\n\r\n1"
    yield "a long line", b"Subject: " + b"x" * 400_000 + b"\r\n\r\n" + b"y" * 1_000_000
    yield (
        "many recipients",
        b"To: " + b", ".join(b"Name %d <a%d@b.example>" % (at, at) for at in range(5000)) + b"\r\n\r\n",
    )
    yield "many fields", b"".join(b"X-%d: v\r\n" % (at % 150) for at in range(3000)) + b"\r\n"
    yield "brackets", b"From: " + b"(" * 5000 + b"<" * 5000 + b'"' * 5001 + b"\r\n\r\n"
    yield (
        "encoded words",
        b"Subject: " + b"=?utf-8?b?4oKs?= " * 3000 + b"=?utf-8?q?=e2=82" * 500 + b"\r\n\r\n",
    )
    yield (
        "parameters",
        b"Content-Type: text/plain; " + b"; ".join(b"name*%d*=%%41" % at for at in range(3000)) + b"\r\n\r\n",
    )
    yield (
        "references",
        b"References: " + b"<a@b> " * 5000 + b"\r\nMessage-ID: <" + b"x" * 5000 + b"@b>\r\n\r\n",
    )
    yield (
        "dates",
        b"Date: Fri, 99 Foo 99999 99:99:99 +9999\r\nReceived: ; Sat, 0 Jan 0000 24:60:61 -0000\r\n\r\n",
    )
    yield (
        "charsets",
        b'Content-Type: text/plain; charset="\0utf-\xff8"\r\nContent-Transfer-Encoding: 9bit\r\n\r\n\xff\xfe',
    )
    yield "markup", b"Content-Type: text/html\r\n\r\n" + b"<div><!--" * 20_000 + b"<a title='" * 20_000


CORPORA: dict[str, Callable[[], Iterator[tuple[str, bytes]]]] = {
    "cpython": cpython,
    "shared": shared,
    "spam-assassin": spam_assassin,
    "sample": sample,
    "hostile": hostile,
}


@dataclass
class Taken:
    """A corpus in an account: its messages by their bytes, who can read it, and what he was given.

    is_sound: whether a program that is strict can read many of the messages. whole: of each message its name,
    its bytes as they were downloaded, and all of its properties.
    """

    person: Person
    names: dict[bytes, str]
    export: Callable[[Path], None]
    is_sound: bool
    whole: list[tuple[str, bytes, Any]] = field(default_factory=list)

    def read(self) -> None:
        """Get and download all messages, a page at a time."""
        _, found = self.person.call("Email/query")
        for at in range(0, len(found["ids"]), BATCH):
            _, answer = self.person.call(
                "Email/get",
                ids=found["ids"][at : at + BATCH],
                properties=email_shape.MESSAGE_PROPERTIES,
                bodyProperties=email_shape.PART_PROPERTIES,
                fetchAllBodyValues=True,
            )
            for one in answer["list"]:
                data = self.download(one["blobId"])
                self.whole.append((self.names[data], data, one))

    def download(self, blob: str) -> bytes:
        """Give the bytes of a message or part."""
        return self.person.http.get(self.person.url_of(blob)).raise_for_status().content


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpora") / "data"


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    """The URL of a server on the data folder, into which mail is imported while it runs."""
    _posthouse(data, "account", "add", "nobody@example.org", "--password-stdin")
    command = [sys.executable, "-m", "posthouse", "serve", "--listen", "127.0.0.1:0", "--data", str(data)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=_environment()) as server:
        try:
            assert server.stdout is not None
            said = ""
            for line in server.stdout:
                said += line
                if line.startswith("Ready"):
                    break
            found = re.search(r"http://[0-9.:]+", said)
            assert found is not None, said
            yield found[0]
        finally:
            server.terminate()
            server.communicate()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.peer("spam-assassin") if name == "spam-assassin" else ())
        for name in CORPORA
    ],
)
def taken(
    request: pytest.FixtureRequest, data: Path, url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Taken]:
    """Each corpus, imported from a Maildir, which keeps bytes as they are."""
    names = {message: name for name, message in CORPORA[request.param]()}
    maildir = tmp_path_factory.mktemp("maildir")
    for folder in ("cur", "new", "tmp"):
        (maildir / folder).mkdir()
    for at, message in enumerate(names):
        (maildir / "cur" / f"{1_700_000_000 + at}.{at}.corpus:2,S").write_bytes(message)
    user = User(f"{request.param}@example.org", PASSWORD, "")
    _posthouse(data, "account", "add", user.name, "--password-stdin")
    _posthouse(data, "import", user.name, str(maildir))

    def export(target: Path) -> None:
        _posthouse(data, "export", user.name, str(target))

    with httpx.Client(base_url=url, auth=(user.name, user.password), timeout=60) as client:
        session = client.get("/.well-known/jmap").raise_for_status().json()
        taken = Taken(Person(client, user, session), names, export, request.param != "hostile")
        taken.read()
        yield taken


def _posthouse(data: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "posthouse", *arguments, "--data", str(data)]
    done = subprocess.run(
        command, input=PASSWORD + "\n", capture_output=True, text=True, timeout=100, env=_environment()
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("POSTHOUSE_")}
