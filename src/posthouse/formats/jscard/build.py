"""Building: what one vCard property says, as a piece of a card (RFC 9555 §2).

A `Piece` is not yet in the card: `inward` decides where it goes, whether it is a localization, and what of its
parameters must be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from posthouse.formats.jscard.declaration import ENUMERATIONS
from posthouse.formats.jscard.moment import date_from, utc_from
from posthouse.formats.jscard.parameter import Parameters, absorb, geo_from, time_zone_from
from posthouse.formats.jscard.rule import RULES, SERVICES, Rule, value_from, value_type
from posthouse.formats.jscard.scalar import is_language, is_vendor_name
from posthouse.formats.jscard.structure import ADDRESS_KINDS, NAME_KINDS, components_from
from posthouse.formats.vcard import Property, components, items, text
from posthouse.formats.vcard.value import split_components
from posthouse.kit.json import JsonObject

_MOST_NICKNAMES = 100  # of one property


@dataclass(slots=True)
class Piece:
    """What a property says: ``value`` at ``place``, and the parameters that are ``left`` over.

    ``place`` is the path of a map that ``value`` becomes an entry of, or, if ``is_merged``, of the object whose
    properties are set. ``key`` is the entry's key where the property itself gives one.
    """

    place: tuple[str, ...]
    value: JsonObject
    left: Parameters = field(default_factory=dict)
    is_merged: bool = False
    key: str | None = None


def build(one: Property) -> list[Piece]:
    """Build what a property says; nothing for one that does not convert."""
    if rule := RULES.get(one.name):
        return _by_rule(one, rule)
    if one.name in SERVICES:
        return _service(one)
    builder = _BUILDERS.get(one.name)
    if builder is None:
        return []
    piece = builder(one)
    return [] if piece is None else [piece]


def _by_rule(one: Property, rule: Rule) -> list[Piece]:
    if rule.name == "NICKNAME":
        values = [value for value in items(one.value) if value]
        if len(values) > _MOST_NICKNAMES:
            return []
    elif rule.name == "SOCIALPROFILE" and _declared_type(one) == "text":
        return _user(one)
    else:
        found = value_from(rule, one.value)
        values = [] if found is None else [found]
    pieces = []
    for value in values:
        entry = {rule.value: value, **(rule.fixed or {})}
        pieces.append(Piece(rule.place, entry, _left(one, entry, rule.type)))
    return pieces


def _user(one: Property) -> list[Piece]:
    entry: JsonObject = {"user": text(one.value)}
    left = _left(one, entry, "OnlineService")
    left.pop("VALUE", None)
    return [Piece(("onlineServices",), entry, left)] if entry["user"] else []


def _service(one: Property) -> list[Piece]:
    entry: JsonObject = {
        "service": SERVICES[one.name],
        "user": text(one.value),
        "vCardName": one.name.lower(),
    }
    return [Piece(("onlineServices",), entry, _left(one, entry, "OnlineService"))] if entry["user"] else []


def _left(one: Property, value: JsonObject, type_name: str) -> Parameters:
    """Set what the parameters say, and return those that are left, without a VALUE that is no news."""
    if not one.parameters:
        return {}
    left = absorb(value, type_name, one.parameters)
    if "VALUE" in left and _declared_type(one) == (
        value_type(one.name, one.value) or _DEFAULTS.get(one.name, "text")
    ):
        del left["VALUE"]
    return left


def _kept(one: Property) -> Parameters:
    """Return all parameters but those that only serve the conversion: this object takes none."""
    return _left(one, {}, "Relation") if one.parameters else {}


_DEFAULTS = {
    **{rule.name: "uri" for rule in RULES.values() if rule.form == "uri"},
    **dict.fromkeys(("UID", "RELATED", "MEMBER", "GEO"), "uri"),
    **dict.fromkeys(("BDAY", "ANNIVERSARY", "DEATHDATE"), "date-and-or-time"),
    **dict.fromkeys(("REV", "CREATED"), "timestamp"),
    "LANG": "language-tag",
    "LANGUAGE": "language-tag",
}


def _declared_type(one: Property) -> str | None:
    values = one.parameters.get("VALUE", ())
    return values[0].lower() if len(values) == 1 else None


def _merged(one: Property, place: tuple[str, ...], value: JsonObject) -> Piece:
    return Piece(place, value, _kept(one), is_merged=True)


def _full_name(one: Property) -> Piece | None:
    return _merged(one, ("name",), {"full": text(one.value)}) if one.value else None


def _name(one: Property) -> Piece | None:
    fields = components(one.value)
    found = components_from(fields, NAME_KINDS, _single(one, "JSCOMPS"))
    if not found["components"]:
        return None
    parameters = dict(one.parameters)
    kinds = {component["kind"] for component in found["components"]}
    sort_as = [value for given in parameters.pop("SORT-AS", ()) for value in given.split(",")]
    pairs = [(kind, value) for kind, value in zip(NAME_KINDS, sort_as, strict=False) if value]
    if pairs and all(kind in kinds for kind, _ in pairs):
        found["sortAs"] = dict(pairs)
    elif sort_as:
        parameters["SORT-AS"] = one.parameters["SORT-AS"]
    left = _kept(Property("N", one.value, parameters))
    return Piece(("name",), found, left, is_merged=True)


def _single(one: Property, name: str) -> str | None:
    values = one.parameters.get(name, ())
    return ",".join(values) if values else None


def _address(one: Property) -> Piece | None:
    found = components_from(components(one.value), ADDRESS_KINDS, _single(one, "JSCOMPS"))
    if not found["components"]:
        found = {}
    left = _left(one, found, "Address")
    has_meaning = any(
        name in found for name in ("components", "coordinates", "countryCode", "full", "timeZone")
    )
    return Piece(("addresses",), found, left) if has_meaning else None


def _geo(one: Property) -> Piece | None:
    found = geo_from(one.value)
    return None if found is None else _position(one, {"coordinates": found, "vCardName": "geo"})


def _time_zone(one: Property) -> Piece | None:
    found = time_zone_from(one.value)
    return None if found is None else _position(one, {"timeZone": found, "vCardName": "tz"})


def _position(one: Property, value: JsonObject) -> Piece:
    left = _left(one, value, "Address")
    if one.name == "TZ" and _declared_type(one) == "utc-offset":
        left.pop("VALUE", None)
    return Piece(("addresses",), value, left)


def _organization(one: Property) -> Piece | None:
    names = [text(name) for name in split_components(one.value)]
    while names and not names[-1]:
        names.pop()
    if not names:
        return None
    found: JsonObject = {"name": names[0]} if names[0] else {}
    units: list[JsonObject] = [{"name": name} for name in names[1:]]
    if units:
        found["units"] = units
    parameters = dict(one.parameters)
    sort_as = [value for given in parameters.pop("SORT-AS", ()) for value in given.split(",")]
    targets = [found, *units]
    if len(sort_as) <= len(targets):
        for target, value in zip(targets, sort_as, strict=False):
            if value:
                target["sortAs"] = value
    else:
        parameters["SORT-AS"] = one.parameters["SORT-AS"]
    return Piece(
        ("organizations",), found, _left(Property("ORG", one.value, parameters), found, "Organization")
    )


def _anniversary(kind: str) -> Callable[[Property], Piece | None]:
    def build_one(one: Property) -> Piece | None:
        date = date_from(text(one.value))
        if date is None:
            return None
        parameters = dict(one.parameters)
        scale = (_single(one, "CALSCALE") or "").lower()
        if "utc" not in date and (scale in ENUMERATIONS["calendarScale"].values or is_vendor_name(scale)):
            date["calendarScale"] = scale
            del parameters["CALSCALE"]
        if _declared_type(one) in ("date", "timestamp", "date-time"):
            del parameters["VALUE"]
        found = {"kind": kind, "date": date}
        return Piece(
            ("anniversaries",), found, _left(Property(one.name, one.value, parameters), found, "Anniversary")
        )

    return build_one


def _birth_place(one: Property) -> Piece | None:
    """Build the Address of an Anniversary; `inward` puts it there."""
    plain = text(one.value)
    if _declared_type(one) == "uri":
        geo = geo_from(plain) if plain.startswith("geo:") else None
        found: JsonObject = {"coordinates": geo} if geo else {}
    else:
        found = {"full": plain} if plain else {}
    left = {
        name: values for name, values in one.parameters.items() if name not in ("VALUE", "PROP-ID", "JSID")
    }
    return Piece(("anniversaries",), found, left) if found else None


def _related(one: Property) -> Piece | None:
    found: JsonObject = {}
    parameters = dict(one.parameters)
    known = ENUMERATIONS["relation"].values
    types = parameters.pop("TYPE", [])
    relation = {name.lower(): True for name in types if name.lower() in known}
    found["relation"] = relation
    if unknown := [name for name in types if name and name.lower() not in known]:
        parameters["TYPE"] = unknown
    left = _kept(Property("RELATED", one.value, parameters))
    return Piece(("relatedTo",), found, left, key=text(one.value)) if one.value else None


def _member(one: Property) -> Piece | None:
    return _merged(one, ("members",), {text(one.value): True}) if one.value else None


def _keywords(one: Property) -> Piece | None:
    found = {keyword: True for keyword in items(one.value) if keyword}
    return _merged(one, ("keywords",), found) if found else None


def _moment(name: str) -> Callable[[Property], Piece | None]:
    def build_one(one: Property) -> Piece | None:
        found = utc_from(text(one.value))
        return None if found is None else _merged(one, (), {name: found})

    return build_one


def _plain(name: str, read: Callable[[str], str | None]) -> Callable[[Property], Piece | None]:
    def build_one(one: Property) -> Piece | None:
        found = read(text(one.value))
        return _merged(one, (), {name: found}) if found else None

    return build_one


def _kind(plain: str) -> str | None:
    kind = plain.strip().lower()
    return kind if kind in ENUMERATIONS["card"].values else plain if is_vendor_name(plain) else None


def _gender(one: Property) -> Piece | None:
    gender = text(one.value).lower()
    if gender not in ENUMERATIONS["gender"].values:
        return None
    return _merged(one, ("speakToAs",), {"grammaticalGender": gender})


def _company(one: Property) -> Piece | None:
    """Apple's way to say that a card is an organization's; the property is kept besides."""
    if one.value.strip().upper() != "COMPANY":
        return None
    return Piece((), {"kind": "org"}, {"X-ABSHOWAS": ["COMPANY"]}, is_merged=True)


_BUILDERS: Mapping[str, Callable[[Property], Piece | None]] = {
    "FN": _full_name,
    "N": _name,
    "ADR": _address,
    "GEO": _geo,
    "TZ": _time_zone,
    "ORG": _organization,
    "BDAY": _anniversary("birth"),
    "DEATHDATE": _anniversary("death"),
    "ANNIVERSARY": _anniversary("wedding"),
    "BIRTHPLACE": _birth_place,
    "DEATHPLACE": _birth_place,
    "RELATED": _related,
    "MEMBER": _member,
    "CATEGORIES": _keywords,
    "CREATED": _moment("created"),
    "REV": _moment("updated"),
    "KIND": _plain("kind", _kind),
    "LANGUAGE": _plain("language", lambda plain: plain if is_language(plain) else None),
    "PRODID": _plain("prodId", str),
    "UID": _plain("uid", str),
    "GRAMGENDER": _gender,
    "X-ABSHOWAS": _company,
}
