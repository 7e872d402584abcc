"""From vCard: a card as JSContact (RFC 9555 §2, RFC 9982 §5).

Theory: each property is built into a piece (`build`) and put in its place; some wait for others (a label for
what it labels, a place of birth for the birthday). Of properties that are alternatives of each other by ALTID,
one stands in the card and the others become localizations (RFC 9555 §2.3.11). What does not convert, or cannot
be said twice, is kept as jCard in ``vCardProps``; parameters are kept in ``vCardParams`` of their object or,
where there is none, with a copy of the property in ``vCardProps``. JSPROP comes last, as one patch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from posthouse.formats.jscard.alias import in_standard_words, label_from
from posthouse.formats.jscard.build import Piece, build
from posthouse.formats.jscard.declaration import ENUMERATIONS, TYPES, VERSIONS
from posthouse.formats.jscard.fault import MAX_LANGUAGES, faults
from posthouse.formats.jscard.jcard import to_jcard
from posthouse.formats.jscard.parameter import keep
from posthouse.formats.jscard.patch import InvalidPatch, applied, escaped, is_array_free
from posthouse.formats.jscard.rule import object_type
from posthouse.formats.jscard.scalar import SCALARS, is_id, is_language, is_vendor_name
from posthouse.formats.jscard.structure import ADDRESS_KINDS, NAME_KINDS, Position, positions
from posthouse.formats.vcard import Card, Property, components, text
from posthouse.kit.json import Json, JsonObject, NotJSON, loads

_PLACES = {"BIRTHPLACE": "BDAY", "DEATHPLACE": "DEATHDATE"}
_LATE = frozenset(("GEO", "TZ", "MEMBER", "X-ABLABEL", "X-ABADR", "X-ABSHOWAS", "JSPROP", *_PLACES))
_ONE = frozenset(("FN", "N"))
_OF_PHONETICS = frozenset(("ALTID", "LANGUAGE", "PHONETIC", "SCRIPT", "JSCOMPS", "PROP-ID", "JSID"))
_KINDS = {"N": NAME_KINDS, "ADR": ADDRESS_KINDS}


def from_vcard(card: Card) -> JsonObject:
    """Convert a vCard to a JSContact Card of version 2.0 that is valid and has all that the vCard has.

    A vCard without UID gives a Card without ``uid`` (RFC 9982 §5). Properties marked as DERIVED are left out
    (RFC 9555 §2.3.7). Embedded media become ``data:`` URIs. Never raises.
    """
    return _Inward(in_standard_words(card.properties)).convert()


class _Inward:
    """One conversion."""

    def __init__(self, properties: list[Property]) -> None:
        self.properties = [one for one in properties if not _is_derived(one)]
        self.card: JsonObject = {"@type": "Card", "version": VERSIONS[-1]}
        self.kept: list[Property] = []
        self.numbers: dict[tuple[str, ...], int] = {}
        self.placed: list[tuple[Property, tuple[str, ...], JsonObject]] = []
        self.together: dict[tuple[str | None, str], list[JsonObject]] = {}
        self.alternates: list[tuple[Property, Property]] = []
        self.bases: set[int] = set()
        self.labels: set[int] = set()
        self.language = ""
        # GEO and TZ without ADR are one address only if groups tell which stand together (RFC 9555 §2.8.3).
        self.has_grouped_places = any(
            one.group for one in self.properties if one.name in ("ADR", "GEO", "TZ")
        )

    def convert(self) -> JsonObject:
        """Return the card."""
        self.language = self._language()
        if self.language:
            self.card["language"] = self.language
        alternates = self._find_alternates()
        late = []
        for one in self._in_order():
            if id(one) in alternates:
                continue
            if one.name in _LATE:
                late.append(one)
            elif one.name != "LANGUAGE" or not self._is_said(one):
                self._put(one)
        self._put_late(late)
        self._link_titles()
        self._localize()
        self._keep_groups()
        if self.kept:
            # By name: the order between different properties says nothing, and a copy changes its place.
            self.card["vCardProps"] = [to_jcard(one) for one in sorted(self.kept, key=lambda one: one.name)]
        patch = [one for one in late if one.name == "JSPROP"]
        return self._patched(patch) if patch else self.card

    def _in_order(self) -> list[Property]:
        """Put the FN first that is best known: the one with the least parameters (RFC 9555 §2.5.2)."""
        names = [one for one in self.properties if one.name == "FN"]
        if len(names) < 2:
            return self.properties
        rest = [one for one in self.properties if one.name != "FN"]
        return sorted(names, key=lambda one: len(one.parameters)) + rest

    # Language and alternatives.

    def _language(self) -> str:
        """Find the card's language: its LANGUAGE, else the commonest of at least two properties."""
        for one in self.properties:
            if one.name == "LANGUAGE" and is_language(plain := text(one.value)):
                return plain
        if sum(1 for one in self.properties if "LANGUAGE" in one.parameters) < 2:
            return ""
        unspoken = {_alternative(one) for one in self.properties if not _spoken(one)}
        spoken = Counter(
            _spoken(one).lower()
            for one in self.properties
            if is_language(_spoken(one))
            and (_alternative(one)[1] in ("", "=") or _alternative(one) not in unspoken)
        )
        if sum(spoken.values()) < 2:
            return ""
        return max(spoken, key=lambda tag: spoken[tag])

    def _is_said(self, one: Property) -> bool:
        return text(one.value) == self.language and set(one.parameters) <= {"VALUE"}

    def _find_alternates(self) -> set[int]:
        """Pair each property that is an alternative of another with that one."""
        together: dict[tuple[str, str], list[Property]] = {}
        for one in self.properties:
            if one.parameters or one.name in _ONE:
                together.setdefault(_alternative(one), []).append(one)
        found: set[int] = set()
        for (_, number), group in together.items():
            if len(group) > 1 and (number not in ("", "=") or group[0].name in _ONE):
                found |= self._pair(group)
        return found

    def _pair(self, group: list[Property]) -> set[int]:
        language = self.language.lower()
        plain = [one for one in group if "PHONETIC" not in one.parameters]
        base = next((one for one in plain if not _spoken(one)), None)
        base = base or next((one for one in plain if _spoken(one).lower() == language), None)
        if base is None:
            return set()
        found = set()
        heard = {_spoken(base).lower() or language}
        for one in group:
            tag = _spoken(one).lower()
            is_phonetic = "PHONETIC" in one.parameters and one.name in _KINDS
            if one is not base and (is_phonetic or (tag and tag not in heard and is_language(tag))):
                self.alternates.append((base, one))
                self.bases.add(id(base))
                found.add(id(one))
                heard.add(tag)
        return found

    # Properties into the card.

    def _put(self, one: Property) -> None:
        pieces = build(one)
        if not pieces:
            if one.value.strip(";") or one.name.startswith("X-"):
                self.kept.append(one)
            return
        if one.name in _KINDS and not _is_whole(one):
            self.kept.append(one)
        for piece in pieces:
            piece.left = self._remaining(one, piece.left)
            if piece.is_merged:
                self._merge(one, piece)
            else:
                self._add(one, piece)

    def _remaining(self, one: Property, left: dict[str, list[str]]) -> dict[str, list[str]]:
        """Return the parameters to keep: not a language that is the card's, nor an ALTID that has served."""
        if not left:
            return left
        return {
            name: values
            for name, values in left.items()
            if not (
                name == "LANGUAGE"
                and values == [_spoken(one)]
                and _spoken(one).lower() == self.language.lower()
            )
            and not (name == "ALTID" and id(one) in self.bases)
        }

    def _merge(self, one: Property, piece: Piece) -> None:
        """Set the properties of an object, none twice."""
        place = self._place(piece.place)
        if piece.place not in (("keywords",), ("members",)) and any(name in place for name in piece.value):
            self.kept.append(one)
            self._drop_empty(piece.place)
            return
        place.update(piece.value)
        if one.name == "N":
            keep(place, piece.left)
        elif piece.left:
            self.kept.append(one)
        self._note(one, piece.place, place)

    def _add(self, one: Property, piece: Piece) -> None:
        """Add an entry to a map, under its own key if that is free."""
        entries = self._place(piece.place)
        key = piece.key
        if key is None:
            wanted = _wanted(one)
            key = wanted if wanted and wanted not in entries else self._new_key(piece.place, entries)
        elif key in entries:
            self.kept.append(one)
            return
        keep(piece.value, piece.left)
        entries[key] = piece.value
        self._note(one, (*piece.place, key), piece.value)

    def _note(self, one: Property, path: tuple[str, ...], value: JsonObject) -> None:
        """Remember where a property went, for those that stand with it."""
        self.placed.append((one, path, value))
        if one.name in ("BDAY", "DEATHDATE"):
            self.together.setdefault((_number(one), one.name), []).append(value)
        if one.name == "ADR" or (one.name in ("GEO", "TZ") and self.has_grouped_places):
            self.together.setdefault((one.group, "ADR"), []).append(value)
        if one.group and "label" in _known(path):
            self.together.setdefault((one.group, "X-ABLABEL"), []).append(value)

    def _place(self, path: tuple[str, ...]) -> JsonObject:
        place = self.card
        for name in path:
            place = place.setdefault(name, {})
        return place

    def _drop_empty(self, path: tuple[str, ...]) -> None:
        if len(path) == 1 and not self.card.get(path[0], True):
            del self.card[path[0]]

    def _new_key(self, path: tuple[str, ...], entries: JsonObject) -> str:
        while True:
            number = self.numbers[path] = self.numbers.get(path, 0) + 1
            key = f"k{number}"
            if key not in entries:
                return key

    # Properties that wait for others.

    def _put_late(self, late: list[Property]) -> None:
        for one in late:
            if one.name in _PLACES:
                self._put_place(one)
            elif one.name in ("GEO", "TZ"):
                self._put_position(one)
            elif one.name == "MEMBER":
                if self.card.get("kind") == "group":
                    self._put(one)
                else:
                    self.kept.append(one)
            elif one.name == "X-ABSHOWAS":
                if build(one) and "kind" not in self.card:
                    self.card["kind"] = "org"
                self.kept.append(one)
            elif one.name == "X-ABADR":
                self._put_country(one)
        for one in late:
            if one.name == "X-ABLABEL":
                self._put_label(one)

    def _put_place(self, one: Property) -> None:
        """Add a place to the first birth or death with the same ALTID (RFC 9555 §2.5.1)."""
        pieces = build(one)
        days = self.together.get((_number(one), _PLACES[one.name]), [])
        if not pieces or not days:
            self.kept.append(one)
            return
        keep(pieces[0].value, {name: left for name, left in pieces[0].left.items() if name != "ALTID"})
        days.pop(0)["place"] = pieces[0].value

    def _put_position(self, one: Property) -> None:
        """Add GEO or TZ to the one address that it stands with, else as an address (RFC 9555 §2.8.3)."""
        pieces = build(one)
        if not pieces:
            self.kept.append(one)
            return
        found = {name: value for name, value in pieces[0].value.items() if name != "vCardName"}
        name = "coordinates" if one.name == "GEO" else "timeZone"
        addresses = self.together.get((one.group, "ADR"), [])
        address = addresses[0] if len(addresses) == 1 and not pieces[0].left else {name: None}
        if name not in address and all(address.get(key) == found[key] for key in found if key != name):
            address[name] = found[name]
            address.pop("vCardName", None)
        else:
            self._put(one)

    def _put_country(self, one: Property) -> None:
        """Read Apple's country of an address, which chooses its form."""
        code = text(one.value).upper()
        addresses = self.together.get((one.group, "ADR"), []) if one.group else []
        is_code = SCALARS["CountryCode"](code) and not one.parameters
        if len(addresses) == 1 and "countryCode" not in addresses[0] and is_code:
            addresses[0]["countryCode"] = code
            self.labels.add(id(one))
        else:
            self.kept.append(one)

    def _put_label(self, one: Property) -> None:
        """Label the one object of the same group (RFC 9555 §2.11.11)."""
        labelled = self.together.get((one.group, "X-ABLABEL"), [])
        if len(labelled) == 1 and "label" not in labelled[0] and one.value and not one.parameters:
            labelled[0]["label"] = label_from(one.value)
            self.labels.add(id(one))
        else:
            self.kept.append(one)

    def _link_titles(self) -> None:
        """Link each title to the organization of its group, or of no group (RFC 9555 §2.9.6)."""
        organizations: dict[str | None, str] = {}
        for one, path, _ in self.placed:
            if one.name == "ORG":
                organizations.setdefault(one.group, path[-1])
        for one, _, value in self.placed:
            if one.name in ("TITLE", "ROLE") and one.group in organizations:
                value["organizationId"] = organizations[one.group]

    def _keep_groups(self) -> None:
        """Keep the names of groups that say more than a label or an organization does (RFC 9555 §2.3.9)."""
        members: dict[str, list[Property]] = {}
        for one in self.properties:
            if one.group and id(one) not in self.labels:
                members.setdefault(one.group, []).append(one)
        shared = {group for group, ones in members.items() if len(ones) > 1 and not _is_employment(ones)}
        kept = {id(one) for one in self.kept}
        for one, path, value in self.placed:
            if one.group in shared:
                if len(path) > 1 and value.get("vCardParams", {}).get("group") is None:
                    keep(value, {}, one.group)
                elif len(path) <= 1 and id(one) not in kept:
                    self.kept.append(one)

    # Localizations.

    def _localize(self) -> None:
        at = {id(one): (path, value) for one, path, value in self.placed}
        for base, one in self.alternates:
            path, value = at.get(id(base), ((), {}))
            patch = self._alternative_patch(base, one, path, value) if path else {}
            language = _spoken(one)
            is_local = bool(language) and language.lower() != self.language.lower()
            known = self.card.get("localizations", {})
            if not patch or (is_local and language not in known and len(known) >= MAX_LANGUAGES):
                self._put(one)
            elif is_local:
                self.card.setdefault("localizations", {}).setdefault(language, {}).update(patch)
            else:
                self.card = applied(self.card, patch)

    def _alternative_patch(
        self, base: Property, one: Property, path: tuple[str, ...], value: JsonObject
    ) -> JsonObject:
        """Return what one property says otherwise than the base, as patches; nothing if it cannot be said."""
        at = "/".join(map(escaped, path))
        if "PHONETIC" in one.parameters and one.name in _KINDS:
            return _phonetic_patch(base, one, at, value)
        pieces = build(one)
        if one.name in _KINDS and not _is_whole(one):
            return {}
        if len(pieces) != 1 or (one.name == "NICKNAME" and len(build(base)) != 1):
            return {}
        keep(found := dict(pieces[0].value), _localized_left(pieces[0].left))
        if pieces[0].is_merged and one.name != "N" and "vCardParams" in found:
            return {}
        return {
            f"{at}/{escaped(name)}": item
            for name, item in found.items()
            if value.get(name) != item or (name in ("full", "name", "components") and len(found) == 1)
        }

    def _patched(self, properties: list[Property]) -> JsonObject:
        """Apply all JSPROP as one patch; if it is not valid they are kept (RFC 9555 §3.2.1)."""
        patch: dict[str, Json] = {}
        try:
            for one in properties:
                (path,) = one.parameters.get("JSPTR", [])
                if path in patch:
                    raise InvalidPatch(path)
                patch[path] = loads(text(one.value))
            if is_array_free(self.card, patch):
                changed = applied(self.card, patch)
                if not faults(changed):
                    return changed
        except (InvalidPatch, NotJSON, ValueError):
            pass
        self.card.setdefault("vCardProps", []).extend(to_jcard(one) for one in properties)
        return self.card


