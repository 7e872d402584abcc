"""Drafts: the Email object that a client wants created, held against the rules (RFC 8621 §4.6).

Whatever is wrong is named, by the property or by a path to it such as ``attachments/0/partId``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from posthouse.capabilities.mail import header
from posthouse.capabilities.mail.email import ADDRESS
from posthouse.formats import mime
from posthouse.kit import clock
from posthouse.kit.json import Json, JsonObject
from posthouse.model.kind import Anything, Boolean, Date, Id, Kind, ListOf, MapOf, Record, String, UnsignedInt
from posthouse.proto.jmap.errors import SetError

MOST_ATTACHED: Final = 50_000_000
"""Octets of content, before it is encoded, that one composed Email may have."""

_DEEPEST: Final = 30
_MOST_PARTS: Final = 1000
_MOST_FIELDS: Final = 1000

# The convenience properties, in the order in which their fields are written (RFC 8621 §4.1.3).
_CONVENIENCE: Final = {
    "messageId": ("Message-ID", "MessageIds"),
    "sentAt": ("Date", "Date"),
    "from": ("From", "Addresses"),
    "sender": ("Sender", "Addresses"),
    "replyTo": ("Reply-To", "Addresses"),
    "to": ("To", "Addresses"),
    "cc": ("Cc", "Addresses"),
    "bcc": ("Bcc", "Addresses"),
    "subject": ("Subject", "Text"),
    "inReplyTo": ("In-Reply-To", "MessageIds"),
    "references": ("References", "MessageIds"),
}
_GROUP = Record({"name": String() | None, "addresses": ListOf(ADDRESS)}, required=frozenset({"addresses"}))
_FORMS: Final[dict[str, Kind]] = {
    "Raw": String(),
    "Text": String(),
    "Addresses": ListOf(ADDRESS),
    "GroupedAddresses": ListOf(_GROUP),
    "MessageIds": ListOf(String()),
    "Date": Date(),
    "URLs": ListOf(String()),
}
_PART_KINDS: Final[dict[str, Kind]] = {
    "partId": String() | None,
    "blobId": Id() | None,
    "size": UnsignedInt() | None,
    "name": String() | None,
    "type": String() | None,
    "charset": String() | None,
    "disposition": String() | None,
    "cid": String() | None,
    "language": ListOf(String(), at_most=100) | None,
    "location": String() | None,
    "subParts": ListOf(MapOf(String(), Anything())) | None,
}
# The header field that each property of a part stands for.
_FIELD_OF: Final = {
    "type": "content-type",
    "charset": "content-type",
    "disposition": "content-disposition",
    "name": "content-disposition",
    "cid": "content-id",
    "language": "content-language",
    "location": "content-location",
}
_BODY_VALUE = Record(
    {"value": String(), "isEncodingProblem": Boolean(), "isTruncated": Boolean()},
    required=frozenset({"value"}),
)
_HOST = re.compile(r"@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?)\Z")


@dataclass(frozen=True, slots=True)
class DraftPart:
    """One body part: its content is a text, a blob, or further parts."""

    type: str
    text: str | None = None
    blob: str | None = None
    charset: str | None = None
    name: str | None = None
    disposition: str | None = None
    cid: str | None = None
    language: tuple[str, ...] = ()
    location: str | None = None
    headers: tuple[mime.HeaderInput, ...] = ()
    sub_parts: tuple[DraftPart, ...] = ()

    def blobs(self) -> Iterator[str]:
        """Give the id of each blob in this part and those below it."""
        if self.blob is not None:
            yield self.blob
        for part in self.sub_parts:
            yield from part.blobs()

    def size(self, contents: Mapping[str, bytes]) -> int:
        """Count the octets of all content, each time that it stands in the message."""
        own = len((self.text or "").encode()) if self.blob is None else len(contents[self.blob])
        return own + sum(part.size(contents) for part in self.sub_parts)

    def filled(self, contents: Mapping[str, bytes]) -> mime.PartInput:
        """Give the part to write, with the bytes of the blobs."""
        return mime.PartInput(
            type=self.type,
            content=self.text if self.blob is None else contents[self.blob],
            charset=self.charset,
            name=self.name,
            disposition=self.disposition,
            cid=self.cid,
            language=self.language,
            location=self.location,
            headers=self.headers,
            sub_parts=tuple(part.filled(contents) for part in self.sub_parts),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to compose: its header fields and its body."""

    headers: tuple[mime.HeaderInput, ...]
    body: DraftPart

    def compose(self, contents: Mapping[str, bytes]) -> bytes:
        """Write the message; ``contents`` has the bytes of each blob in it."""
        return mime.compose(mime.ComposeInput(self.headers, self.body.filled(contents)))


def read(given: Mapping[str, Json], now: int) -> Draft:
    """Read the properties that a client gave an Email to create, but for those of the store.

    now: Unix seconds, for the Date of a message that has none.
    Raises SetError ``invalidProperties``.
    """
    reader = _Reader(given, now)
    draft = reader.draft()
    if reader.wrong:
        raise SetError("invalidProperties", "this can't be made a message", sorted(reader.wrong))
    return draft


