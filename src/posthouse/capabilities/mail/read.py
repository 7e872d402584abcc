"""Reading: the properties of an Email that are made when they are asked for (RFC 8621 §4.1.3, §4.2).

Header fields in any form come from the stored fields, body parts from the stored structure, and the bytes of
a message are touched for the texts of its bodies only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from posthouse.capabilities.mail import header, part
from posthouse.capabilities.mail.email import email
from posthouse.formats import mime
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.ports import BlobSource, Reading
from posthouse.proto.jmap.errors import MethodError

_LISTS: Final = ("textBody", "htmlBody", "attachments")
_BODIES: Final = frozenset((*_LISTS, "bodyStructure"))
_HEADER_BLOCK: Final = 1_000_000
_MOST_BODY_PROPERTIES: Final = 50
_MOST_TEXT: Final = 64_000_000
"""Octets of body parts that one call reads for more than one Email."""


def needs(names: Sequence[str], arguments: JsonObject) -> frozenset[str] | None:
    """Name the stored properties from which the wanted ones are made; None if all are stored as they are.

    Raises MethodError ``invalidArguments`` for a body property that does not exist, or can't have that form.
    """
    shown = view(arguments)
    wanted: set[str] = set()
    bodies = _BODIES.intersection(names)
    if "bodyStructure" in bodies or (bodies and not shown.is_default):
        wanted |= bodies | {"bodyStructure"}
        if shown.reads_headers:
            wanted |= {"headers", "blobId"}
    if any(name.startswith("header:") for name in names):
        wanted |= {"headers", "blobId"}
    if "bodyValues" not in names:
        return frozenset(wanted) or None
    for argument, read in _FETCHES.items():
        if arguments[argument]:
            wanted |= {read, "bodyStructure"}
    return frozenset(wanted)


_FETCHES: Final = {
    "fetchTextBodyValues": "textBody",
    "fetchHTMLBodyValues": "htmlBody",
    "fetchAllBodyValues": "bodyStructure",
}


@email.compute(needs)
def _compute(
    reading: Reading, objects: Mapping[int, JsonObject], names: Sequence[str], arguments: JsonObject
) -> None:
    shown = view(arguments)
    left = _MOST_TEXT
    for count, values in enumerate(objects.values()):
        reading.txn.pause()
        left -= render(reading.blobs, values, names, arguments, shown)
        if left < 0 and count:
            raise MethodError("requestTooLarge", "the bodies are too large to be fetched together")


def view(arguments: JsonObject) -> part.View:
    """Give the view of body parts that ``bodyProperties`` asks for; raises MethodError ``invalidArguments``."""
    names = part.DEFAULTS if arguments["bodyProperties"] is None else tuple(arguments["bodyProperties"])
    if len(names) > _MOST_BODY_PROPERTIES:
        raise MethodError(
            "invalidArguments",
            f"more than {_MOST_BODY_PROPERTIES} properties of body parts",
            arguments=["bodyProperties"],
        )
    return _view(names)


@lru_cache(maxsize=64)
def _view(names: tuple[str, ...]) -> part.View:
    try:
        return part.View(names)
    except ValueError as error:
        raise MethodError(
            "invalidArguments",
            f"body parts have no property {str(error)[:100]!r}",
            arguments=["bodyProperties"],
        ) from None


def render(
    blobs: BlobSource, values: JsonObject, names: Sequence[str], arguments: JsonObject, shown: part.View
) -> int:
    """Add the wanted properties to the stored values of one Email, and give the octets read for them.

    values: have what `needs` named.
    """
    fields = _Fields(blobs, values)
    octets = 0
    if "bodyValues" in names:
        octets = _add_body_values(blobs, values, arguments)
    for name in names:
        if name.startswith("header:"):
            wanted = header.read(name)
            assert wanted is not None
            values[name] = wanted.value(fields.named(wanted.name))
    structure = values.get("bodyStructure")
    if structure is not None and not shown.is_default:
        parts = {one["partId"]: one for one in part.leaves(structure)}
        for name in _LISTS:
            if name in names:
                values[name] = [shown.leaf(parts[one["partId"]], fields) for one in values[name]]
    if "bodyStructure" in names:
        assert structure is not None
        values["bodyStructure"] = shown.tree(structure, fields)
    return octets


class _Fields:
    """The header fields of a message, made when they are first asked for."""

    def __init__(self, blobs: BlobSource, values: JsonObject) -> None:
        self._blobs = blobs
        self._values = values
        self._fields: list[mime.Header] | None = None
        self._by_name: defaultdict[str, list[mime.Header]] = defaultdict(list)

    def named(self, name: str) -> list[mime.Header]:
        """Give the fields of one name, whatever its case."""
        if not self._by_name:
            for field in self():
                self._by_name[field.name.lower()].append(field)
        return self._by_name.get(name.lower(), [])

    def __call__(self) -> list[mime.Header]:
        if self._fields is None:
            stored = self._values["headers"]
            if any("\ufffd" in field["value"] for field in stored):
                # Octets that are no UTF-8 are lost in the stored form; what they mean is read from the bytes.
                named = blobid.decode(self._values["blobId"])
                assert named is not None
                self._fields = mime.parse(self._blobs.read(named.digest, 0, _HEADER_BLOCK)).headers
            else:
                self._fields = [part.as_header(field) for field in stored]
        return self._fields


def _add_body_values(blobs: BlobSource, values: JsonObject, arguments: JsonObject) -> int:
    """Add the texts of the bodies that the arguments ask for (RFC 8621 §4.2)."""
    structure = values.get("bodyStructure")
    chosen: dict[str, JsonObject] = {}
    if structure is not None:
        leaves = {one["partId"]: one for one in part.leaves(structure) if one["type"].startswith("text/")}
        if arguments["fetchAllBodyValues"]:
            chosen = leaves
        else:
            wanted = [
                one["partId"]
                for argument, name in _FETCHES.items()
                if arguments[argument]
                for one in values[name]
            ]
            chosen = {id: leaves[id] for id in wanted if id in leaves}
    most = arguments["maxBodyValueBytes"]
    values["bodyValues"] = {id: part.text(one, blobs, most) for id, one in chosen.items()}
    return sum(one["size"] for one in chosen.values())
