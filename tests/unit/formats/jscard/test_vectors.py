"""The conversions of a public suite, both ways (see the README of the corpus)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from posthouse.formats.jscard import faults, from_vcard, to_vcard
from posthouse.formats.vcard import Card, components, read, text, write

FOLDER = Path(__file__).resolve().parents[5] / "shared" / "corpus" / "jscontact-vectors"
Json = dict[str, Any]


def blocks() -> Iterator[tuple[str, list[str]]]:
    """Each test's name and its blocks: vCards and Cards in turn."""
    for path in sorted(FOLDER.glob("*.txt")):
        for part in ("\n" + path.read_text()).split("\n> test ")[1:]:
            name, _, rest = part.partition("\n")
            yield f"{path.stem}: {name.strip()}", [one.strip() for one in rest.split("> convert")]


def is_card(block: str) -> bool:
    return block.startswith(('"', "{"))


def card_of(block: str) -> Json:
    found: Json = json.loads(block if block.startswith("{") else "{" + block.rstrip(",") + "}")
    return {"@type": "Card", "version": "2.0"} | found


def vcard_of(block: str) -> Card:
    lines = block if block.startswith("BEGIN:VCARD") else f"BEGIN:VCARD\nVERSION:4.0\n{block}\nEND:VCARD"
    (found,) = read(lines.encode())
    return found


# Where a vector and the standard differ, the standard wins; each line says why ours is another.
OTHER_CARDS = {
    "005_address: RFC9555 GEO TZ": "entries are made in the order of the vCard; a geo: URI has a scheme",
    "005_address: ADR with GEO and TZ parameters": "coordinates are a geo: URI, timeZone is a name (RFC 9553 §2.5.1)",
    "005_address: ADR with GEO and TZ parameters and properties": "as the one before",
    "013_localizations: RFC9555 PHONETIC": "sounds go into the components (RFC 9555 figure 10)",
    "013_localizations: RFC9555 PHONETIC with PROP-ID": "as the one before",
    "013_localizations: PRONOUNS with localizations": "what is the same in both languages is not patched",
    "013_localizations: ADR with localizations": "as the one before",
    "014_rfc9553: RFC9553 name and localizations #1": "sounds go into the components (RFC 9555 figure 10)",
    "015_rfc6350: RFC6350 TZ #1": "a time zone's name has no blank; the property is kept",
    "017_rfc9554: RFC9554 SOCIALPROFILE": "a text is the user, not the uri (RFC 9555 §2.7.5)",
    "017_rfc9554: RFC9554 N FN": "a derived FN is not converted (RFC 9555 §2.3.7)",
    "017_rfc9554: RFC9554 N ALTID": "sounds go into the components (RFC 9555 figure 10)",
}
OTHER_VCARDS = {
    "005_address: ADR with GEO and TZ parameters": "coordinates are a geo: URI, timeZone is a name",
    "005_address: ADR with GEO and TZ parameters and properties": "as the one before",
    "009_explanatory: CATEGORIES with parameters": "each CATEGORIES keeps its own parameters and keywords",
    "013_localizations: ADR with partial patch localizations": "sounds stay sounds; the card is invalid",
    "014_rfc9553: RFC9553 name with phonetic": "sounds are a second N (RFC 9555 §2.3.15), not JSPROP",
    "014_rfc9553: RFC9553 titles and organizations": "title and organization share a group (RFC 9555 §2.9.6)",
    "014_rfc9553: RFC9553 addresses #3": "the patch sets the whole address, which alternatives cannot say",
    "014_rfc9553: RFC9553 name and localizations #2": "the order of components without order is kept",
    "015_rfc6350: RFC6350 Full card #3": "GEO and TZ that stand with ADR become its parameters",
}


def without_remains(value: Any) -> Any:
    """A card without what is kept of the vCard, and language tags in lower case: that is up to each program."""
    if isinstance(value, dict):
        kept = ("vCard", "vCardProps", "vCardParams", "vCardName")
        plain = {
            name: without_remains(item)
            for name, item in value.items()
            if name not in kept and (name, item) not in (("@type", "Timestamp"), ("@type", "PartialDate"))
        }
        if "localizations" in plain:
            plain["localizations"] = {tag.lower(): patch for tag, patch in plain["localizations"].items()}
        return plain
    return [without_remains(item) for item in value] if isinstance(value, list) else value


def said(card: Card) -> list[tuple[str, ...]]:
    """What the properties of a vCard say, without what is up to each program."""
    (language,) = {text(one.value).lower() for one in card.properties if one.name == "LANGUAGE"} or {""}
    found = []
    for one in card.properties:
        parameters = {name: sorted(item.lower() for item in items) for name, items in one.parameters.items()}
        fields = [[item for item in field if item] for field in components(one.value)]
        if one.name == "ADR":
            fields += [[] for _ in range(18 - len(fields))]
            fields[8], fields[11] = fields[8] or fields[1], fields[11] or fields[2]
            fields[1] = fields[2] = []
        while fields and not fields[-1]:
            fields.pop()
        for name in ("VALUE", "JSCOMPS", "ALTID"):
            parameters.pop(name, None)
        if parameters.get("LANGUAGE") == [language]:
            del parameters["LANGUAGE"]
        if one.name in ("GEO", "TZ", "DEATHPLACE"):
            parameters.pop("PROP-ID", None)
        parameters = {
            name: [item.replace("\\n", "\n") for item in items] for name, items in parameters.items()
        }
        value = (
            [sorted(field) for field in fields] if one.name == "CATEGORIES" else ",".join(map(str, fields))
        )
        if one.name in ("PHOTO", "TEL"):
            value = one.value.replace("\\", "")
        if fields and "DERIVED" not in parameters:
            found.append((one.name, json.dumps(parameters, sort_keys=True), str(value).lower()))
    return sorted(found)


def pairs(from_card: bool) -> list[tuple[str, Json | Card, str]]:
    """Each conversion: its name, what is converted, and the block it shall become."""
    found: list[tuple[str, Json | Card, str]] = []
    for name, parts in blocks() if FOLDER.is_dir() else ():
        own: Json | None = None
        for source, target in pairwise(parts):
            if not is_card(source):
                own = from_vcard(vcard_of(source))
            if is_card(source) == from_card and is_card(source) != is_card(target):
                # What a program kept in a card is its own way, so our card is taken for theirs.
                found.append((name, (own or card_of(source)) if from_card else vcard_of(source), target))
    return found


needs_vectors = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/corpus/jscontact-vectors is absent")


@needs_vectors
def test_vcards_become_the_cards_of_the_suite() -> None:
    others = set()
    for name, source, target in pairs(from_card=False):
        assert isinstance(source, Card)
        card = from_vcard(source)
        assert [] == faults(card)
        if without_remains(card_of(target)) != without_remains(card):
            others.add(name)
    assert set(OTHER_CARDS) == others


@needs_vectors
def test_cards_become_the_vcards_of_the_suite() -> None:
    others = set()
    for name, source, target in pairs(from_card=True):
        assert isinstance(source, dict)
        if said(vcard_of(target)) != said(to_vcard(source)):
            others.add(name)
    assert set(OTHER_VCARDS) == others


@needs_vectors
def test_cards_of_the_suite_come_back_as_they_were() -> None:
    for _, source, _ in pairs(from_card=True):
        assert isinstance(source, dict)
        if not faults(source):
            (vcard,) = read(write(to_vcard(source)))
            assert source == from_vcard(vcard)
