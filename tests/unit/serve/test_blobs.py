"""Upload and download (RFC 8620 §6.1, §6.2)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from posthouse.proto.jmap.errors import MethodError, RequestError

URN = "urn:ietf:params:jmap:error:"


def test_an_upload_gets_a_blob_id(site: Any) -> None:
    reply = site.ask("POST", "/jmap/upload/a1/", {"Content-Type": "text/plain"}, body=[b"hel", b"lo"])
    expected = {"accountId": "a1", "blobId": "b0", "type": "text/plain", "size": 5}
    assert (201, expected) == (reply.status, reply.json)
    assert {"b0": b"hello"} == site.blobs.blobs


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (None, "application/octet-stream"),
        ("", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("message/rfc822", "message/rfc822"),
    ],
)
def test_the_type_is_as_declared_or_octets(site: Any, declared: str | None, expected: str) -> None:
    headers = {} if declared is None else {"Content-Type": declared}
    assert expected == site.ask("POST", "/jmap/upload/a1/", headers, body=b"x").json["type"]


@pytest.mark.parametrize("path", ["a2/", "a1", "", "/", "a1/x", "a%2f1/", "%00/", "a1//", "x" * 300 + "/"])
def test_an_upload_to_no_account_is_not_found(site: Any, path: str) -> None:
    assert 404 == site.ask("POST", f"/jmap/upload/{path}", body=b"x").status
    assert {} == site.blobs.blobs


@pytest.mark.parametrize(("headers", "body"), [({"Content-Length": "11"}, []), ({}, [b"x" * 6, b"x" * 5])])
def test_an_upload_above_the_limit_stores_nothing(site: Any, headers: dict[str, str], body: Any) -> None:
    narrow = site.with_limits(max_size_upload=10)
    reply = narrow.ask("POST", "/jmap/upload/a1/", headers, body=body)
    assert (413, URN + "limit", "maxSizeUpload") == (reply.status, reply.json["type"], reply.json["limit"])
    assert {} == narrow.blobs.blobs
    assert 201 == narrow.ask("POST", "/jmap/upload/a1/", body=b"x" * 10).status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MethodError("accountNotFound"), 404),
        (MethodError("accountReadOnly"), 403),
        (MethodError("forbidden"), 403),
        (MethodError("serverUnavailable"), 503),
        (MethodError("invalidArguments", "a sentence"), 400),
        (RequestError("about:blank", 507, "a sentence"), 507),
    ],
)
def test_what_the_account_refuses_is_a_problem(site: Any, error: Exception, status: int) -> None:
    site.blobs.refuses = error
    for reply in (
        site.ask("POST", "/jmap/upload/a1/", body=b"x"),
        site.ask("GET", "/jmap/download/a1/b1/x"),
    ):
        assert (status, status) == (reply.status, reply.json["status"])
        assert "application/problem+json" == reply.header("content-type")


def test_an_upload_that_breaks_off_stores_nothing(site: Any) -> None:
    assert 0 == site.ask("POST", "/jmap/upload/a1/", body=[b"hel", None]).status
    assert {} == site.blobs.blobs


def test_more_uploads_at_once_than_allowed_are_refused(site: Any) -> None:
    narrow = site.with_limits(max_concurrent_upload=2)

    async def three() -> list[Any]:
        narrow.blobs.gate = asyncio.Event()
        asked = [asyncio.ensure_future(narrow.send("POST", "/jmap/upload/a1/", body=b"x")) for _ in range(3)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        narrow.blobs.gate.set()
        return list(await asyncio.gather(*asked))

    *stored, refused = asyncio.run(three())
    assert [201, 201] == [reply.status for reply in stored]
    assert (429, "1") == (refused.status, refused.header("retry-after"))
    assert (URN + "limit", "maxConcurrentUpload") == (refused.json["type"], refused.json["limit"])
    assert 201 == narrow.ask("POST", "/jmap/upload/a1/", body=b"x").status


def test_an_upload_that_fails_leaves_room_for_the_next(site: Any) -> None:
    narrow = site.with_limits(max_concurrent_upload=1, max_size_upload=10)
    for account, body in (("a2", b"x"), ("a1", [b"x" * 8, b"x" * 8]), ("a1", [b"x", None])):
        narrow.ask("POST", f"/jmap/upload/{account}/", body=body)
    assert 201 == narrow.ask("POST", "/jmap/upload/a1/", body=b"x").status


@pytest.fixture
def kept(site: Any) -> Any:
    site.blobs.blobs["b1"] = b"0123456789"
    site.blobs.blobs["b2"] = b""
    return site


def test_a_download_is_safe_and_may_be_kept_forever(kept: Any) -> None:
    reply = kept.ask("GET", "/jmap/download/a1/b1/page.html?type=text/html")
    assert (200, b"0123456789") == (reply.status, reply.body)
    assert "text/html" == reply.header("content-type")
    assert 'attachment; filename="page.html"' == reply.header("content-disposition")
    assert "10" == reply.header("content-length")
    assert '"b1"' == reply.header("etag")
    assert "private, immutable, max-age=31536000" == reply.header("cache-control")
    assert "bytes" == reply.header("accept-ranges")
    assert "nosniff" == reply.header("x-content-type-options")
    assert "sandbox; default-src 'none'" == reply.header("content-security-policy")


def test_nothing_more_is_read_for_a_peer_who_is_gone(kept: Any) -> None:
    kept.blobs.blobs["b3"] = bytes(10_000_000)
    assert len(kept.ask("GET", "/jmap/download/a1/b3/x").body) == 10_000_000
    assert len(kept.ask("GET", "/jmap/download/a1/b3/x", body=[b"", None]).body) <= 512 * 1024


def test_head_tells_the_same_without_the_octets(kept: Any) -> None:
    head, get = (kept.ask(method, "/jmap/download/a1/b1/x?type=text/plain") for method in ("HEAD", "GET"))
    assert (200, b"") == (head.status, head.body)
    assert get.headers == head.headers


def test_an_empty_blob_is_empty(kept: Any) -> None:
    reply = kept.ask("GET", "/jmap/download/a1/b2/x")
    assert (200, b"", "0") == (reply.status, reply.body, reply.header("content-length"))


@pytest.mark.parametrize(
    "path",
    ["a1/b9/x", "a2/b1/x", "a1/b1", "a1/", "", "a1/b%001/x", "a%2f1/b1/x", "a1/../x", "/b1/x", "a1//x"],
)
def test_what_is_not_there_is_not_found(kept: Any, path: str) -> None:
    reply = kept.ask("GET", f"/jmap/download/{path}")
    assert (404, "application/problem+json") == (reply.status, reply.header("content-type"))
    assert reply.header("etag") is None


@pytest.mark.parametrize(
    ("tags", "status"),
    [('"b1"', 304), ('W/"b1"', 304), ("*", 304), ('"x", "b1"', 304), ('"b2"', 200), ("b1", 200), ("", 200)],
)
def test_who_has_it_gets_no_octets(kept: Any, tags: str, status: int) -> None:
    reply = kept.ask("GET", "/jmap/download/a1/b1/x", {"If-None-Match": tags})
    assert (status, '"b1"') == (reply.status, reply.header("etag"))
    assert (status == 304) == (reply.body == b"")


@pytest.mark.parametrize(
    ("asked", "expected", "where"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-5", b"2345", "bytes 2-5/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("BYTES=1-1", b"1", "bytes 1-1/10"),
    ],
)
def test_a_range_is_a_part(kept: Any, asked: str, expected: bytes, where: str) -> None:
    reply = kept.ask("GET", "/jmap/download/a1/b1/x", {"Range": asked})
    assert (206, expected, where) == (reply.status, reply.body, reply.header("content-range"))
    assert str(len(expected)) == reply.header("content-length")


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=9999999999999999999-"])
def test_a_range_that_has_no_octet_is_refused(kept: Any, asked: str) -> None:
    reply = kept.ask("GET", "/jmap/download/a1/b1/x", {"Range": asked})
    assert (416, "bytes */10") == (reply.status, reply.header("content-range"))


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,3-4",
        "bytes=5-2",
        "bytes=",
        "bytes=-",
        "lines=1-2",
        "bytes 1-2",
        "bytes=a-b",
        "bytes=1-٢",
        "",
    ],
)
def test_a_range_of_another_kind_is_ignored(kept: Any, asked: str) -> None:
    headers = {"Range": asked.encode().decode("latin-1")}
    reply = kept.ask("GET", "/jmap/download/a1/b1/x", headers)
    assert (200, b"0123456789") == (reply.status, reply.body)


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"b1"', 206), ('W/"b1"', 200), ('"b2"', 200), ("Mon, 23 Nov 2026 12:00:00 GMT", 200)],
)
def test_a_range_counts_only_for_the_same_blob(kept: Any, condition: str, status: int) -> None:
    headers = {"Range": "bytes=0-1", "If-Range": condition}
    assert status == kept.ask("GET", "/jmap/download/a1/b1/x", headers).status


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "application/octet-stream"),
        ("?type=", "application/octet-stream"),
        ("?type=image/svg+xml", "image/svg+xml"),
        ("?type=image%2Fsvg%2Bxml", "image/svg+xml"),
        ("?x=1&type=text%2Fplain%3B%20charset%3Dutf-8&y", "text/plain; charset=utf-8"),
        ("?type=text/html%0d%0aSet-Cookie:%20a=b", "application/octet-stream"),
        ("?type=text/plain&type=text/html", "text/plain"),
        ("?type=%ff", "application/octet-stream"),
    ],
)
def test_the_type_comes_from_the_query(kept: Any, query: str, expected: str) -> None:
    assert expected == kept.ask("GET", f"/jmap/download/a1/b1/x{query}").header("content-type")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "attachment"),
        ("a b.txt", 'attachment; filename="a b.txt"'),
        ("a%20b.txt", 'attachment; filename="a b.txt"'),
        ("a+b.txt", 'attachment; filename="a+b.txt"'),
        ("dir/file", 'attachment; filename="dir/file"'),
        ("%22%5C", "attachment; filename=\"__\"; filename*=UTF-8''%22%5C"),
        ("%E2%82%AC.pdf", "attachment; filename=\"_.pdf\"; filename*=UTF-8''%E2%82%AC.pdf"),
        ("%0d%0aX:%20y", "attachment; filename=\"__X: y\"; filename*=UTF-8''%0D%0AX%3A%20y"),
        ("%00", "attachment; filename=\"_\"; filename*=UTF-8''%00"),
        ("%ff", "attachment; filename=\"_\"; filename*=UTF-8''%EF%BF%BD"),
        ("100%25", "attachment; filename=\"100_\"; filename*=UTF-8''100%25"),
    ],
)
def test_any_name_saves_the_file(kept: Any, name: str, expected: str) -> None:
    assert expected == kept.ask("GET", f"/jmap/download/a1/b1/{name}").header("content-disposition")
