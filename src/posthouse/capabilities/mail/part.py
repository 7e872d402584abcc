"""Body parts: EmailBodyPart as it is stored and as clients see it (RFC 8621 §4.1.4).

A part is stored in full: besides what a client sees by default its header fields (but for the message's own,
which are stored once), its parts and its transfer encoding. So each choice of ``bodyProperties`` is made from
what is stored, and the bytes are read for ``bodyValues`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from posthouse.capabilities.mail import header
from posthouse.capabilities.mail.header import HeaderProperty
from posthouse.formats import mime
from posthouse.kit.json import Json, JsonObject
from posthouse.model import blobid
from posthouse.model.ports import BlobSource

DEFAULTS: Final = (
    "partId",
    "blobId",
    "size",
    "name",
    "type",
    "charset",
    "disposition",
    "cid",
    "language",
    "location",
)
"""What of each body part is told unless ``bodyProperties`` says otherwise (RFC 8621 §4.2)."""

_KNOWN: Final = frozenset((*DEFAULTS, "headers", "subParts"))
_ENCODING: Final = "encoding"


def tell(part: mime.Part, digest: bytes) -> dict[str | None, JsonObject]:
    """Make the default form of each leaf under a part of the message with this SHA-256, by part id."""
    return {
        leaf.part_id: _told(leaf, blobid.encode_part(digest, leaf.offset, leaf.length, leaf.encoding))
        for leaf in mime.leaves(part)
    }


def stored(part: mime.Part, told: Mapping[str | None, JsonObject]) -> JsonObject:
    """Make the stored form of a message's root part and those below it from what `tell` gave."""
    return _stored(part, told, is_root=True)


def _stored(part: mime.Part, told: Mapping[str | None, JsonObject], is_root: bool) -> JsonObject:
    value = _told(part, None) if part.is_multipart else dict(told[part.part_id])
    value[_ENCODING] = part.encoding
    if not is_root:
        value["headers"] = fields(part.headers)
    if part.is_multipart:
        value["subParts"] = [_stored(child, told, is_root=False) for child in part.sub_parts]
    return value


def _told(part: mime.Part, blob_id: str | None) -> JsonObject:
    return {
        "partId": part.part_id,
        "blobId": blob_id,
        "size": part.size,
        "name": part.name,
        "type": part.type,
        "charset": part.charset,
        "disposition": part.disposition,
        "cid": part.cid,
        "language": part.language,
        "location": part.location,
    }


def fields(headers: Sequence[mime.Header]) -> list[JsonObject]:
    """Write header fields as EmailHeader objects (RFC 8621 §4.1.3)."""
    return [{"name": name, "value": raw} for name, raw, _ in headers]


def leaves(part: JsonObject) -> Iterator[JsonObject]:
    """Give the stored parts under a part that are no multipart, depth first; itself if it is none."""
    children = part.get("subParts")
    if children is None:
        yield part
    else:
        for child in children:
            yield from leaves(child)


class View:
    """A choice of ``bodyProperties``: makes the parts that a client sees from stored ones.

    names: the wanted properties. Raises ValueError for one that no EmailBodyPart has.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._plain = tuple(name for name in self._names if name in _KNOWN - {"headers", "subParts"})
        self._headers: dict[str, HeaderProperty] = {}
        for name in self._names:
            found = header.read(name)
            if found is not None:
                self._headers[name] = found
            elif name not in _KNOWN:
                raise ValueError(name)
        self.is_default = self._names == DEFAULTS

    @property
    def reads_headers(self) -> bool:
        """Whether a part's header fields are needed."""
        return bool(self._headers) or "headers" in self._names

    def tree(self, part: JsonObject, root: Callable[[], list[mime.Header]]) -> JsonObject:
        """Make a part with those below it; ``root`` gives the header fields of a part without its own.

        A multipart shows its parts though ``subParts`` was not asked for: bodyStructure is the full structure.
        """
        value = self.leaf(part, root)
        if "subParts" in part:
            value["subParts"] = [self.tree(child, root) for child in part["subParts"]]
        return value

    def leaf(self, part: JsonObject, root: Callable[[], list[mime.Header]]) -> JsonObject:
        """Make one part."""
        value = {name: part[name] for name in self._plain}
        if "subParts" in self._names:
            value["subParts"] = None
        if self.reads_headers:
            own = part.get("headers")
            found = root() if own is None else [as_header(field) for field in own]
            if "headers" in self._names:
                value["headers"] = fields(found)
            for name, property in self._headers.items():
                value[name] = property.value(found)
        return value


def as_header(field: JsonObject) -> mime.Header:
    """Read a stored EmailHeader."""
    return mime.Header(field["name"], field["value"], field["value"])


def text(part: JsonObject, blobs: BlobSource, max_bytes: int, most_read: int | None = None) -> Json:
    """Make the EmailBodyValue of a stored ``text/*`` part, of which only its own bytes are read.

    max_bytes: octets of the value at most; 0 for all (RFC 8621 §4.2). most_read: encoded octets of the part
    that are looked at, from its beginning; None for all.
    """
    named = blobid.decode(part["blobId"])
    assert named is not None and named.range is not None
    length = named.range.length if most_read is None else min(named.range.length, most_read)
    content = blobs.read(named.digest, named.range.offset, length)
    read = mime.Part(
        part_id=part["partId"],
        offset=0,
        length=len(content),
        encoding=part[_ENCODING],
        size=part["size"],
        headers=[],
        type=part["type"],
        charset=part["charset"],
        name=None,
        disposition=None,
        cid=None,
        language=None,
        location=None,
        sub_parts=[],
    )
    value, is_encoding_problem, is_truncated = mime.part_text(content, read, max_bytes)
    return {"value": value, "isEncodingProblem": is_encoding_problem, "isTruncated": is_truncated}
