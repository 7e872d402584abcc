"""To vCard: a JSContact Card as vCard 4.0 (RFC 9555 §3).

Theory: each object is written as the properties that say it. Then the result is written, read and converted
back, and compared: whatever is missing or other is added as JSPROP, one patch in all (RFC 9555 §3.2.1). So
nothing is lost that the rules of conversion do not cover or that a vCard cannot hold, and no rule needs an exact
twin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from posthouse.formats.jscard import write
from posthouse.formats.jscard.declaration import RESERVED, TYPES
from posthouse.formats.jscard.inward import from_vcard
from posthouse.formats.jscard.jcard import from_jcard
from posthouse.formats.jscard.patch import InvalidPatch, applied, differences, tokens
from posthouse.formats.vcard import Card, Property, escape, items, read
from posthouse.formats.vcard import write as vcard_octets
from posthouse.kit.json import Json, JsonObject, dumps

_MAPS = (
    ("nicknames",),
    ("organizations",),
    ("speakToAs", "pronouns"),
    ("titles",),
    ("emails",),
    ("onlineServices",),
    ("phones",),
    ("preferredLanguages",),
    ("calendars",),
    ("schedulingAddresses",),
    ("addresses",),
    ("cryptoKeys",),
    ("directories",),
    ("links",),
    ("media",),
    ("anniversaries",),
    ("relatedTo",),
    ("notes",),
    ("personalInfo",),
)
_SINGLE = (("name",), ("speakToAs",))
_ONCE = frozenset(
    ("FN", "UID", "KIND", "LANGUAGE", "PRODID", "CREATED", "REV", "CATEGORIES", "GRAMGENDER", "MEMBER")
)
_NOT_SAID = ("version",)
_UNNAMED = "\x7f"  # orjson leaves this control character as it is, vCard cannot hold it

_Path = tuple[str, ...]


def to_vcard(card: JsonObject) -> Card:
    """Convert a JSContact Card to a vCard from which `from_vcard` makes the same Card again.

    The Card made again says version 2.0, has no ``@type`` where it is implied (RFC 9553 §1.3.4), and none of
    the properties that exist only inside JMAP; a Media that has a ``blobId`` for its ``uri`` is left out, so
    whoever has the blobs puts ``data:`` URIs there first (RFC 9610 §3).

    :param card: valid, as `faults` finds it.
    """
    plain = _without_types(card, "Card")
    properties = _Outward(plain).properties()
    vcard = Card(properties)
    again = from_vcard(read(vcard_octets(vcard))[0])
    patch = differences(again, {name: value for name, value in plain.items() if name not in _NOT_SAID})
    for name in _NOT_SAID:
        patch.pop(name, None)
    vcard.properties += [_jsprop(path, value) for path, value in patch.items()]
    return vcard


def _jsprop(path: str, value: Json) -> Property:
    written = dumps(value).decode("utf-8").replace(_UNNAMED, "\\u007f")
    return Property("JSPROP", escape(written), {"JSPTR": [path]})


def _without_types(value: JsonObject, type_name: str) -> JsonObject:
    """Copy an object of a type without implied types and without what is reserved for JMAP."""
    found: JsonObject = {}
    reserved = RESERVED.get(type_name, {})
    signatures = TYPES[type_name].properties
    for name, item in value.items():
        if name in reserved or (name == "@type" and type_name not in ("Card", "Timestamp")):
            continue
        found[name] = _inner(item, signatures.get(name, ""))
    if type_name == "Card" and found.get("media"):
        found["media"] = {key: item for key, item in found["media"].items() if "uri" in item}
        if not found["media"]:
            del found["media"]
    return found


def _inner(item: Json, signature: str) -> Json:
    if signature in TYPES:
        return _without_types(item, signature)
    if signature == "PartialDate|Timestamp":
        return _without_types(item, "Timestamp" if item.get("@type") == "Timestamp" else "PartialDate")
    if signature.endswith("[]") and signature[:-2] in TYPES:
        return [_without_types(one, signature[:-2]) for one in item]
    name = signature[:-1].rpartition("[")[2]
    if signature.endswith("]") and name in TYPES:
        return {key: _without_types(one, name) for key, one in item.items()}
    return item


class _Outward:
    """One conversion."""

    def __init__(self, card: JsonObject) -> None:
        self.card = card
        self.said: dict[_Path, list[Property]] = {}
        self.groups: set[str] = set()
        self.numbers: Counter[str] = Counter()

    def properties(self) -> list[Property]:
        """Return what can be said without JSPROP."""
        self.said[()] = write.scalars(self.card)
        for path in _paths(self.card):
            self.said[path] = _say(self.card, path)
        if ("name",) not in self.said:
            self.said["name",] = write.name({})
        kept = self._kept()
        self.groups = {one.group for ones in self.said.values() for one in ones if one.group}
        self.groups |= {one.group for one in kept if one.group}
        self._join_phonetics()
        self._group_titles()
        self._group_labels()
        localized = self._localized()
        names = self.said.pop(("name",))
        return [*names, *(one for ones in self.said.values() for one in ones), *localized, *kept]

    def _kept(self) -> list[Property]:
        """Read ``vCardProps``; a copy of what is said anyway takes its place, for it has parameters."""
        kept = []
        once = {one.name: one for ones in self.said.values() for one in ones if one.name in _ONCE}
        members = {one.value: one for one in self.said[()] if one.name == "MEMBER"}
        for value in self.card.get("vCardProps", ()):
            one = from_jcard(value)
            if one is None:
                continue
            if one.name == "CATEGORIES" and self._takes_keywords(one):
                kept.append(one)
                continue
            same = members.get(one.value) if one.name == "MEMBER" else once.get(one.name)
            if same is not None and same.value == one.value and "DERIVED" not in same.parameters:
                same.parameters, same.group = one.parameters, one.group
            else:
                kept.append(one)
        return kept

    def _takes_keywords(self, one: Property) -> bool:
        """Take the keywords of a kept CATEGORIES out of the one that is written for all others."""
        mine = set(items(one.value))
        plain = next((other for other in self.said[()] if other.name == "CATEGORIES"), None)
        if plain is None or not mine <= set(items(plain.value)):
            return False
        rest = [keyword for keyword in items(plain.value) if keyword not in mine]
        plain.value = ",".join([escape(keyword) for keyword in rest])
        if not rest:
            self.said[()].remove(plain)
        return True

    # Groups and alternatives.

    def _new(self, name: str) -> str:
        while True:
            self.numbers[name] += 1
            found = f"{name}{self.numbers[name]}"
            if found not in self.groups:
                self.groups.add(found)
                return found

    def _group_titles(self) -> None:
        """Put each organization into one group with its titles, if not all are of one (RFC 9555 §2.9.6)."""
        organizations: dict[str, Property] = {}
        for path, ones in self.said.items():
            if path[:1] == ("organizations",) and ones:
                organizations[path[1]] = ones[0]
        titles = [
            (ones[0], self.card["titles"][path[1]].get("organizationId"))
            for path, ones in self.said.items()
            if path[:1] == ("titles",) and ones
        ]
        first = next((key for key, one in organizations.items() if one.group is None), None)
        if all(key == first for one, key in titles if one.group is None) and not any(
            one.group for one, _ in titles
        ):
            return
        linked = {key for _, key in titles}
        for key, organization in organizations.items():
            if organization.group is None and (key in linked or key == first):
                organization.group = self._new("org")
            for title, wanted in titles:
                if wanted == key and title.group is None:
                    title.group = organization.group

    def _group_labels(self) -> None:
        for ones in self.said.values():
            if len(ones) > 1 and ones[-1].name == "X-ABLABEL":
                if ones[0].group is None:
                    ones[0].group = self._new("item")
                ones[-1].group = ones[0].group

    def _join_phonetics(self) -> None:
        """Mark N or ADR and how it sounds as alternatives of each other (RFC 9554 §4.6)."""
        for ones in self.said.values():
            for base, sound in pairwise(ones):
                if "PHONETIC" in sound.parameters and "PHONETIC" not in base.parameters:
                    sound.parameters["ALTID"] = self._altid(base)

    def _altid(self, base: Property) -> list[str]:
        if "ALTID" not in base.parameters:
            self.numbers["ALTID"] += 1
            base.parameters["ALTID"] = [f"j{self.numbers['ALTID']}"]
        return base.parameters["ALTID"]

    def _localized(self) -> list[Property]:
        """Write localizations as alternatives in their language (RFC 9555 §2.3.11)."""
        found = []
        for language, patch in self.card.get("localizations", {}).items():
            plain = {name: value for name, value in self.card.items() if name != "localizations"}
            try:
                touched = dict.fromkeys(_object_at(tokens(path)) for path in patch)
                changed = applied(plain, patch)
            except InvalidPatch:
                continue
            for path in touched:
                if not path or path not in self.said:
                    continue
                bases = {_role(one): one for one in reversed(self.said[path])}
                for other in _say(changed, path):
                    name, is_sound = _role(other)
                    base = bases.get((name, is_sound)) or (bases.get((name, False)) if is_sound else None)
                    if base is not None and self._is_alternative(base, other):
                        other.parameters["ALTID"] = self._altid(base)
                        other.parameters["LANGUAGE"] = [language]
                        other.group = base.group
                        found.append(other)
        return found

    def _is_alternative(self, base: Property, other: Property) -> bool:
        if base.name == "X-ABLABEL" or "DERIVED" in base.parameters or "DERIVED" in other.parameters:
            return False
        mine = {name: values for name, values in base.parameters.items() if name not in ("ALTID", "LANGUAGE")}
        return base.value != other.value or mine != other.parameters


def _role(one: Property) -> tuple[str, bool]:
    """Return the name of a property and whether it says how another one sounds."""
    return one.name, "PHONETIC" in one.parameters


def _paths(card: JsonObject) -> Iterator[_Path]:
    """List the paths of all objects that have properties of their own."""
    if "name" in card:
        yield ("name",)
    if "speakToAs" in card:
        yield ("speakToAs",)
    for place in _MAPS:
        entries: JsonObject = card
        for name in place:
            entries = entries.get(name, {})
        for key in entries:
            yield (*place, key)


def _say(card: JsonObject, path: _Path) -> list[Property]:
    value = card
    for name in path:
        value = value.get(name, {})
    if not value:
        return []
    if path == ("name",):
        return write.name(value)
    if path == ("speakToAs",):
        return write.speak_to_as(value)
    return write.entry(path[:-1], path[-1], value)


def _object_at(keys: list[str]) -> _Path:
    """Return the path of the object with properties of its own that a path reaches, or an empty one."""
    for length in (1, 2, 3):
        path = tuple(keys[:length])
        if len(path) == length and (
            path[:-1] in _MAPS or (path in _SINGLE and keys[:2] != ["speakToAs", "pronouns"])
        ):
            return path
    return ()
