"""Older versions: what vCard 2.1 and 3.0 wrote otherwise, brought into the form of 4.0.

(RFC 2426; RFC 6350 Appendix A lists the differences.) The same rules serve all versions where 4.0 has no
meaning of its own for what they change, for many programs write one version and name another.
"""

from __future__ import annotations

import binascii
import re

from posthouse.formats.vcard.card import Property
from posthouse.formats.vcard.charset import decode
from posthouse.formats.vcard.value import components, escape, escape_component, split_components, text

_STRUCTURED = frozenset(("N", "ADR", "ORG"))
_MEDIA = {
    "PHOTO": "image",
    "LOGO": "image",
    "SOUND": "audio",
    "KEY": "application",
    "X-MS-CARDPICTURE": "image",
}
_MEDIA_TYPES = {
    "JPG": "image/jpeg",
    "WAVE": "audio/wav",
    "WAV": "audio/wav",
    "MP3": "audio/mpeg",
    "PGP": "application/pgp-keys",
    "X509": "application/pkix-cert",
}
_MAGIC = {"/9j/": "image/jpeg", "iVBORw0KGgo": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp"}
_OPAQUE = "application/octet-stream"
_VALUE_TYPES = {
    "URL": "uri",
    "CID": "uri",
    "CONTENT-ID": "uri",
    "INLINE": "",
    "BINARY": "",
    "PHONE-NUMBER": "",
}
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]+")
_SUBTYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,60}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9.+-]+")
_GEO = re.compile(r"\s*([+-]?\d{1,3}(?:\.\d+)?)\s*[;,]\s*([+-]?\d{1,3}(?:\.\d+)?)\s*")
_DATES = frozenset(("BDAY", "ANNIVERSARY", "DEATHDATE", "REV", "CREATED"))
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?)?")
_YEARLESS = frozenset(("1604", "0000"))


def upgrade(properties: list[Property], version: str) -> list[Property]:
    """Bring the properties of a card into the form of 4.0; those of 4.0 keep their values.

    :param version: what the card said: ``"2.1"``, ``"3.0"``, ``"4.0"``, or anything.
    """
    for one in properties:
        if one.parameters:
            _undo_encoding(one, version)
            _mend_parameters(one)
        elif version == "2.1":
            one.value = _escaped_anew(one.name, one.value, was_quoted=False)
        if version != "4.0":
            _mend_value(one)
            if one.name in _MEDIA and "TYPE" in one.parameters:
                kind = _media_type(one, "")
                if kind != _OPAQUE:
                    one.parameters["MEDIATYPE"] = [kind]
    return properties if version == "4.0" else _join_sort_string(properties)


def _undo_encoding(one: Property, version: str) -> None:
    charset = one.parameters.pop("CHARSET", [""])[0]
    encoding = one.parameters.pop("ENCODING", [""])[0].upper()
    if encoding == "QUOTED-PRINTABLE":
        plain = decode(binascii.a2b_qp(one.value.encode("utf-8")), charset or None).replace("\r\n", "\n")
        one.value = _escaped_anew(one.name, plain, was_quoted=True)
    elif encoding in ("B", "BASE64"):
        _undo_base64(one, charset)
    elif version == "2.1":
        one.value = _escaped_anew(one.name, one.value, was_quoted=False)


def _undo_base64(one: Property, charset: str) -> None:
    packed = _NOT_BASE64.sub("", one.value.partition("=")[0])
    if len(packed) % 4 == 1:
        packed = packed[:-1]
    packed += "=" * (-len(packed) % 4)
    if one.name in _MEDIA or one.name.startswith("X-"):
        one.value = f"data:{_media_type(one, packed)};base64,{packed}"
        if one.name not in _MEDIA:
            one.parameters["VALUE"] = ["uri"]
    else:
        plain = decode(binascii.a2b_base64(packed), charset or None)
        one.value = _escaped_anew(one.name, plain, was_quoted=True)


