"""Writing: one object of a card as the vCard properties that say it (RFC 9555 §3.1).

Each function says what it can; `outward` compares and adds what they could not say.
"""

from __future__ import annotations

from posthouse.formats.jscard.alias import label_value
from posthouse.formats.jscard.moment import date_value, timestamp
from posthouse.formats.jscard.parameter import Parameters, parameters_of
from posthouse.formats.jscard.rule import SERVICES, object_type, rule_for, value_to, value_type
from posthouse.formats.jscard.structure import ADDRESS_KINDS, NAME_KINDS, Structure
from posthouse.formats.vcard import Property, escape, escape_component
from posthouse.kit.json import JsonObject

_DATES = {"birth": "BDAY", "death": "DEATHDATE", "wedding": "ANNIVERSARY"}
_PLACES = {"birth": "BIRTHPLACE", "death": "DEATHPLACE"}
_SCALARS = (
    ("KIND", "kind", escape),
    ("LANGUAGE", "language", escape),
    ("PRODID", "prodId", escape),
    ("CREATED", "created", timestamp),
    ("REV", "updated", timestamp),
)
_FULL_NAME = ("title", "given", "given2", "surname", "surname2", "generation", "credential")


def scalars(card: JsonObject) -> list[Property]:
    """Write the properties of the Card that are one value."""
    found = [Property(name, write(card[key])) for name, key, write in _SCALARS if key in card]
    if "uid" in card:
        found.insert(0, _typed("UID", card["uid"]))
    found += [_typed("MEMBER", member) for member in card.get("members", ())]
    if card.get("keywords"):
        found.append(Property("CATEGORIES", ",".join([escape(keyword) for keyword in card["keywords"]])))
    return found


def entry(place: tuple[str, ...], key: str, value: JsonObject) -> list[Property]:
    """Write an entry of a map; its key becomes the PROP-ID (RFC 9555 §3.1)."""
    if place == ("relatedTo",):
        return [_related(key, value)]
    if place == ("addresses",):
        found = _address(value)
    elif place == ("organizations",):
        found = [_organization(value)]
    elif place == ("anniversaries",):
        found = _anniversary(value)
    else:
        found = _by_rule(place, value)
    if found:
        found[0].parameters["PROP-ID"] = [key]
    if found and value.get("label"):
        found.append(Property("X-ABLABEL", label_value(value["label"])))
    return found


def name(value: JsonObject) -> list[Property]:
    """Write a Name as FN and N; the FN is derived if it is not set (RFC 9555 §3.1)."""
    if "full" in value:
        found = [Property("FN", escape(value["full"]))]
    else:
        derived = escape(full_name(value))
        found = [Property("FN", derived, {"DERIVED": ["TRUE"]} if derived else {})]
    if value.get("components"):
        structure = Structure(value, NAME_KINDS)
        parameters, group = parameters_of(value, "Name")
        _order(parameters, structure, value)
        sort_as = [value.get("sortAs", {}).get(kind, "") for kind in NAME_KINDS]
        if any(sort_as) and not any("," in one for one in sort_as):
            parameters["SORT-AS"] = [",".join(sort_as).rstrip(",")]
        found.append(Property("N", structure.value(), parameters, group))
        found += _phonetic("N", structure, value)
    return found


def full_name(value: JsonObject) -> str:
    """Join the components of a Name to a full name, in their order or in that of English."""
    components = value.get("components", [])
    if not value.get("isOrdered"):
        by_rank = sorted(
            (_FULL_NAME.index(one["kind"]), at)
            for at, one in enumerate(components)
            if one["kind"] in _FULL_NAME
        )
        return " ".join(components[at]["value"] for _, at in by_rank)
    between = value.get("defaultSeparator", " ")
    text = ""
    is_joined = True
    for one in components:
        if one["kind"] == "separator":
            text += one["value"]
            is_joined = True
        else:
            text += one["value"] if is_joined else between + one["value"]
            is_joined = False
    return text


def speak_to_as(value: JsonObject) -> list[Property]:
    """Write the grammatical gender of a SpeakToAs."""
    gender = value.get("grammaticalGender")
    return [Property("GRAMGENDER", gender)] if gender else []


