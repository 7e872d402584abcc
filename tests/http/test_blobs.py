"""Uploads, downloads and Blob/copy on a real store (RFC 8620 §6)."""

from __future__ import annotations

import random
import socket
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from email.message import Message
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from wire.person import Person

MESSAGE = (
    b"From: ann@example.org\r\nSubject: parts\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
    b"--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"AAECAwQFBgcICQoLDA0ODw==\r\n"
    b"--x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc\r\n--x--\r\n"
)


def _uploaded(person: Person, data: bytes) -> str:
    return str(person.upload(data).raise_for_status().json()["blobId"])


@pytest.mark.parametrize("size", [0, 1, 65_536, 256 * 1024 - 1, 256 * 1024, 3_000_001])
def test_bytes_come_back_as_they_went(friend: Person, size: int) -> None:
    data = random.Random(size).randbytes(size)
    response = friend.upload(data, "Image/PNG")
    assert 201 == response.status_code
    stored = response.json()
    assert {"accountId", "blobId", "type", "size"} == set(stored)
    assert (friend.account, size) == (stored["accountId"], stored["size"])
    assert "image/png" == stored["type"].lower()
    got = friend.http.get(friend.url_of(stored["blobId"], type="image/png"))
    assert data == got.content
    assert ("image/png", str(size)) == (got.headers["content-type"], got.headers["content-length"])


def test_a_download_may_be_kept_and_runs_nothing(friend: Person) -> None:
    got = friend.http.get(friend.url_of(_uploaded(friend, b"<script>"), type="text/html"))
    assert "text/html" == got.headers["content-type"]
    assert "nosniff" == got.headers["x-content-type-options"]
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["content-disposition"].startswith("attachment")
    assert {"private", "immutable", "max-age=31536000"} == set(got.headers["cache-control"].split(", "))
    assert 304 == friend.http.get(str(got.url), headers={"If-None-Match": got.headers["etag"]}).status_code


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-", 206, slice(0, None)),
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=10-99999999", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=299990-299999", 206, slice(299_990, None)),
        ("bytes=100000-260000", 206, slice(100_000, 260_001)),
        ("bytes=300000-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-4", 200, slice(None)),
        ("bytes=x", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=0-1,4-5", 200, slice(None)),
    ],
)
def test_a_range_gives_that_part(friend: Person, asked: str, status: int, expected: slice | None) -> None:
    data = random.Random(7).randbytes(300_000)
    got = friend.http.get(friend.url_of(_uploaded(friend, data)), headers={"Range": asked})
    assert status == got.status_code
    if expected is None:
        assert "bytes */300000" == got.headers["content-range"]
    else:
        assert data[expected] == got.content
    if status == 206:
        first = range(300_000)[expected].start
        assert f"bytes {first}-{first + len(got.content) - 1}/300000" == got.headers["content-range"]


def _parts(person: Person) -> list[Any]:
    blob = _uploaded(person, MESSAGE)
    _, answer = person.call("Email/parse", blobIds=[blob], properties=["bodyStructure"])
    return list(answer["parsed"][blob]["bodyStructure"]["subParts"])


def test_a_part_comes_decoded_and_in_ranges(friend: Person) -> None:
    parts = _parts(friend)
    expected = [b"plain", bytes(range(16)), b"a=bc"]
    for part, data in zip(parts, expected, strict=True):
        url = friend.url_of(part["blobId"])
        assert data == friend.http.get(url).content
        assert data[1:3] == friend.http.get(url, headers={"Range": "bytes=1-2"}).content
        assert str(len(data)) == friend.http.head(url).headers["content-length"]
        assert len(data) == part["size"]


