"""Whatever the bytes are: a message, in bounded time, whose parts lie inside it and nest."""

from __future__ import annotations

import json
import mmap
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.formats import mime
from posthouse.formats.mime import Message, Part, decode_bytes, parse, part_bytes, part_text

# What mail is made of, so that chance builds messages and not noise.
PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"--", b"--b", b"--b--", b"--bb", b"\r\n--b\r\n", b"\r\n--b--\r\n",
        b"\n--bb\n", b"\r\n\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n",
        b'Content-Type: multipart/alternative; boundary="bb"\r\n', b"Content-Type: multipart/digest; boundary=\r\n",
        b"Content-Type: text/html\r\n", b"Content-Type: text/plain; charset=utf-7; format=flowed\r\n",
        b"Content-Type: text/plain; charset=utf-16\r\n", b"Content-Type: message/rfc822\r\n", b"Content-Type: x\r\n",
        b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n", b"Content-Transfer-Encoding: rot13\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%C3; filename*1*=%A4\r\n", b"Content-ID: <x\r\n",
        b"Subject: =?utf-8?q?=C3?= =?utf-8?q?=A4?=\r\n", b"From: a: b <c@d>, (e (f) \"g\r\n",
        b"Date: 1 Jan 99 1:2 x\r\n",
        b"To: \"", b"Cc: <@a,@b:c@d>;,:\r\n", b"Message-ID: <a@b> (c\r\n", b"From x Mon\n",
        b"begin 644 x\n#86)C\n`\nend\n",
        b"<p>&nbsp;x", b"<style>", b"<!--", b"=\r", b"=C3=A4", b"w6Q=", b"+2AA-", b"\xff\xfe", b"\xe4\xf6",
        "ä".encode(),
        b"> quoted\r\n", b"-- \r\n", b"(", b")", b'"', b"\\", b"<", b">", b"@", b",", b";", b":", b"=?x?b?",
    ]
)  # fmt: skip
MAILS = st.lists(PIECES | st.binary(max_size=12), max_size=40).map(b"".join)


def check_part(data: bytes, part: Part, start: int, end: int) -> None:
    """Check one part and what is in it; it must lie in ``data[start:end]``."""
    assert start <= part.offset <= part.offset + part.length <= end
    assert part.is_multipart == part.type.startswith("multipart/") == bool(part.sub_parts)
    content = part_bytes(data, part)
    assert content == decode_bytes(data[part.offset : part.offset + part.length], part.encoding)
    assert len(content) == part.size
    for limit in (0, 1, 7):
        text, _, is_truncated = part_text(data, part, limit)
        octets = text.encode("utf-8")
        assert not limit or len(octets) <= limit
        assert not is_truncated or limit
    at = part.offset
    for child in part.sub_parts:
        check_part(data, child, at, part.offset + part.length)
        at = child.offset + child.length


def check(data: bytes, message: Message) -> None:
    """Check that a message and all that can be asked of it hold together."""
    assert len(data) == message.size
    check_part(data, message.root, 0, len(data))
    leaves = [part for part in walk(message.root) if not part.is_multipart]
    assert [str(number) for number in range(1, len(leaves) + 1)] == [part.part_id for part in leaves]
    sorted_ = mime.body(message)
    assert {part.part_id for part in leaves} == {part.part_id for parts in sorted_ for part in parts}
    opening = mime.preview(data, message)
    assert len(opening) <= 256
    assert opening == " ".join(opening.split())
    found = mime.search_text(data, message, 100)
    assert len(found.body) <= 100
    answers: list[object] = [mime.convenience(message), opening, found, mime.has_attachment(message)]
    answers += [mime.sent_date(message), mime.received_date(message)]
    for part in walk(message.root):
        answers += [
            part.type,
            part.charset,
            part.name,
            part.disposition,
            part.cid,
            part.language,
            part.location,
        ]
        for header in part.headers:
            assert "\0" not in header.raw
            answers.append(header)
            answers += forms(header.value)
    json.dumps(answers, ensure_ascii=False).encode("utf-8")


def forms(value: str) -> list[object]:
    """Read a value in every form."""
    groups = mime.as_grouped_addresses(value)
    assert [one for group in groups for one in group["addresses"]] == mime.as_addresses(value)
    return [mime.as_text(value), groups, mime.as_message_ids(value), mime.as_date(value), mime.as_urls(value)]


def walk(part: Part) -> list[Part]:
    """List a part and all under it."""
    return [part, *(found for child in part.sub_parts for found in walk(child))]


@given(st.binary(max_size=300) | MAILS)
@settings(max_examples=400)
def test_any_bytes_make_a_sound_message(data: bytes) -> None:
    check(data, parse(data))


@given(MAILS)
@settings(max_examples=30)
def test_buffers_are_read_as_bytes_are(data: bytes) -> None:
    expected = repr(parse(data))
    assert expected == repr(parse(memoryview(data)))
    if data:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                message = parse(mapped)
                assert expected == repr(message)
                assert mime.preview(data, parse(data)) == mime.preview(mapped, message)


@given(
    st.lists(PIECES.map(lambda piece: piece.decode("latin-1")) | st.text(max_size=8), max_size=30).map(
        "".join
    )
)
@settings(max_examples=300)
def test_any_value_can_be_read_in_any_form(value: str) -> None:
    json.dumps(forms(value))
    mime.base_subject(value)


@given(
    st.lists(
        st.sampled_from(
            [
                "<",
                ">",
                "<p",
                "</p>",
                "<b>",
                '"',
                "'",
                "<!--",
                "-->",
                "<script>",
                "</script>",
                "&lt",
                "x",
                " ",
                "=",
            ]
        )
    )
)
def test_any_html_has_a_text(pieces: list[str]) -> None:
    mime.html_text("".join(pieces))