def _is_whole(one: Property) -> bool:
    """Tell whether all components of a structured value are known."""
    fields = components(one.value)
    return not any(map(any, fields[len(_KINDS[one.name]) :]))


def _is_derived(one: Property) -> bool:
    return bool(one.parameters) and one.parameters.get("DERIVED", [""])[0].lower() == "true"


def _spoken(one: Property) -> str:
    return one.parameters.get("LANGUAGE", [""])[0] if one.parameters else ""


def _number(one: Property) -> str:
    return one.parameters.get("ALTID", [""])[0]


def _alternative(one: Property) -> tuple[str, str]:
    """Tell what a property is an alternative of: its name and its ALTID, or the key that it asks for."""
    if not one.parameters:
        return one.name, ""
    number = _number(one)
    return one.name, number or (f"={_wanted(one) or ''}" if one.name not in _ONE else "")


def _wanted(one: Property) -> str | None:
    """Return the key that a property asks for (RFC 9555 §2.3.18; the draft that follows it has JSID)."""
    if not one.parameters:
        return None
    for name in ("JSID", "PROP-ID"):
        if (values := one.parameters.get(name)) and len(values) == 1 and is_id(values[0]):
            return values[0]
    return None


def _known(path: tuple[str, ...]) -> Mapping[str, str]:
    return TYPES[object_type(path[:-1])].properties if len(path) > 1 else {}


