"""Messages: the tree of parts and where each part's bytes lie (RFC 2045, RFC 2046).

Theory: a multipart's delimiter lines are found by one search over its bytes. Parts are ranges of the
message, never copies, and a range lies inside its parent's, so an inner multipart cannot reach past an outer
delimiter. Each level of nesting reads its bytes once more; depth, parts and false delimiters are capped, and
what lies beyond a cap is one opaque leaf.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from mmap import mmap
from typing import NamedTuple

from posthouse.formats.mime.address import EmailAddress
from posthouse.formats.mime.charset import decode
from posthouse.formats.mime.decode import base64_size, decode_bytes, encoding_name
from posthouse.formats.mime.encodedword import decode_words
from posthouse.formats.mime.header import Header, scan, unfold
from posthouse.formats.mime.parameter import disposition, media_type, without_comments

Envelope = dict[str, list[EmailAddress] | list[str] | str | None]
"""The convenience properties of an Email by name (RFC 8621 §4.1.3)."""

MAX_DEPTH = 50
"""Multiparts inside multiparts that are looked into."""
MAX_PARTS = 20_000
"""Parts of one message, multiparts included."""
_MAX_FALSE_DELIMITERS = 100_000
_SHORT = 262_144

_OPAQUE = "application/octet-stream"
_DELIMITER_REST = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_MBOX_LINE = re.compile(rb">?From [^\n]*\n")
_CID = re.compile(r"<([^<>]*)>")
_OPEN_TAG = re.compile(r"<[A-Za-z/!?]")
_OPEN_ENTITY = re.compile(r"&#?[A-Za-z0-9]{0,31}\Z")


@dataclass(slots=True, eq=False)
class Part:
    """One MIME entity of a message: EmailBodyPart and where it lies (RFC 8621 §4.1.4).

    ``offset`` and ``length`` give the body as it is in the message, still encoded; ``encoding`` is the
    canonical Content-Transfer-Encoding, ``""`` if unknown; ``size`` counts the decoded octets. A multipart
    has no ``part_id``, no encoding and at least one of ``sub_parts``.
    """

    part_id: str | None
    offset: int
    length: int
    encoding: str
    size: int
    headers: list[Header]
    type: str
    charset: str | None
    name: str | None
    disposition: str | None
    cid: str | None
    language: list[str] | None
    location: str | None
    sub_parts: list[Part]

    @property
    def is_multipart(self) -> bool:
        """Tell whether this is of type ``multipart/*``."""
        return self.part_id is None


class Body(NamedTuple):
    """The leaves of a message by use: ``textBody``, ``htmlBody`` and ``attachments`` (RFC 8621 §4.1.4)."""

    text: list[Part]
    html: list[Part]
    attachments: list[Part]


@dataclass(slots=True, eq=False)
class Message:
    """A message: its tree of parts and its size in octets.

    ``plain_texts`` remembers what `plain_text` made of a part, by part id, ``hints`` what HTML there says of its
    pictures and links, ``envelope`` what `convenience` read and ``body`` how `body` sorted the leaves: preview,
    search and index ask for the same. ``decoded`` holds the octets of short encoded texts, which had to be
    decoded to be counted, till they are first used.
    """

    root: Part
    size: int
    plain_texts: dict[str, str] = field(default_factory=dict, repr=False)
    hints: dict[str, str] = field(default_factory=dict, repr=False)
    envelope: Envelope | None = field(default=None, repr=False)
    body: Body | None = field(default=None, repr=False)
    decoded: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def headers(self) -> list[Header]:
        """The header fields of the message, in order."""
        return self.root.headers


def parse(data: bytes | mmap | memoryview) -> Message:
    """Read the structure of a message; any bytes make one, and nothing is ever raised.

    A first line ``From ...`` of an mbox is passed over. Messages inside the message stay leaves.
    """
    if isinstance(data, memoryview):
        data = bytes(data)
    size = len(data)
    mbox_line = _MBOX_LINE.match(data, 0, size)
    start = mbox_line.end() if mbox_line else 0
    reader = _Reader(data)
    return Message(reader.part(start, size, 0, "text/plain", b"", size), size, decoded=reader.decoded)


def part_bytes(data: bytes | mmap | memoryview, part: Part) -> bytes:
    """Return the content of a part, its transfer encoding undone."""
    return decode_bytes(bytes(data[part.offset : part.offset + part.length]), part.encoding)


def part_text(data: bytes | mmap | memoryview, part: Part, max_bytes: int = 0) -> tuple[str, bool, bool]:
    """Return the text of a part as EmailBodyValue has it (RFC 8621 §4.1.4).

    CRLF becomes LF. With `max_bytes` above 0 the text takes at most so many octets of UTF-8 and is cut before
    a character, and in HTML before a tag or an entity (RFC 8621 §4.2).

    :returns: the text, isEncodingProblem, isTruncated.
    """
    is_html = part.type == "text/html"
    text, problem = decode(part_bytes(data, part), part.charset, is_html)
    text = text.replace("\r\n", "\n")
    problem = problem or not part.encoding
    if max_bytes <= 0 or len(text) * 4 <= max_bytes:
        return text, problem, False
    octets = text[:max_bytes].encode("utf-8")
    if len(octets) <= max_bytes and len(text) <= max_bytes:
        return text, problem, False
    text = octets[:max_bytes].decode("utf-8", "ignore")
    return (_before_open_markup(text) if is_html else text), problem, True


def _before_open_markup(html: str) -> str:
    """Cut off a tag or an entity that the end of the text has left open."""
    tag = html.rfind("<")
    if tag > html.rfind(">") and (tag == len(html) - 1 or _OPEN_TAG.match(html, tag)):
        return html[:tag]
    entity = _OPEN_ENTITY.search(html, max(0, len(html) - 40))
    return html[: entity.start()] if entity else html


class _Reader:
    """Reads one message; counts its parts, and its leaves to name them."""

    def __init__(self, data: bytes | mmap) -> None:
        self.data = data
        self.parts = 0
        self.leaves = 0
        self.false_delimiters = 0
        self.decoded: dict[str, bytes] = {}

    def part(self, start: int, end: int, depth: int, implied: str, outer: bytes, outer_end: int) -> Part:
        """Read the entity in ``data[start:end]``, whose type is `implied` if it names none.

        It stands in a multipart of the boundary `outer` that ends at `outer_end`.
        """
        self.parts += 1
        headers, body = scan(self.data, start, end)
        content: dict[str, str] = {}
        for name, _, value in headers:
            if name[0] in "Cc" and (lower := name.lower()).startswith("content-"):
                content.setdefault(lower, value)
        part = self.describe(body, end, headers, content, implied)
        if part.type.startswith("multipart/"):
            if depth < MAX_DEPTH:
                self.branch(part, content.get("content-type", ""), depth, outer, outer_end)
            else:
                part.type = _OPAQUE
        if part.part_id is None and not part.sub_parts:
            self.leaves += 1
            part.part_id = str(self.leaves)
            part.encoding = encoding_name(content.get("content-transfer-encoding", "7bit"))
            is_short = part.length <= _SHORT
            if part.encoding == "base64" and not is_short:
                part.size = base64_size(self.data, body, body + part.length)
            elif part.encoding in ("base64", "quoted-printable", "x-uuencode"):
                decoded = part_bytes(self.data, part)
                part.size = len(decoded)
                if is_short and part.type.startswith("text/"):
                    self.decoded[part.part_id] = decoded
        return part

    def describe(
        self, body: int, end: int, headers: list[Header], content: dict[str, str], implied: str
    ) -> Part:
        """Describe an entity by its Content fields; part id, encoding and size are yet to come."""
        type_ = implied
        type_parameters: dict[str, str] = {}
        charset: str | None = "us-ascii"
        if (value := content.get("content-type")) is not None:
            type_, type_parameters = media_type(value) or ("text/plain", {})
            charset = type_parameters.get("charset") or ("us-ascii" if type_.startswith("text/") else None)
        word: str | None = None
        word_parameters: dict[str, str] = {}
        if (value := content.get("content-disposition")) is not None:
            word, word_parameters = disposition(value)
        cid = content.get("content-id")
        language = content.get("content-language")
        location = content.get("content-location")
        return Part(
            part_id=None,
            offset=body,
            length=end - body,
            encoding="",
            size=end - body,
            headers=headers,
            type=type_,
            charset=charset,
            name=word_parameters.get("filename") or type_parameters.get("name") or None,
            disposition=word,
            cid=None if cid is None else _cid(cid),
            language=None if language is None else _languages(language),
            location=None if location is None else decode_words(unfold(location).strip()),
            sub_parts=[],
        )

    def branch(self, part: Part, content_type: str, depth: int, outer: bytes, outer_end: int) -> None:
        """Read the parts of a multipart; one without any delimiter holds its whole body as a text.

        One that bears the boundary of the multipart around it takes all that is left of that.
        """
        implied = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        found = media_type(content_type)
        boundary = found[1].get("boundary", "").rstrip().encode("utf-8") if found else b""
        if boundary == outer:
            part.length = part.size = outer_end - part.offset
        end = part.offset + part.length
        spans = self.split(part.offset, end, boundary) if boundary else []
        for begin, stop in spans:
            if self.parts >= MAX_PARTS - 1:
                part.sub_parts.append(self.bare(begin, end, _OPAQUE))
                break
            child = self.part(begin, stop, depth + 1, implied, boundary, end)
            part.sub_parts.append(child)
            if child.offset + child.length > stop:
                break
        if not part.sub_parts:
            part.sub_parts.append(self.bare(part.offset, end, "text/plain"))

    def bare(self, start: int, end: int, type_: str) -> Part:
        """Make a leaf without header fields."""
        self.parts += 1
        self.leaves += 1
        part = self.describe(start, end, [], {}, type_)
        part.part_id = str(self.leaves)
        part.encoding = "7bit"
        return part

    def split(self, start: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
        """Find the ranges between the delimiter lines of a multipart body (RFC 2046 §5.1.1).

        A last part that no delimiter ends reaches to the end of the body.
        """
        data = self.data
        delimiter = b"\n--" + boundary
        spans: list[tuple[int, int]] = []
        begin = -1
        # The body follows a line feed, which the first delimiter needs.
        at = data.find(delimiter, max(start - 1, 0), end)
        while at >= 0:
            rest = _DELIMITER_REST.match(data, at + len(delimiter), end)
            if rest is None:
                self.false_delimiters += 1
                if self.false_delimiters > _MAX_FALSE_DELIMITERS:
                    break
                at = data.find(delimiter, at + 1, end)
                continue
            if 0 <= begin <= at:
                stop = at - 1 if at > begin and data[at - 1] == 13 else at
                spans.append((begin, stop))
            if rest[1]:
                return spans
            if len(spans) > MAX_PARTS:
                break
            begin = rest.end()
            at = data.find(delimiter, begin - 1, end)
        if 0 <= begin < end:
            spans.append((begin, end))
        return spans


def _cid(value: str) -> str | None:
    plain = without_comments(unfold(value)).strip()
    match = _CID.search(plain)
    return (match[1].strip() if match else plain) or None


def _languages(value: str) -> list[str]:
    return [tag for tag in (tag.strip() for tag in without_comments(unfold(value)).split(",")) if tag]
