"""Parameters of vCard properties as properties of JSContact objects, and back (RFC 9555 §2.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from posthouse.formats.jscard.declaration import TYPES
from posthouse.formats.jscard.jcard import jcard_parameters, vcard_parameters
from posthouse.formats.jscard.moment import timestamp, utc_from, zone_from
from posthouse.formats.jscard.rule import uri_from
from posthouse.formats.jscard.scalar import SCALARS
from posthouse.formats.vcard import text
from posthouse.kit.json import Json, JsonObject

Parameters = dict[str, list[str]]

_CONTEXTS = {"home": "private", "work": "work"}
_ADDRESS_CONTEXTS = {**_CONTEXTS, "billing": "billing", "delivery": "delivery"}
_FEATURES = {
    "cell": "mobile",
    "fax": "fax",
    "main": "main-number",  # Apple
    "main-number": "main-number",
    "pager": "pager",
    "text": "text",
    "textphone": "textphone",
    "video": "video",
    "voice": "voice",
}
_TO_TYPE = {
    "contexts": {"private": "home", "work": "work", "billing": "billing", "delivery": "delivery"},
    "features": {new: old for old, new in _FEATURES.items() if old != "main"},
    "relation": None,
}
_LEVELS = {"beginner": "low", "average": "medium", "expert": "high"}
_NEVER_KEPT = ("JSID", "PROP-ID", "JSCOMPS", "DERIVED")


def _number(least: int, most: int) -> Callable[[str], Json]:
    def read(value: str) -> int | None:
        plain = value.strip()
        if not (plain.isascii() and plain.isdigit() and len(plain) < 10):
            return None
        return int(plain) if least <= int(plain) <= most else None

    return read


def _if(test: str) -> Callable[[str], Json]:
    return lambda value: value if value and SCALARS[test](value) else None


def _level(value: str) -> str | None:
    plain = value.lower()
    return _LEVELS.get(plain, plain if plain in ("low", "medium", "high") else None)


def geo_from(value: str) -> str | None:
    """Read a GEO as a ``geo:`` URI, also the pair of numbers that vCard 3.0 has (RFC 9555 §2.8.1)."""
    plain = text(value).strip()
    if SCALARS["GeoURI"](plain):
        return plain
    parts = plain.replace(";", ",").split(",")
    plain = "geo:" + ",".join(part.strip() for part in parts)
    return plain if len(parts) == 2 and SCALARS["GeoURI"](plain) else None


def time_zone_from(value: str) -> str | None:
    """Read a TZ as the name of a time zone (RFC 9555 §2.8.2)."""
    plain = text(value).strip()
    return zone_from(plain) or (plain if SCALARS["TimeZone"](plain) else None)


# Parameter, property, how it is read: None keeps it as a parameter.
_READERS: tuple[tuple[str, str, Callable[[str], Json]], ...] = (
    ("PREF", "pref", _number(1, 100)),
    ("MEDIATYPE", "mediaType", _if("MediaType")),
    ("INDEX", "listAs", _number(1, 999_999_999)),
    ("LEVEL", "level", _level),
    ("SERVICE-TYPE", "service", _if("NonEmptyString")),
    ("X-SERVICE-TYPE", "service", _if("NonEmptyString")),  # Apple
    ("USERNAME", "user", _if("NonEmptyString")),
    ("CREATED", "created", utc_from),
    ("CC", "countryCode", _if("CountryCode")),
    ("GEO", "coordinates", geo_from),
    ("TZ", "timeZone", time_zone_from),
    ("LABEL", "full", lambda value: text(value) or None),  # RFC 6350 §6.3.1 shows a backslash for its lines
)


@cache
def _readers(type_name: str) -> Mapping[str, tuple[str, Callable[[str], Json]]]:
    known = TYPES[type_name].properties
    return {
        parameter: (name, read)
        for parameter, name, read in _READERS
        if name in known and (name, type_name) != ("full", "Name")
    }


def absorb(value: JsonObject, type_name: str, parameters: Parameters) -> Parameters:
    """Set on an object what its parameters mean there, and return those that mean nothing.

    Sets no property twice.
    """
    left: Parameters = {}
    readers = _readers(type_name)
    for name, values in parameters.items():
        if name in _NEVER_KEPT:
            continue
        if name == "TYPE":
            if unknown := _absorb_types(value, type_name, values):
                left["TYPE"] = unknown
            continue
        target, read = readers.get(name, ("", None))
        found = read(values[0]) if read and len(values) == 1 and target not in value else None
        if found is not None:
            value[target] = found
        elif type_name != "Note" or not _absorb_author(value, name, values):
            left[name] = values
    return left


def _absorb_types(value: JsonObject, type_name: str, types: list[str]) -> list[str]:
    contexts = _ADDRESS_CONTEXTS if type_name == "Address" else _CONTEXTS
    known = TYPES[type_name].properties
    unknown = []
    for name in types:
        plain = name.lower()
        if plain in contexts and "contexts" in known:
            value.setdefault("contexts", {})[contexts[plain]] = True
        elif plain in _FEATURES and "features" in known:
            value.setdefault("features", {})[_FEATURES[plain]] = True
        elif name:
            unknown.append(name)
    return unknown


def _absorb_author(value: JsonObject, name: str, values: list[str]) -> bool:
    if name not in ("AUTHOR", "AUTHOR-NAME") or len(values) != 1 or not values[0]:
        return False
    found = values[0] if name == "AUTHOR-NAME" else uri_from(values[0])
    if found is not None:
        value.setdefault("author", {})["name" if name == "AUTHOR-NAME" else "uri"] = found
    return found is not None


def keep(value: JsonObject, left: Parameters, group: str | None = None) -> None:
    """Keep parameters that mean nothing here, and a group, in ``vCardParams`` (RFC 9555 §2.15.2)."""
    kept = jcard_parameters(left)
    if group is not None:
        kept["group"] = group
    if kept:
        value["vCardParams"] = {**value.get("vCardParams", {}), **kept}


def parameters_of(value: JsonObject, type_name: str) -> tuple[Parameters, str | None]:
    """Write the parameters of an object, and the group that it was kept with."""
    found: Parameters = {}
    types = [
        name if names is None else names[name]
        for source, names in _TO_TYPE.items()
        for name, is_set in value.get(source, {}).items()
        if is_set and (names is None or name in names)
    ]
    if types:
        found["TYPE"] = types
    for parameter, (name, _) in _readers(type_name).items():
        if name in value and parameter != "X-SERVICE-TYPE":
            written = timestamp(value[name]) if name == "created" else str(value[name])
            if name == "full":
                written = written.replace("\\", "\\\\")
            found[parameter] = [
                _LEVELS_OF_EXPERTISE.get(written, written) if _is_expertise(value, name) else written
            ]
    author = value.get("author", {}) if type_name == "Note" else {}
    for parameter, name in (("AUTHOR", "uri"), ("AUTHOR-NAME", "name")):
        if name in author:
            found[parameter] = [author[name]]
    kept, group = vcard_parameters(value.get("vCardParams", {}))
    found["TYPE"] = [*types, *(name for name in kept.pop("TYPE", []) if name not in types)]
    if not found["TYPE"]:
        del found["TYPE"]
    return {**kept, **found}, group


_LEVELS_OF_EXPERTISE = {"low": "beginner", "medium": "average", "high": "expert"}


def _is_expertise(value: JsonObject, name: str) -> bool:
    return name == "level" and value.get("kind") == "expertise"