@dataclass(slots=True)
class _Reader:
    given: Mapping[str, Json]
    now: int
    wrong: set[str] = field(default_factory=set)
    parts: int = 0

    def draft(self) -> Draft:
        headers = self.headers()
        return Draft(headers, self.body({one.name.lower() for one in headers}))

    # -- header fields --

    def headers(self) -> tuple[mime.HeaderInput, ...]:
        """Read all header fields; Message-ID and Date are made if they are missing."""
        fields: list[mime.HeaderInput] = []
        named: dict[str, list[str]] = {}
        for name, (field_name, form) in _CONVENIENCE.items():
            if name in self.given:
                named.setdefault(field_name.lower(), []).append(name)
                fields += self.fields(name, field_name, form, False, self.given[name])
        for name in self.given:
            wanted = header.read(name)
            if wanted is not None:
                lower = wanted.name.lower()
                named.setdefault(lower, []).append(name)
                if lower.startswith("content-"):
                    self.wrong.add(name)
                fields += self.fields(name, wanted.name, wanted.form, wanted.all, self.given[name])
        for names in named.values():
            if len(names) > 1:
                self.wrong.update(names)
        if len(fields) > _MOST_FIELDS:
            self.wrong.update(name for names in named.values() for name in names)
        return (*self.made({one.name.lower() for one in fields}), *fields)

    def made(self, present: set[str]) -> Iterator[mime.HeaderInput]:
        """Make what a message must have (RFC 5322 §3.6)."""
        if "message-id" not in present:
            host = next(iter(_HOST.findall(self.sender())), "localhost")
            yield mime.HeaderInput("Message-ID", "MessageIds", [f"{secrets.token_hex(16)}@{host}"])
        if "date" not in present:
            yield mime.HeaderInput("Date", "Date", clock.utc_date(self.now))

    def sender(self) -> str:
        addresses = self.given.get("from")
        return str(addresses[0]["email"]) if addresses else ""

    def fields(self, path: str, name: str, form: str, is_all: bool, value: Json) -> list[mime.HeaderInput]:
        """Read the field or fields of one property; none if it is null or an empty list."""
        values = value if is_all else [value]
        if not isinstance(values, list):
            self.wrong.add(path)
            return []
        found: list[mime.HeaderInput] = []
        for one in values:
            if one is None or one == []:
                continue
            try:
                if not _FORMS[form].accepts(one):
                    raise ValueError
                mime.write_field(name, form, one)
            except ValueError:
                self.wrong.add(path)
            else:
                found.append(mime.HeaderInput(name, form, one))
        return found

    # -- bodies --

    def body(self, headers: set[str]) -> DraftPart:
        """Read the body, given as a structure or as texts and attachments."""
        structure = self.given.get("bodyStructure")
        flat = [name for name in ("textBody", "htmlBody", "attachments") if self.given.get(name) is not None]
        if structure is None:
            return self.assembled()
        self.wrong.update(flat)
        twice = [name for name in structure if _field_of(name) in headers]
        self.wrong.update(f"bodyStructure/{name}" for name in twice)
        return self.part("bodyStructure", structure, None, 0)

    def assembled(self) -> DraftPart:
        """Put texts and attachments together: alternatives, then what they show, then attachments."""
        text = self.only("textBody", "text/plain")
        html = self.only("htmlBody", "text/html")
        attachments = [
            self.part(f"attachments/{index}", one, None, 0)
            for index, one in enumerate(self.given.get("attachments") or [])
        ]
        shown: list[DraftPart] = []
        others: list[DraftPart] = []
        for one in attachments:
            if html and one.cid and one.disposition != "attachment":
                shown.append(one)
            else:
                others.append(_offered(one))
        if html and shown:
            html = DraftPart("multipart/related", sub_parts=(html, *shown))
        bodies = [one for one in (text, html) if one is not None]
        if len(bodies) > 1:
            bodies = [DraftPart("multipart/alternative", sub_parts=tuple(bodies))]
        if others:
            return DraftPart("multipart/mixed", sub_parts=(*bodies, *others))
        return bodies[0] if bodies else DraftPart("text/plain", text="")

    def only(self, name: str, type: str) -> DraftPart | None:
        """Read the one part of ``textBody`` or ``htmlBody``, which has just this type."""
        given = self.given.get(name)
        if given is None:
            return None
        if len(given) != 1:
            self.wrong.add(name)
            return None
        found = self.part(f"{name}/0", given[0], type, 0)
        if found.type != type:
            self.wrong.add(f"{name}/0/type")
        return found

    def part(self, path: str, given: JsonObject, implied: str | None, depth: int) -> DraftPart:
        """Read one body part.

        implied: the type of one that names none.
        """
        self.parts += 1
        if depth > _DEEPEST or self.parts > _MOST_PARTS:
            self.wrong.add(path)
            return DraftPart("text/plain", text="")
        sound = self.sound(path, given)
        headers = self.part_headers(path, given)
        type_ = _type_of(sound, headers, implied)
        is_multipart = type_.startswith("multipart/")
        sub_parts = sound.get("subParts") or []
        if is_multipart != bool(sub_parts):
            self.wrong.add(f"{path}/subParts")
        text = None if is_multipart else self.text(path, sound, type_)
        for name in ("partId", "blobId") if is_multipart else ():
            if sound.get(name) is not None:
                self.wrong.add(f"{path}/{name}")
        found = DraftPart(
            type=type_,
            text=text,
            blob=None if is_multipart else sound.get("blobId"),
            charset=sound.get("charset"),
            name=sound.get("name"),
            disposition=sound.get("disposition"),
            cid=sound.get("cid"),
            language=tuple(sound.get("language") or ()),
            location=sound.get("location"),
            headers=headers,
            sub_parts=tuple(
                self.part(f"{path}/subParts/{index}", one, None, depth + 1)
                for index, one in enumerate(sub_parts)
            ),
        )
        if not _is_writable(found):
            self.wrong.add(path)
        return found

    def sound(self, path: str, given: JsonObject) -> JsonObject:
        """Give those plain properties of a part that are of their kind."""
        sound: JsonObject = {}
        for name, value in given.items():
            kind = _PART_KINDS.get(name)
            if kind is not None and kind.accepts(value):
                sound[name] = value
            elif kind is not None or header.read(name) is None:
                self.wrong.add(f"{path}/{name}")
        return sound

    def part_headers(self, path: str, given: JsonObject) -> tuple[mime.HeaderInput, ...]:
        """Read the further header fields of a part; none may be given twice, in whatever way."""
        fields: list[mime.HeaderInput] = []
        named: dict[str, list[str]] = {}
        for name in given:
            stands = _field_of(name)
            wanted = header.read(name)
            if wanted is not None and stands is not None:
                named.setdefault(stands, []).append(name)
                single_text = wanted.form in ("Raw", "Text") and not wanted.all
                if stands == "content-transfer-encoding" or (stands == "content-type" and not single_text):
                    self.wrong.add(f"{path}/{name}")
                    continue
                fields += self.fields(f"{path}/{name}", wanted.name, wanted.form, wanted.all, given[name])
        for name, value in given.items():
            if name in _FIELD_OF and value is not None and _FIELD_OF[name] in named:
                named[_FIELD_OF[name]].append(name)
        for names in named.values():
            if len(names) > 1:
                self.wrong.update(f"{path}/{name}" for name in names)
        return tuple(fields)

    def text(self, path: str, sound: JsonObject, type: str) -> str | None:
        """Find the text of a part that has a ``partId``; one with a blob has none here."""
        id, blob = sound.get("partId"), sound.get("blobId")
        if (id is None) == (blob is None):
            self.wrong.add(f"{path}/partId")
            return None
        if id is None:
            return None
        for name in ("charset", "size"):
            if sound.get(name) is not None:
                self.wrong.add(f"{path}/{name}")
        if not type.startswith("text/"):
            self.wrong.add(f"{path}/type")
        value = self.given.get("bodyValues", {}).get(id)
        if not _BODY_VALUE.accepts(value) or value.get("isEncodingProblem") or value.get("isTruncated"):
            self.wrong.add(f"bodyValues/{id}")
            return None
        return str(value["value"])


