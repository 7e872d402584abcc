"""Plain values: whether a JSON value is of one of the simple types of JSContact (RFC 9553 §1.4)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping

from posthouse.kit.json import Json

Test = Callable[[Json], bool]

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_UTC = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.[0-9]*[1-9])?Z", re.ASCII)
_LANGUAGE = re.compile(r"(?:[A-Za-z]{2,8}|[ixIX](?=-))(?:-[A-Za-z0-9]{1,8})*")
_SCRIPT = re.compile(r"[A-Za-z]{4}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NOT_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_URI_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%"
_GEO = re.compile(
    r"geo:-?\d+(?:\.\d+)?,-?\d+(?:\.\d+)?(?:,-?\d+(?:\.\d+)?)?(?:;[A-Za-z0-9;=._~%\[\]:&+$!*'()-]+)?"
)
_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*(?:\s*;[^\x00-\x1f]*)?"
)
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_ADDR_SPEC = re.compile(
    r'(?:"(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*+"|[^\s"(),:;<>@\[\\\]\x00-\x1f]+)'
    r"@(?:\[[^\s\[\]\\]+\]|[^\s\"(),:;<>@\[\\\]\x00-\x1f]+)"
)
# ABNF v-extension (RFC 9553 §1.8.1); NON-ASCII is any character beyond U+007F. The slash, which the ABNF leaves
# out, is let in, for RFC 9555 §3.2.1 has an example with it.
_LABEL = r"[A-Za-z0-9\x80-\U0010ffff](?:[A-Za-z0-9\x80-\U0010ffff-]*[A-Za-z0-9\x80-\U0010ffff])?"
_VENDOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*:[ \t!\x23-\x7d\x80-\U0010ffff]+")
_VCARD_NAME = re.compile(r"[A-Za-z0-9-]+")
_LARGEST = 2**53 - 1


def is_vendor_name(name: str) -> bool:
    """Tell whether a name belongs to a vendor: ``example.com:name`` (RFC 9553 §1.8.1)."""
    return ":" in name and _VENDOR.fullmatch(name) is not None


def is_uri(value: str) -> bool:
    """Tell whether a text is a URI, with a scheme and only characters that URIs have (RFC 9553 §1.6.2)."""
    if not _SCHEME.match(value) or not value.isascii():
        return False
    if value.encode("ascii").translate(None, _URI_CHARACTERS):
        return False
    return "%" not in value or _NOT_PERCENT.search(value) is None


def is_id(value: Json) -> bool:
    """Tell whether a value is an Id (RFC 9553 §1.4.1)."""
    return type(value) is str and _ID.fullmatch(value) is not None


def is_language(value: Json) -> bool:
    """Tell whether a value has the form of a language tag (RFC 5646 §2.1)."""
    return type(value) is str and _LANGUAGE.fullmatch(value) is not None


def is_utc(value: Json) -> bool:
    """Tell whether a value is a UTCDateTime: one spelling for each moment (RFC 9553 §1.4.5)."""
    if type(value) is not str or (match := _UTC.fullmatch(value)) is None:
        return False
    year, month, day, hour, minute, second = map(int, match.groups())
    return is_day(year, month, day) and hour < 24 and minute < 60 and second <= 60


def is_day(year: int | None, month: int, day: int) -> bool:
    """Tell whether the month has that day; without a year it may be a leap year's."""
    if not 1 <= month <= 12 or day < 1:
        return False
    return day <= monthrange(2000 if year is None or not 1 <= year <= 9999 else year, month)[1]


def _matches(pattern: re.Pattern[str]) -> Test:
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def _unsigned(least: int, most: int) -> Test:
    return lambda value: type(value) is int and least <= value <= most


def _is_parameter(value: Json) -> bool:
    return type(value) is str or (type(value) is list and all(type(item) is str for item in value))


def _is_property(value: Json) -> bool:
    """Tell whether a value is a property in jCard (RFC 7095 §3.3)."""
    return (
        type(value) is list
        and len(value) >= 4
        and type(value[0]) is str
        and _VCARD_NAME.fullmatch(value[0]) is not None
        and type(value[1]) is dict
        and all(_is_parameter(item) for item in value[1].values())
        and type(value[2]) is str
        and _VCARD_NAME.fullmatch(value[2]) is not None
    )


SCALARS: Mapping[str, Test] = {
    "String": lambda value: type(value) is str,
    "NonEmptyString": lambda value: type(value) is str and value != "",
    "Boolean": lambda value: type(value) is bool,
    "True": lambda value: value is True,
    "UnsignedInt": _unsigned(0, _LARGEST),
    "Position": _unsigned(1, _LARGEST),
    "Preference": _unsigned(1, 100),  # RFC 9553 §1.5.3
    "Id": is_id,
    "BlobId": is_id,
    "UTCDateTime": is_utc,
    "LanguageTag": is_language,
    "Script": _matches(_SCRIPT),
    "URI": lambda value: type(value) is str and is_uri(value),
    "GeoURI": _matches(_GEO),
    "MediaType": _matches(_MEDIA_TYPE),
    "AddrSpec": _matches(_ADDR_SPEC),
    "CountryCode": _matches(_COUNTRY),
    "TimeZone": _matches(_TIME_ZONE),
    "PatchObject": lambda value: type(value) is dict,
    "VCardName": _matches(_VCARD_NAME),
    "VCardParameter": _is_parameter,
    "VCardProperty": _is_property,
}
"""Tests by the name of the plain type."""