NAMES = [
    "plain.txt",
    "with space.txt",
    'quote".txt',
    "back\\slash",
    "../../etc/passwd",
    "a/b/c",
    "%2e%2e%2f",
    "\r\nSet-Cookie: a=b",
    "\0",
    "ünï — 友達.pdf",
    "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ";filename=evil.exe",
    "x" * 2000,
    "?type=text/html",
    "#fragment",
    "",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_is_only_a_name(friend: Person, name: str) -> None:
    got = friend.http.get(friend.url_of(_uploaded(friend, b"data"), name=quote(name, safe="")))
    assert (200, b"data") == (got.status_code, got.content)
    assert "set-cookie" not in got.headers
    disposition = got.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert disposition.isascii()
    assert disposition.isprintable()
    header = Message()
    header["Content-Disposition"] = disposition
    assert {"attachment", "filename", "filename*"} >= {
        key for key, _ in header.get_params([], "Content-Disposition")
    }


@pytest.mark.parametrize("type", ["text/html%0d%0aX: y", "nonsense", "", "text/plain;charset=utf-8", "a/b/c"])
def test_any_type_gives_one_clean_header(friend: Person, type: str) -> None:
    got = friend.http.get(friend.url_of(_uploaded(friend, b"data"), type=type))
    assert (200, b"data") == (got.status_code, got.content)
    assert "x" not in got.headers
    assert got.headers["content-type"].isprintable()


@pytest.mark.parametrize(
    "blob",
    [
        "x",
        "b",
        "p",
        "b" + "A" * 43,
        "b" + "A" * 42,
        "b" + "A" * 44,
        "b" + "_" * 43,
        "p" + "A" * 43 + "-0-1-i",
        "%00",
        "..",
        "b" * 256,
        "ä",
        "-",
    ],
)
def test_what_is_no_blob_is_not_found(friend: Person, blob: str) -> None:
    got = friend.http.get(friend.url_of(blob))
    assert 404 == got.status_code
    assert "application/problem+json" == got.headers["content-type"].partition(";")[0]


def test_a_part_may_not_reach_beyond_its_message(friend: Person) -> None:
    whole = _uploaded(friend, b"0123456789")
    digest = whole[1:]
    assert b"234" == friend.http.get(friend.url_of(f"p{digest}-2-3-i")).content
    for rest in ("8-3-i", "zzzzzzzz-1-i", "0-zzzzzzzzzzzz-b", "0-1-z", "0-1", "-1-1-i", "0-1-i-", "00-1-i"):
        assert 404 == friend.http.get(friend.url_of(f"p{digest}-{rest}")).status_code, rest


@pytest.mark.parametrize("account", ["nowhere", "a", "%00", "", "..", "a" * 256])
def test_an_upload_to_another_account_is_refused(demo: Person, friend: Person, account: str) -> None:
    for id in (account, demo.account):
        url = friend.session["uploadUrl"].replace("{accountId}", id)
        assert 404 == friend.http.post(url, content=b"x").status_code


def test_an_upload_that_is_announced_too_large_names_its_limit(friend: Person) -> None:
    most = friend.limits["maxSizeUpload"]
    with socket.create_connection(_address(friend)) as connection:
        connection.sendall(_upload_head(friend, most + 1))
        answer = _all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"limit":"maxSizeUpload"' in answer
    assert b"urn:ietf:params:jmap:error:limit" in answer


def test_too_many_uploads_at_once_name_their_limit(sign_in: Callable[..., Person]) -> None:
    person = sign_in()
    with ExitStack() as stack:
        waiting = []
        for _ in range(person.limits["maxConcurrentUpload"]):
            connection = stack.enter_context(socket.create_connection(_address(person)))
            connection.sendall(_upload_head(person, 4, b"Expect: 100-continue\r\n"))
            assert b"HTTP/1.1 100 Continue\r\n\r\n" == connection.recv(1000)  # it is being read
            waiting.append(connection)
        refused = person.upload(b"one more")
        assert 429 == refused.status_code
        assert "maxConcurrentUpload" == refused.json()["limit"]
        assert int(refused.headers["retry-after"]) >= 1
        for connection in waiting:
            connection.sendall(b"data")
            assert connection.recv(1000).startswith(b"HTTP/1.1 201 ")
    assert 201 == person.upload(b"one more").status_code


def test_uploads_up_to_the_limit_run_at_once(sign_in: Callable[..., Person]) -> None:
    person = sign_in()
    pieces = [bytes([at]) * 100_000 for at in range(person.limits["maxConcurrentUpload"])]
    with ThreadPoolExecutor(len(pieces)) as pool:
        blobs = list(pool.map(lambda data: _uploaded(person, data), pieces))
    assert pieces == [person.http.get(person.url_of(blob)).content for blob in blobs]


def test_an_upload_that_breaks_off_leaves_nothing(friend: Person) -> None:
    before = friend.send(["Core/echo", {}, "0"]).status_code
    for _ in range(20):
        with socket.create_connection(_address(friend)) as connection:
            connection.sendall(_upload_head(friend, 1000) + b"half of it")
    assert before == friend.send(["Core/echo", {}, "0"]).status_code


def test_blobs_are_copied_only_between_two_accounts_of_ones_own(demo: Person, friend: Person) -> None:
    blob = _uploaded(friend, b"mine")
    same = friend.error("Blob/copy", fromAccountId=friend.account, blobIds=[blob])
    assert "invalidArguments" == same["type"]
    for account in (demo.account, "nowhere"):
        there = friend.error("Blob/copy", accountId=account, fromAccountId=friend.account, blobIds=[blob])
        assert "accountNotFound" == there["type"]
        back = friend.error("Blob/copy", fromAccountId=account, blobIds=[blob])
        assert "fromAccountNotFound" == back["type"]
    for wrong in ({}, {"fromAccountId": demo.account}, {"fromAccountId": 1, "blobIds": []}):
        assert "invalidArguments" == friend.error("Blob/copy", **wrong)["type"]
    assert "invalidArguments" == friend.error("Blob/copy", fromAccountId=demo.account, blobIds="x")["type"]


def test_the_same_bytes_have_the_same_id_but_not_for_others(demo: Person, friend: Person) -> None:
    data = b"known to two, but uploaded by one"
    blob = _uploaded(demo, data)
    assert 404 == friend.http.get(friend.url_of(blob)).status_code
    assert blob == _uploaded(friend, data)
    assert data == friend.http.get(friend.url_of(blob)).content


def _address(person: Person) -> tuple[str, int]:
    parts = urlsplit(person.session["apiUrl"])
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _upload_head(person: Person, length: int, more: bytes = b"") -> bytes:
    path = urlsplit(person.session["uploadUrl"].replace("{accountId}", person.account)).path
    credential = b64encode(f"{person.user.name}:{person.user.password}".encode()).decode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credential}\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n".encode()
        + more
        + b"\r\n"
    )


def _all(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)
