"""Media of cards: pictures and sounds, kept as blobs (RFC 9610 §3).

A Media that comes as a ``data:`` URI is stored as a blob before the card is, so no row ever holds a picture.
`gather` finds what a card or a patch names, `stored` looks at the bytes outside of any transaction, and `settle`
puts what that found into the card.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from posthouse.formats import mime
from posthouse.formats.jscard import InvalidPatch, applied
from posthouse.kit import clock
from posthouse.kit.json import Json, JsonObject
from posthouse.model import blobid
from posthouse.model.blobid import BlobId
from posthouse.model.ports import BlobSource
from posthouse.proto.jmap.errors import SetError

LEASE: Final = 24 * 3600
"""Seconds for which bytes are kept that no card has yet."""

_PEEK: Final = 32
_UNKNOWN: Final = "application/octet-stream"
_IMAGES: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "image/avif"),
    (re.compile(rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", re.DOTALL), "image/heic"),
    (re.compile(rb"II\*\x00|MM\x00\*"), "image/tiff"),
    (re.compile(rb"BM.{4}\x00{4}", re.DOTALL), "image/bmp"),
    (re.compile(rb"\x00\x00\x01\x00"), "image/vnd.microsoft.icon"),
)
_DATA: Final = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    """A blob that a Media may name: its id, and what its bytes are (None: no image that we know)."""

    blob_id: str
    image: str | None
    said: str | None = None
    """The type that a ``data:`` URI gave."""


Files: TypeAlias = Mapping[str, File | None]
"""What is known of blob ids and ``data:`` URIs; None for one that is not there or can't be read."""


def image_type(start: bytes) -> str | None:
    """Recognise an image by its first bytes; None for anything else."""
    return next((name for pattern, name in _IMAGES if pattern.match(start)), None)


def gather(values: Mapping[str, Json]) -> tuple[set[str], set[str]]:
    """Find the blob ids and the ``data:`` URIs of media in a card or in a patch of one; it may be no valid one."""
    blob_ids: set[str] = set()
    uris: set[str] = set()
    waiting: list[tuple[str, Json]] = [
        (path, value)
        for path, value in values.items()
        if path.partition("/")[0] in ("media", "localizations")
    ]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, str):
            name = path.replace("~1", "/").rpartition("/")[2]  # in a localization stands a path in a path
            if name == "blobId":
                blob_ids.add(value)
            elif name == "uri" and _is_data(value):
                uris.add(value)
    return blob_ids, uris


def of_blob(blobs: BlobSource, id: BlobId) -> File:
    """Look at a blob that is there; a part of a message becomes one of its own."""
    if id.range is None:
        return File(blobid.encode(id.digest), image_type(blobs.read(id.digest, 0, _PEEK)))
    raw = blobs.read(id.digest, id.range.offset, id.range.length)
    return _put(blobs, mime.decode_bytes(raw, id.range.encoding), None)


def of_uri(blobs: BlobSource, uri: str) -> File | None:
    """Store what a ``data:`` URI holds (RFC 2397 §3); None if it can't be read."""
    match = _DATA.match(uri)
    if match is None:
        return None
    data = unquote_to_bytes(uri[match.end() :])
    if match[2].lower().endswith(";base64"):
        try:
            data = base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
        except binascii.Error:
            return None
    return _put(blobs, data, match[1].lower() or None)


def _put(blobs: BlobSource, data: bytes, said: str | None) -> File:
    [digest] = blobs.put_many([data], int(clock.now()) + LEASE)
    return File(blobid.encode(digest), image_type(data[:_PEEK]), said)


def named(card: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Give each blob id that a valid card names, with the path of what names it."""
    media = card.get("media") or {}
    for key, medium in media.items():
        if "blobId" in medium:
            yield f"media/{escaped(key)}/blobId", medium["blobId"]
    for language, patch in (card.get("localizations") or {}).items():
        own = {path: value for path, value in patch.items() if path.split("/")[0] == "media"}
        if not own:
            continue
        try:
            changed = applied({"media": media}, own).get("media") or {}
        except InvalidPatch:
            continue
        for medium in changed.values():
            if isinstance(medium, dict) and isinstance(medium.get("blobId"), str):
                yield f"localizations/{language}", medium["blobId"]


def kept(card: Mapping[str, Json]) -> Iterator[bytes]:
    """Give the SHA-256 of each blob that a valid card keeps."""
    for _, wire in named(card):
        blob = blobid.decode(wire)
        if blob is not None:
            yield blob.digest


def settle(card: JsonObject, old: Mapping[str, Json], files: Files) -> bool:
    """Put blobs in the place of ``data:`` URIs, and give each blob its type; says whether the card changed.

    files: what is known of the blobs and URIs that the client named. Raises SetError ``invalidProperties`` for
    a blob that is not there, and for a photo that is no image.
    """
    before: Mapping[str, JsonObject] = old.get("media") or {}
    after: Mapping[str, JsonObject] = card.get("media") or {}
    had = {wire for _, wire in named(old)}
    photos = {medium.get("blobId") for medium in before.values() if medium["kind"] == "photo"}
    wrong: list[str] = []
    settled: JsonObject = {}
    for key, medium in after.items():
        settled[key] = medium
        if before.get(key) != medium:
            fault = _fault(medium, had, photos, files)
            if fault is not None:
                wrong.append(f"media/{escaped(key)}/{fault}")
            else:
                settled[key] = _settled(medium, files)
    for path, wire in named(card):
        if path.startswith("localizations/") and wire not in had and files.get(wire) is None:
            wrong.append(path)
    if wrong:
        raise SetError("invalidProperties", "these media can't be that", list(dict.fromkeys(wrong)))
    if settled == after:
        return False
    card["media"] = settled
    return True


def _fault(medium: JsonObject, had: set[str], photos: set[str | None], files: Files) -> str | None:
    """Name the property that keeps a Media from being what it says, if there is one."""
    wire, uri = medium.get("blobId"), medium.get("uri", "")
    name, given = ("blobId", wire) if wire is not None else ("uri", uri)
    if given in files:
        file = files[given]
        return name if file is None or (medium["kind"] == "photo" and file.image is None) else None
    if wire is None:
        return None
    if wire not in had:
        return name
    # Its bytes were looked at when it came; if not as a photo, it has to be named again to be one.
    return "kind" if medium["kind"] == "photo" and wire not in photos else None


def _settled(medium: JsonObject, files: Files) -> JsonObject:
    """Give a Media its blob and the type of it."""
    wire, uri = medium.get("blobId"), medium.get("uri", "")
    file = files.get(uri if wire is None else wire)
    new = {**medium}
    if file is not None:
        new["blobId"] = file.blob_id
        new["mediaType"] = file.image or medium.get("mediaType") or file.said or _UNKNOWN
    elif wire is not None:
        new.setdefault("mediaType", _UNKNOWN)
    if "blobId" in new and _is_data(uri):
        del new["uri"]
    return new


def escaped(token: str) -> str:
    """Write a key as one token of a path (RFC 6901 §3)."""
    return token.replace("~", "~0").replace("/", "~1")


def _is_data(uri: str) -> bool:
    return uri[:5].lower() == "data:"