def _is_writable(part: DraftPart) -> bool:
    """Say whether the header fields of a part can be written."""
    plain = DraftPart("text/plain", text="")
    is_multipart = part.type.startswith("multipart/")
    text = None if is_multipart or part.blob is not None else ""
    bare = replace(part, text=text, sub_parts=(plain,) if is_multipart else ())
    try:
        Draft((), bare).compose({} if part.blob is None else {part.blob: b""})
    except ValueError:
        return False
    return True


def _field_of(name: str) -> str | None:
    """Name, in lower case, the header field that a property stands for."""
    wanted = header.read(name)
    return _FIELD_OF.get(name) if wanted is None else wanted.name.lower()


def _type_of(sound: JsonObject, headers: Iterable[mime.HeaderInput], implied: str | None) -> str:
    """Give the media type of a part, in lower case."""
    for one in headers:
        if one.name.lower() == "content-type" and isinstance(one.value, str):
            return one.value.split(";")[0].strip().lower()
    if sound.get("type") is not None:
        return str(sound["type"]).lower()
    if implied is not None:
        return implied
    if sound.get("subParts"):
        return "multipart/mixed"
    return "text/plain" if sound.get("blobId") is None else "application/octet-stream"


def _offered(part: DraftPart) -> DraftPart:
    """Let a part that does not say otherwise be offered for download."""
    if part.disposition is not None or any(one.name.lower() == "content-disposition" for one in part.headers):
        return part
    return replace(part, disposition="attachment")