def _typed(property_name: str, value: str) -> Property:
    """Write a value that is a URI, or else a text and says so."""
    kind = value_type(property_name, value)
    return (
        Property(property_name, escape(value), {"VALUE": [kind]}) if kind else Property(property_name, value)
    )


def _by_rule(place: tuple[str, ...], value: JsonObject) -> list[Property]:
    service = value.get("vCardName", "").upper() if place == ("onlineServices",) else ""
    known = service in SERVICES and value.get("service") == SERVICES[service]
    if known and "user" in value and "uri" not in value:
        plain = {key: item for key, item in value.items() if key not in ("service", "user")}
        parameters, group = parameters_of(plain, "OnlineService")
        return [Property(service, escape(value["user"]), parameters, group)]
    rule = rule_for(place, value)
    if rule is None:
        return []
    if rule.value in value:
        written = value_to(rule, value[rule.value])
        kind = value_type(rule.name, written)
        source = value
    elif "user" in value:
        written, kind = escape(value["user"]), "text"
        source = {key: item for key, item in value.items() if key != "user"}
    else:
        return []
    parameters, group = parameters_of(source, object_type(place))
    if kind and "VALUE" not in parameters:
        parameters["VALUE"] = [kind]
    return [Property(rule.name, written, parameters, group)]


def _address(value: JsonObject) -> list[Property]:
    position = {"geo": ("GEO", "coordinates"), "tz": ("TZ", "timeZone")}.get(value.get("vCardName", ""))
    if position and position[1] in value and "components" not in value:
        plain = {key: item for key, item in value.items() if key != position[1]}
        parameters, group = parameters_of(plain, "Address")
        return [Property(position[0], value[position[1]], parameters, group)]
    structure = Structure(value, ADDRESS_KINDS)
    parameters, group = parameters_of(value, "Address")
    _order(parameters, structure, value)
    return [Property("ADR", structure.value(), parameters, group), *_phonetic("ADR", structure, value)]


def _order(parameters: Parameters, structure: Structure, value: JsonObject) -> None:
    if value.get("isOrdered"):
        parameters["JSCOMPS"] = [structure.order(value.get("defaultSeparator"))]


def _phonetic(property_name: str, structure: Structure, value: JsonObject) -> list[Property]:
    """Write how the components sound (RFC 9554 §4.6, §4.8)."""
    sounds = structure.phonetics()
    if sounds is None:
        return []
    parameters = {"PHONETIC": [value.get("phoneticSystem", "script")]}
    if "phoneticScript" in value:
        parameters["SCRIPT"] = [value["phoneticScript"]]
    return [Property(property_name, sounds, parameters)]


def _organization(value: JsonObject) -> Property:
    parameters, group = parameters_of(value, "Organization")
    units = value.get("units", [])
    sort_as = [one.get("sortAs", "") for one in (value, *units)]
    if any(sort_as) and not any("," in one for one in sort_as):
        parameters["SORT-AS"] = [",".join(sort_as).rstrip(",")]
    names = [value.get("name", ""), *(unit["name"] for unit in units)]
    return Property("ORG", ";".join([escape_component(one) for one in names]), parameters, group)


def _anniversary(value: JsonObject) -> list[Property]:
    property_name = _DATES.get(value["kind"])
    written = date_value(value["date"])
    if property_name is None or written is None:
        return []
    parameters, group = parameters_of(value, "Anniversary")
    if "calendarScale" in value["date"]:
        parameters["CALSCALE"] = [value["date"]["calendarScale"]]
    found = [Property(property_name, written, parameters, group)]
    if "place" in value and value["kind"] in _PLACES:
        found += _place(_PLACES[value["kind"]], value["place"])
    return found


def _place(property_name: str, place: JsonObject) -> list[Property]:
    parameters, group = parameters_of({"vCardParams": place.get("vCardParams", {})}, "Relation")
    if "full" in place:
        return [Property(property_name, escape(place["full"]), parameters, group)]
    if "coordinates" in place:
        parameters["VALUE"] = ["uri"]
        return [Property(property_name, place["coordinates"], parameters, group)]
    return []


def _related(key: str, value: JsonObject) -> Property:
    parameters, group = parameters_of(value, "Relation")
    one = _typed("RELATED", key)
    return Property("RELATED", one.value, {**one.parameters, **parameters}, group)
