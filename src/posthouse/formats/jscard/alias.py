"""Aliases: what Apple, Android, Evolution, KDE and Outlook write in their own words, in those of the RFCs.

Only what means the same is renamed; all else stays as it is and is kept among ``vCardProps``.
"""

from __future__ import annotations

from collections.abc import Iterable

from posthouse.formats.vcard import Property, components, escape, text

_SAME = {
    "X-ANNIVERSARY": "ANNIVERSARY",
    "X-EVOLUTION-ANNIVERSARY": "ANNIVERSARY",
    "X-KADDRESSBOOK-X-ANNIVERSARY": "ANNIVERSARY",
    "X-MS-ANNIVERSARY": "ANNIVERSARY",
    "X-ADDRESSBOOKSERVER-KIND": "KIND",
    "X-ADDRESSBOOKSERVER-MEMBER": "MEMBER",
    "X-MS-CARDPICTURE": "PHOTO",
}
_SPOUSES = frozenset(
    (
        "X-SPOUSE",
        "X-EVOLUTION-SPOUSE",
        "X-KADDRESSBOOK-X-SPOUSESNAME",
        "X-KADDRESSBOOK-X-SPOUSENAME",
        "X-MS-SPOUSE",
    )
)
_LABELLED_RELATIONS = {"Spouse": "spouse", "Child": "child", "Friend": "friend", "Parent": "parent"}
_ANDROID_RELATIONS = {"3": "child", "6": "friend", "9": "parent", "14": "spouse"}
_ANDROID_EVENTS = {"1": "ANNIVERSARY", "3": "BDAY"}
_APPLE_LABELS = frozenset(
    [
        "Home",
        "Work",
        "Other",
        "Mobile",
        "Main",
        "HomePage",
        "HomeFAX",
        "WorkFAX",
        "OtherFAX",
        "Pager",
        "Anniversary",
        "Mother",
        "Father",
        "Parent",
        "Brother",
        "Sister",
        "Child",
        "Friend",
        "Spouse",
        "Partner",
        "Assistant",
        "Manager",
    ]
)


def label_from(value: str) -> str:
    """Read a label; Apple marks those that its programs translate: ``_$!<HomePage>!$_``."""
    plain = text(value)
    inner = plain.removeprefix("_$!<").removesuffix(">!$_")
    return inner if inner in _APPLE_LABELS and len(plain) == len(inner) + 8 else plain


def label_value(label: str) -> str:
    """Write a label as `label_from` reads it."""
    return f"_$!<{label}>!$_" if label in _APPLE_LABELS else escape(label)


def in_standard_words(properties: list[Property]) -> list[Property]:
    """Return the properties with those renamed that have a standard name; the list given stays as it is."""
    names = {one.name for one in properties}
    if "LABEL" in names:
        properties = _with_labels(properties)
    if not any(name.startswith("X-") for name in names):
        return properties
    labels = {
        one.group: label_from(one.value)
        for one in properties
        if one.name == "X-ABLABEL" and one.group and not one.parameters
    }
    used: set[str] = set()
    renamed = []
    for one in properties:
        standard = _standard(one, names, labels)
        if standard is not None and one.name.startswith("X-AB") and one.group:
            used.add(one.group)
        renamed.append(standard or one)
    if not used:
        return renamed
    return [one for one in renamed if one.name != "X-ABLABEL" or one.group not in used or one.parameters]


def _standard(one: Property, names: set[str], labels: dict[str, str]) -> Property | None:
    if (name := _SAME.get(one.name)) and (name not in names or name == "MEMBER"):
        return Property(name, one.value, one.parameters, one.group)
    if one.name in _SPOUSES and one.value:
        return _relation("spouse", one)
    if one.name == "X-ABDATE" and labels.get(one.group or "") == "Anniversary" and "ANNIVERSARY" not in names:
        return Property("ANNIVERSARY", one.value, one.parameters, one.group)
    if one.name == "X-ABRELATEDNAMES" and (kind := _LABELLED_RELATIONS.get(labels.get(one.group or "", ""))):
        return _relation(kind, one)
    if one.name == "X-ANDROID-CUSTOM" and not one.parameters:
        return _android(one, names)
    if one.name == "X-SOCIALPROFILE":
        return _social_profile(one)
    return None


def _relation(kind: str, one: Property) -> Property:
    types = [kind, *one.parameters.get("TYPE", [])]
    return Property("RELATED", one.value, {**one.parameters, "TYPE": types, "VALUE": ["text"]}, one.group)


def _android(one: Property, names: set[str]) -> Property | None:
    """Read a row of Android's contacts: its kind, a value, a type and twelve more fields."""
    kind, plain, type_, *rest = [*text(one.value).split(";"), "", ""]
    if not plain or any(rest[1:]):
        return None
    if kind.endswith("/nickname"):
        return Property("NICKNAME", escape(plain), {}, one.group)
    if kind.endswith("/contact_event") and (name := _ANDROID_EVENTS.get(type_)) and name not in names:
        return Property(
            name, plain.replace("-", "") if plain[:2] != "--" else "--" + plain[2:].replace("-", "")
        )
    if kind.endswith("/relation") and (relation := _ANDROID_RELATIONS.get(type_)):
        return _relation(relation, Property("RELATED", escape(plain), {}, one.group))
    return None


def _social_profile(one: Property) -> Property:
    """Apple names the service in TYPE and the user in X-USER."""
    parameters = dict(one.parameters)
    if len(types := parameters.get("TYPE", [])) == 1 and "SERVICE-TYPE" not in parameters:
        parameters["SERVICE-TYPE"] = types
        del parameters["TYPE"]
    if "X-USER" in parameters and "USERNAME" not in parameters:
        parameters["USERNAME"] = parameters.pop("X-USER")
    value = one.value
    if value.startswith("x-apple:"):
        parameters.setdefault("USERNAME", [value.removeprefix("x-apple:")])
    return Property("SOCIALPROFILE", value, parameters, one.group)


def _with_labels(properties: list[Property]) -> list[Property]:
    """Turn each LABEL of vCard 3.0 into the LABEL of the one ADR with the same types (RFC 6350 §6.3.1)."""
    addresses: dict[frozenset[str], list[int]] = {}
    for at, one in enumerate(properties):
        if one.name == "ADR" and "LABEL" not in one.parameters:
            addresses.setdefault(_types(one.parameters.get("TYPE", ())), []).append(at)
    result: list[Property | None] = list(properties)
    for at, one in enumerate(properties):
        if one.name == "LABEL" and one.value and set(one.parameters) <= {"TYPE", "PREF"} and not one.group:
            found = addresses.get(_types(one.parameters.get("TYPE", ())), [])
            address = properties[found[0]] if len(found) == 1 else None
            if address is not None and any(map(any, components(address.value))):
                label = text(one.value).replace("\\", "\\\\")
                place = found.pop()
                result[place] = Property(
                    "ADR", address.value, {**address.parameters, "LABEL": [label]}, address.group
                )
                result[at] = None
    return [one for one in result if one is not None]


def _types(types: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in types)
