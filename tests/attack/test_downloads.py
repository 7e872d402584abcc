"""Blobs that are large, slow to take, or named by who must not read them (RFC 8620 §6)."""

from __future__ import annotations

import os
import resource
import socket
from base64 import b64encode, encodebytes
from contextlib import suppress
from typing import Any

import pytest

from posthouse.engine.spool import Spool
from posthouse.kit import ids
from posthouse.model import blobid
from posthouse.testing import Server
from wire.person import Person

HEAD = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"


def _part(message_blob: str, offset: int, length: int, encoding: str = "base64") -> str:
    named = blobid.decode(message_blob)
    assert named is not None
    return blobid.encode_part(named.digest, offset, length, encoding)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_a_spool_gives_what_it_took(size: int) -> None:
    data = os.urandom(size)
    spool = Spool(data)
    assert (size, data) == (spool.size, spool.read(0, size))
    assert data[size // 2 :][:10] == spool.read(size // 2, min(10, size - size // 2))


def test_a_spool_leaves_no_file_open() -> None:
    before = _files_without_a_name()
    for _ in range(10):
        Spool(bytes(2_000_000))
    assert before == _files_without_a_name()


def _files_without_a_name() -> int:
    """Count the open files that only this process has; the threads of others open and close what has a name."""
    links = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/self/fd/{number}"))
    return sum(link.startswith("/") and link.endswith(" (deleted)") for link in links)


def test_who_takes_many_decoded_parts_slowly_fills_no_memory(server: Server, attacker: Person) -> None:
    data = os.urandom(24_000_000)
    encoded = b64encode(data)
    blob = attacker.upload(HEAD + encoded).json()["blobId"]
    url = attacker.url_of(_part(blob, len(HEAD), len(encoded)), type="application/octet-stream")
    assert data == attacker.http.get(url).content
    before = _peak()
    host, port = server.url.removeprefix("http://").split(":")
    login = b64encode(f"{attacker.user.name}:{attacker.user.password}".encode()).decode()
    request = (
        f"GET {url.removeprefix(server.url)} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n\r\n"
    )
    taking = []
    for _ in range(16):
        slow = socket.create_connection((host, int(port)), timeout=30)
        slow.sendall(request.encode())
        assert slow.recv(12) == b"HTTP/1.1 200"
        taking.append(slow)
    grown = _peak() - before
    for slow in taking:
        slow.close()
    assert grown < 8 * len(data), grown


def test_a_range_of_a_decoded_part_is_exact(attacker: Person) -> None:
    data = os.urandom(3_000_000)
    encoded = encodebytes(data)
    blob = attacker.upload(HEAD + encoded).json()["blobId"]
    url = attacker.url_of(_part(blob, len(HEAD), len(encoded)))
    answer = attacker.http.get(url, headers={"Range": "bytes=1999990-2000009"})
    assert (206, data[1_999_990:2_000_010]) == (answer.status_code, answer.content)


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 11), (10, 1), (11, 0), (2**40, 0), (0, 2**40), (2**63, 2**63)]
)
def test_a_part_beyond_its_blob_is_not_found(attacker: Person, offset: int, length: int) -> None:
    blob = attacker.upload(b"0123456789").json()["blobId"]
    part = f"p{blob[1:]}-{ids.encode(offset)}-{ids.encode(length)}-i"
    expected = 200 if offset + length <= 10 else 404
    assert expected == attacker.http.get(attacker.url_of(part)).status_code


@pytest.mark.parametrize("encoding", ["", "base64", "quoted-printable", "x-uuencode"])
def test_any_part_of_any_bytes_is_decoded_somehow(attacker: Person, encoding: str) -> None:
    data = bytes(range(256)) * 20
    blob = attacker.upload(data).json()["blobId"]
    for offset in (0, 1, 255, len(data)):
        part = _part(blob, offset, len(data) - offset, encoding)
        assert 200 == attacker.http.get(attacker.url_of(part)).status_code
        name, answer = attacker.call("Email/parse", blobIds=[part], fetchAllBodyValues=True)
        assert ("Email/parse", [part]) == (name, list(answer["parsed"]))


def test_bytes_that_another_uploaded_are_nobody_elses(attacker: Person, victim: Person) -> None:
    """Also by the id of a part, and in each method that takes blobs."""
    blob = victim.upload(b"Subject: secret\r\n\r\nsecret").json()["blobId"]
    _, found = attacker.call("Mailbox/query", filter={"role": "inbox"})
    mailboxes = {found["ids"][0]: True}
    for id in (blob, _part(blob, 0, 5, "")):
        assert 404 == attacker.http.get(attacker.url_of(id)).status_code
        assert 404 == attacker.http.get(attacker.url_of(id, account=victim.account)).status_code
        assert [id] == attacker.call("Email/parse", blobIds=[id])[1]["notFound"]
        emails = {"e": {"blobId": id, "mailboxIds": mailboxes}}
        assert ["e"] == list(attacker.call("Email/import", emails=emails)[1]["notCreated"])
        create: dict[str, Any] = {"mailboxIds": mailboxes, "attachments": [{"blobId": id, "type": "a/b"}]}
        _, answer = attacker.call("Email/set", create={"e": create})
        assert "blobNotFound" == answer["notCreated"]["e"]["type"]