def _is_employment(ones: list[Property]) -> bool:
    names = Counter(one.name for one in ones)
    return names["ORG"] == 1 and names.total() == names["ORG"] + names["TITLE"] + names["ROLE"]


def _localized_left(left: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: values for name, values in left.items() if name not in ("ALTID", "LANGUAGE")}


def _phonetic_patch(base: Property, one: Property, at: str, value: JsonObject) -> JsonObject:
    """Return how the components of a name or address sound, each at its component (RFC 9555 §2.3.15).

    Nothing if the property says more than that, or what has no component.
    """
    kinds = _KINDS[one.name]
    fields = components(base.value)
    places: dict[tuple[str, str], list[Position]] = {}
    for index, item in positions(fields, kinds):
        places.setdefault((kinds[index], fields[index][item]), []).append((index, item))
    sounds = {
        (index, item): sound
        for index, field in enumerate(components(one.value))
        for item, sound in enumerate(field)
        if sound
    }
    patch = _phonetic_system(one, at)
    if not patch or not set(one.parameters) <= _OF_PHONETICS:
        return {}
    for number, component in enumerate(value.get("components", ())):
        stands = places.get((component["kind"], component["value"]))
        sound = sounds.pop(stands.pop(0), "") if stands else ""
        if sound:
            patch[f"{at}/components/{number}/phonetic"] = sound
    return {} if sounds else patch


def _phonetic_system(one: Property, at: str) -> JsonObject:
    system = one.parameters.get("PHONETIC", [""])[0]
    script = one.parameters.get("SCRIPT", [""])[0]
    patch: JsonObject = {}
    if system.lower() in ENUMERATIONS["phonetic"].values:
        patch[f"{at}/phoneticSystem"] = system.lower()
    elif is_vendor_name(system):
        patch[f"{at}/phoneticSystem"] = system
    elif system.lower() != "script":
        return {}
    if script:
        patch[f"{at}/phoneticScript"] = script
    return patch if not script or SCALARS["Script"](script) else {}