def _media_type(one: Property, packed: str) -> str:
    """Name the media type: as the card says by TYPE or MEDIATYPE, else by how the data begin."""
    declared = one.parameters.pop("MEDIATYPE", [])
    if declared and _MEDIA_TYPE.fullmatch(declared[0]):
        return declared[0].lower()
    kept = []
    found = ""
    for name in one.parameters.pop("TYPE", []):
        if (
            found
            or name.upper() in ("PREF", "HOME", "WORK")
            or not _SUBTYPE.fullmatch(name.rpartition("/")[2])
        ):
            kept.append(name)
        elif name.upper() in _MEDIA_TYPES:
            found = _MEDIA_TYPES[name.upper()]
        else:
            found = name.lower() if _MEDIA_TYPE.fullmatch(name) else ""
            found = found or f"{_MEDIA.get(one.name, 'application')}/{name.lower()}"
    if kept:
        one.parameters["TYPE"] = kept
    return found or next((kind for magic, kind in _MAGIC.items() if packed.startswith(magic)), _OPAQUE)


def _escaped_anew(name: str, value: str, was_quoted: bool) -> str:
    """Write a value of 2.1 with the escapes of 4.0: there only semicolons of structures had one.

    Programs escape more, also line feeds, though not in quoted-printable, which has its own.
    """
    if name in _STRUCTURED:
        pieces = split_components(value)
        return ";".join([escape_component(_without_escapes(piece, was_quoted)) for piece in pieces])
    if name in ("CATEGORIES", "NICKNAME"):
        return value if not was_quoted else value.replace("\n", "\\n")
    if name in _MEDIA or ("\\" not in value and "," not in value and "\n" not in value):
        return value
    return escape(_without_escapes(value, was_quoted)) if name != "URL" else text(value)


def _without_escapes(value: str, was_quoted: bool) -> str:
    if "\\" not in value:
        return value
    if was_quoted:
        return value.replace("\\;", ";").replace("\\,", ",")
    return text(value)


def _mend_parameters(one: Property) -> None:
    parameters = one.parameters
    if (types := parameters.get("TYPE")) is not None:
        kept = []
        for name in types:
            upper = name.upper()
            if upper == "PREF":
                parameters.setdefault("PREF", ["1"])
            elif upper and not (one.name == "EMAIL" and upper == "INTERNET"):
                kept.append(name)
        if kept:
            parameters["TYPE"] = kept
        else:
            del parameters["TYPE"]
    if value_type := parameters.get("VALUE"):
        known = _VALUE_TYPES.get(value_type[0].upper())
        if known:
            parameters["VALUE"] = [known]
        elif known is not None:
            del parameters["VALUE"]


def _mend_value(one: Property) -> None:
    if one.name == "GEO":
        if match := _GEO.fullmatch(one.value.replace("\\", "")):
            one.value = f"geo:{match[1]},{match[2]}"
    elif one.name in _DATES:
        omitted = one.parameters.pop("X-APPLE-OMIT-YEAR", [])
        if match := _DATE.fullmatch(one.value):
            year, month, day, *time = match.groups()
            if year in omitted or (omitted == [] and year in _YEARLESS):
                year = "--"
            one.value = year + month + day
            if time[0]:
                one.value += "T" + "".join(part or "" for part in time).replace(":", "")
    elif one.name in _MEDIA and one.value.startswith("data:") and "\\" in one.value:
        one.value = text(one.value)


def _join_sort_string(properties: list[Property]) -> list[Property]:
    """Turn SORT-STRING into the SORT-AS of N (RFC 2426 §3.6.5, RFC 6350 §5.9)."""
    found = [one for one in properties if one.name == "SORT-STRING" and not one.parameters]
    names = [one for one in properties if one.name == "N" and any(map(any, components(one.value)))]
    if len(found) != 1 or len(names) != 1 or "SORT-AS" in names[0].parameters:
        return properties
    names[0].parameters["SORT-AS"] = [text(found[0].value)]
    return [one for one in properties if one is not found[0]]
