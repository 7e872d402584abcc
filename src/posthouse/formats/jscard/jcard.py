"""jCard: single vCard properties as JSON, for what JSContact has no place for (RFC 7095 §3.3)."""

from __future__ import annotations

from posthouse.formats.vcard import Property, components, escape, escape_component, items, text
from posthouse.kit.json import Json, JsonObject

_TEXT = frozenset(
    [
        "FN",
        "NICKNAME",
        "EMAIL",
        "TITLE",
        "ROLE",
        "CATEGORIES",
        "NOTE",
        "PRODID",
        "KIND",
        "GENDER",
        "N",
        "ADR",
        "ORG",
        "TZ",
        "TEL",
        "XML",
        "EXPERTISE",
        "HOBBY",
        "INTEREST",
        "BIRTHPLACE",
        "DEATHPLACE",
        "CLIENTPIDMAP",
        "PRONOUNS",
        "GRAMGENDER",
    ]
)
_URI = frozenset(
    [
        "SOURCE",
        "PHOTO",
        "IMPP",
        "GEO",
        "LOGO",
        "MEMBER",
        "RELATED",
        "SOUND",
        "UID",
        "URL",
        "KEY",
        "FBURL",
        "CALADRURI",
        "CALURI",
        "ORG-DIRECTORY",
        "CONTACT-URI",
        "SOCIALPROFILE",
    ]
)
_STRUCTURED = frozenset(("N", "ADR", "ORG", "GENDER", "CLIENTPIDMAP"))
_LISTS = frozenset(("CATEGORIES", "NICKNAME"))
_NOT_WRITTEN = frozenset(("BEGIN", "END", "VERSION", "JSPROP"))


def to_jcard(one: Property) -> list[Json]:
    """Write a property as jCard (RFC 7095 §3.3)."""
    parameters = jcard_parameters(one.parameters)
    declared = parameters.pop("value", None)
    if one.group:
        parameters["group"] = one.group
    default = "text" if one.name in _TEXT else "uri" if one.name in _URI else "unknown"
    kind = declared.lower() if isinstance(declared, str) and declared else default
    head: list[Json] = [one.name.lower(), parameters, kind]
    if kind != "text":
        return [*head, one.value]
    if one.name in _STRUCTURED:
        fields: list[Json] = [field if len(field) > 1 else field[0] for field in components(one.value)]
        return [*head, fields if len(fields) > 1 or isinstance(fields[0], list) else fields[0]]
    return [*head, *items(one.value)] if one.name in _LISTS else [*head, text(one.value)]


def from_jcard(value: list[Json]) -> Property | None:
    """Read a property from jCard, or return None for one that cannot stand in a vCard."""
    name = value[0].upper()
    if name in _NOT_WRITTEN:
        return None
    parameters, group = vcard_parameters(value[1])
    default = "text" if name in _TEXT else "uri" if name in _URI else "unknown"
    if value[2].lower() not in (default, "unknown"):
        parameters["VALUE"] = [value[2]]
    is_structured = name in _STRUCTURED and value[2].lower() == "text"
    written = [
        _structure([one] if is_structured and type(one) is str else one, value[2].lower())
        for one in value[3:]
    ]
    return Property(name, ",".join(written), parameters, group)


def jcard_parameters(parameters: dict[str, list[str]]) -> JsonObject:
    """Write parameters as jCard does: lower-case names, a list only for several values (RFC 7095 §3.4)."""
    return {
        name.lower(): values[0] if len(values) == 1 else values
        for name, values in parameters.items()
        if values
    }


def vcard_parameters(parameters: JsonObject) -> tuple[dict[str, list[str]], str | None]:
    """Read parameters from jCard; the group, which is one of them there, comes apart (RFC 7095 §3.3.1.2)."""
    found = {
        name.upper(): [value] if isinstance(value, str) else list(value) for name, value in parameters.items()
    }
    group = found.pop("GROUP", [])
    return found, group[0] if group else None


def _structure(value: Json, kind: str) -> str:
    if not isinstance(value, list):
        return _plain(value, kind)
    return ";".join(
        [
            ",".join([escape_component(_scalar(inner)) for inner in one])
            if isinstance(one, list)
            else escape_component(_scalar(one))
            for one in value
        ]
    )


def _plain(value: Json, kind: str) -> str:
    return escape(_scalar(value)) if kind == "text" else _scalar(value)


def _scalar(value: Json) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value).lower()
