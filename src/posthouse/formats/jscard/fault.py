"""Faults: the paths of what is wrong in a card (RFC 9553 §1.7).

Theory: each signature of the declaration is compiled once into a check. A check returns the paths of the
faults relative to its value, ``""`` being the value itself; only on a fault are paths built. Known properties
are checked, unknown ones and those of vendors are let be. Depth is bounded by the declaration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from posthouse.formats.jscard.declaration import ENUMERATIONS, EVERYWHERE, RESERVED, TYPES
from posthouse.formats.jscard.patch import InvalidPatch, applied, escaped, tokens
from posthouse.formats.jscard.scalar import SCALARS, is_day, is_vendor_name
from posthouse.kit.json import Json, JsonObject

MAX_FAULTS = 100
"""So many faults are named; a card with more is no better known by them."""
MAX_LANGUAGES = 100
"""Localizations that one card may have."""

_Check = Callable[[Json], Sequence[str]]
_NONE: Sequence[str] = ()
_HERE: Sequence[str] = ("",)
_UNKNOWN_NAME = re.compile(r"@?[a-z][A-Za-z0-9@]*")


def faults(card: JsonObject, *, in_jmap: bool = False) -> list[str]:
    """Name what is wrong in a card, by paths such as ``emails/e1/contexts/work``.

    Paths are JSON pointers without the leading slash; a mandatory property that is missing is named where it
    should be, a fault inside a localization by the patch that brings it. At most `MAX_FAULTS` are named, each
    once. An empty list means that the card is valid (RFC 9553 §1.7, RFC 9982 §3).

    :param in_jmap: allow what is reserved for JMAP: ``id``, ``addressBookIds``, and ``blobId`` instead of the
        ``uri`` of a Media (RFC 9610 §3).
    """
    found = dict.fromkeys(_check("Card", in_jmap)(card))
    if type(card.get("localizations")) is dict:
        found.update(dict.fromkeys(_in_localizations(card, in_jmap)))
    return list(found)[:MAX_FAULTS]


def localized(card: JsonObject, language: str) -> JsonObject:
    """Return the card in a language: its patches applied, ``language`` set (RFC 9553 §2.7.1).

    Language tags are compared without regard to case. A card that has no localization for the language, or
    an invalid one, comes back in its own language; ``localizations`` is left out in all cases.
    """
    plain = {name: value for name, value in card.items() if name != "localizations"}
    for tag, patch in card.get("localizations", {}).items():
        if tag.lower() == language.lower():
            try:
                return {**applied(plain, patch), "language": tag}
            except InvalidPatch:
                return plain
    return plain


def _in_localizations(card: JsonObject, in_jmap: bool) -> Iterable[str]:
    plain = {name: value for name, value in card.items() if name != "localizations"}
    for number, (tag, patch) in enumerate(card["localizations"].items()):
        at = f"localizations/{escaped(tag)}"
        if number >= MAX_LANGUAGES:
            yield at
            return
        if type(patch) is not dict:
            continue
        try:
            targets = {path: tokens(path)[0] for path in patch}
            changed = applied(plain, patch)
        except InvalidPatch as invalid:
            yield f"{at}/{escaped(invalid.path)}"
            continue
        for path, target in targets.items():
            if target == "localizations":
                yield f"{at}/{escaped(path)}"
        # Only what the patch reaches is checked again, and only what it made wrong is its fault.
        names = {*targets.values(), *_ALWAYS}
        if "kind" in targets.values():
            names.add("members")
        before = {name: plain[name] for name in plain if name in names}
        after = {name: changed[name] for name in changed if name in names}
        known = set(_check("Card", in_jmap)(before))
        for fault in _check("Card", in_jmap)(after):
            if fault not in known:
                cause = next((path for path in patch if _meet(path.removeprefix("/"), fault)), None)
                yield at if cause is None else f"{at}/{escaped(cause)}"


_ALWAYS = ("@type", "version", "uid", "kind")


def _meet(path: str, fault: str) -> bool:
    """Tell whether one of two paths leads to or through the other."""
    return path == fault or fault.startswith(path + "/") or path.startswith(fault + "/")


def _within(name: str, inner: Iterable[str]) -> list[str]:
    at = escaped(name)
    return [f"{at}/{path}" if path else at for path in inner]


@cache
def _check(signature: str, in_jmap: bool) -> _Check:
    """Compile a signature (RFC 9553 §1.3.2)."""
    if signature.endswith("[]"):
        return _array(_check(signature[:-2], in_jmap))
    if signature.endswith("]"):
        key, _, item = signature[:-1].partition("[")
        return _map(_check(key, in_jmap), _check(item, in_jmap))
    if "|" in signature:
        names = signature.split("|")
        return _union(names[0], {name: _check(name, in_jmap) for name in names})
    if signature in TYPES:
        return _object(signature, in_jmap)
    if signature in ENUMERATIONS:
        enumeration = ENUMERATIONS[signature]
        values = frozenset(enumeration.values)
        vendors = enumeration.has_vendors
        return lambda value: (
            _NONE
            if type(value) is str and (value in values or (vendors and is_vendor_name(value)))
            else _HERE
        )
    test = SCALARS[signature]
    return lambda value: _NONE if test(value) else _HERE


def _array(item: _Check) -> _Check:
    def check(value: Json) -> Sequence[str]:
        if type(value) is not list:
            return _HERE
        found: list[str] = []
        for at, one in enumerate(value):
            if (inner := item(one)) and len(found) < MAX_FAULTS:
                found += _within(str(at), inner)
        return found

    return check


def _map(key: _Check, item: _Check) -> _Check:
    def check(value: Json) -> Sequence[str]:
        if type(value) is not dict:
            return _HERE
        found: list[str] = []
        for name, one in value.items():
            if (inner := key(name) or item(one)) and len(found) < MAX_FAULTS:
                found += _within(name, inner)
        return found

    return check


def _union(default: str, checks: dict[str, _Check]) -> _Check:
    def check(value: Json) -> Sequence[str]:
        if type(value) is not dict:
            return _HERE
        name = value.get("@type", default)
        chosen = checks.get(name) if type(name) is str else None
        return ("@type",) if chosen is None else chosen(value)

    return check


def _object(name: str, in_jmap: bool) -> _Check:
    declared = TYPES[name]
    signatures = {**declared.properties, **EVERYWHERE}
    reserved = RESERVED.get(name, {})
    mandatory = declared.mandatory
    any_of = declared.any_of
    if in_jmap:
        signatures.update(reserved)
        if "blobId" in reserved:
            mandatory = tuple(one for one in mandatory if one != "uri")
            any_of = ("uri", "blobId")
    checks: dict[str, _Check] = {
        "@type": lambda value: _NONE if value == name else _HERE,
        **{one: _check(signature, in_jmap) for one, signature in signatures.items()},
    }
    # A name that differs from a known one only in case is wrong, and so is a reserved one (RFC 9553 §1.7.1).
    refused = {one.lower() for one in checks} | {"extra"} | {one.lower() for one in reserved}
    rule = _RULES.get(name)

    def check(value: Json) -> Sequence[str]:
        if type(value) is not dict:
            return _HERE
        found: list[str] = []
        for key, item in value.items():
            inner = checks.get(key)
            if inner is None:
                if not _may_be_unknown(key, refused):
                    found.append(escaped(key))
            elif wrong := inner(item):
                found += _within(key, wrong)
            if len(found) >= MAX_FAULTS:
                return found
        for key in mandatory:
            if key not in value:
                found.append(key)
        if any_of and not any(key in value for key in any_of):
            found.append(any_of[0])
        if rule is not None and not found:
            found += rule(value)
        return found

    return check


def _may_be_unknown(name: str, refused: set[str]) -> bool:
    """Tell whether a name that is not declared may stand in an object (RFC 9553 §1.7.4, §1.8.1)."""
    if ":" in name:
        return is_vendor_name(name)
    return _UNKNOWN_NAME.fullmatch(name) is not None and name.lower() not in refused


def _card(card: JsonObject) -> Iterable[str]:
    """A group's members, and the uid that version 1.0 demands (RFC 9553 §2.1.6, RFC 9982 §4)."""
    if "members" in card and card.get("kind") != "group":
        yield "members"
    if card["version"] == "1.0" and "uid" not in card:
        yield "uid"


def _components(value: JsonObject) -> Iterable[str]:
    """What holds between components, their order and separators (RFC 9553 §2.2.1.1, §2.5.1.1)."""
    components = value.get("components")
    is_ordered = value.get("isOrdered", False)
    if "defaultSeparator" in value and (components is None or not is_ordered):
        yield "defaultSeparator"
    has_phonetics = "phoneticSystem" in value or "phoneticScript" in value
    if components is None:
        return
    if all(one["kind"] == "separator" for one in components):
        yield "components"
        return
    was_separator = False
    for at, one in enumerate(components):
        is_separator = one["kind"] == "separator"
        if is_separator and (was_separator or not is_ordered):
            yield f"components/{at}/kind"
        was_separator = is_separator
        if "phonetic" in one and not has_phonetics:
            yield f"components/{at}/phonetic"


def _name(value: JsonObject) -> Iterable[str]:
    yield from _components(value)
    kinds = {one["kind"] for one in value.get("components", ())}
    for kind in value.get("sortAs", ()):
        if kind not in kinds:
            yield f"sortAs/{escaped(kind)}"
    if "sortAs" in value and "components" not in value:
        yield "sortAs"


def _organization(value: JsonObject) -> Iterable[str]:
    if value.get("units") == []:
        yield "units"


def _partial_date(value: JsonObject) -> Iterable[str]:
    """Year, month and day must make a date or a part of one (RFC 9553 §2.8.1)."""
    year, month, day = value.get("year"), value.get("month"), value.get("day")
    if year is None and month is None and day is None:
        yield "year"
    if (
        (month is not None and not 1 <= month <= 12)
        or (month is not None and year is None and day is None)
        or (day is not None and month is None)
    ):
        yield "month"
    elif day is not None and not is_day(year, month or 0, day):
        yield "day"


_RULES: dict[str, Callable[[JsonObject], Iterable[str]]] = {
    "Card": _card,
    "Name": _name,
    "Address": _components,
    "Organization": _organization,
    "PartialDate": _partial_date,
}
