"""Cards of every declared property survive the way through vCard, and vCards the way through JSContact."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.formats.jscard import faults, from_vcard, to_vcard
from posthouse.formats.jscard.declaration import ENUMERATIONS, EVERYWHERE, TYPES
from posthouse.formats.vcard import (
    Card,
    Property,
    read,
    write,
)

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
WORD = st.text("abcXYZ019", min_size=1, max_size=6)
AWKWARD = st.sampled_from(
    ["", ",", ";", "\\", "\\n", "a;b,c", '"', "^n", "\n", " x ", ":", "=", "~1/", "\x00\x7f", "é漢"]
)
STRING = TEXT | AWKWARD | WORD
HOST = st.sampled_from(["example.com", "x.test"])
ID = st.text("abcABC012_-", min_size=1, max_size=8)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "String": STRING,
    "NonEmptyString": STRING.filter(bool),
    "Boolean": st.booleans(),
    "True": st.just(True),
    "UnsignedInt": st.integers(0, 2**53 - 1),
    "Position": st.integers(1, 2**53 - 1) | st.integers(1, 9),
    "Preference": st.integers(1, 100),
    "Id": ID,
    "UTCDateTime": st.sampled_from(
        ["2024-02-29T23:59:59Z", "0001-01-01T00:00:00Z", "1999-12-31T00:00:00.5Z"]
    ),
    "LanguageTag": st.sampled_from(["de", "fr", "FR", "zh-Hant", "x-klingon"]),
    "Script": st.sampled_from(["Latn", "Cyrl"]),
    "URI": st.builds(
        "{}:{}".format, st.sampled_from(["https", "tel", "data", "CID"]), st.text("a/;,=&", max_size=9)
    ),
    "GeoURI": st.sampled_from(["geo:1.5,-2", "geo:0,0,3;u=1"]),
    "MediaType": st.sampled_from(["image/png", "text/plain; charset=utf-8"]),
    "AddrSpec": st.builds("{}@{}".format, WORD, HOST) | st.just('"a b"@example.com'),
    "CountryCode": st.sampled_from(["DE", "us"]),
    "TimeZone": st.sampled_from(["Europe/Berlin", "Etc/GMT+5", "UTC"]),
    "VCardName": st.sampled_from(["x-foo", "impp", "geo", "tz", "x-icq"]),
    "VCardParameter": STRING | st.lists(STRING, max_size=3),
    "VCardProperty": st.tuples(
        st.sampled_from(["x-foo", "fn", "email", "categories", "n", "jsprop", "begin"]),
        st.dictionaries(st.sampled_from(["x-a", "type", "group", "altid"]), STRING, max_size=2),
        st.sampled_from(["text", "unknown", "uri"]),
        STRING | st.lists(STRING, min_size=1, max_size=3),
    ).map(list),
}
VENDORED = {"example.com:own": {"a": [1, None]}, "example.com:a/b": "c"}
COLLECTION_SIZE = 2


def value_of(signature: str) -> st.SearchStrategy[Any]:
    """Values of a signature of the declaration."""
    if signature == "PatchObject":
        return st.just({})
    if signature == "PartialDate|Timestamp":
        return partial_dates() | PLAIN["UTCDateTime"].map(lambda utc: {"@type": "Timestamp", "utc": utc})
    if signature.endswith("[]"):
        return st.lists(value_of(signature[:-2]), min_size=1, max_size=3)
    if signature.endswith("]"):
        key, _, item = signature[:-1].partition("[")
        return st.dictionaries(value_of(key), value_of(item), max_size=COLLECTION_SIZE)
    if signature in TYPES:
        return objects(signature)
    if signature in ENUMERATIONS:
        own = ["example.com:own"] if ENUMERATIONS[signature].has_vendors else []
        return st.sampled_from([*ENUMERATIONS[signature].values, *own])
    return PLAIN[signature]


def partial_dates() -> st.SearchStrategy[Any]:
    return st.sampled_from(
        [
            {"year": 1984, "month": 2, "day": 29},
            {"year": 7, "month": 12},
            {"year": 10000},
            {"month": 2, "day": 29, "calendarScale": "hebrew"},
            {"year": 2020, "calendarScale": "example.com:own"},
        ]
    )


@st.composite
def objects(draw: Callable[..., Any], name: str) -> dict[str, Any]:
    """Objects of a type, each of its properties now and then."""
    declared = TYPES[name]
    signatures = {**declared.properties, **EVERYWHERE}
    wanted = draw(st.lists(st.sampled_from(sorted(signatures)), max_size=5, unique=True))
    wanted += [one for one in declared.mandatory if one != "@type" and one not in wanted]
    if declared.any_of and not set(wanted) & set(declared.any_of):
        wanted.append(draw(st.sampled_from(declared.any_of)))
    if name == "Card":
        wanted += [
            one
            for one in draw(st.lists(st.sampled_from(sorted(signatures)), max_size=8))
            if one not in wanted
        ]
    found = {one: draw(value_of(signatures[one])) for one in wanted}
    if name == "Card":
        found |= {"@type": "Card", "version": "2.0"}
    if draw(st.integers(0, 9)) == 0:
        found |= VENDORED
    return mended(name, found, draw)


def mended(name: str, found: dict[str, Any], draw: Callable[..., Any]) -> dict[str, Any]:
    """Make what was drawn property by property valid as a whole."""
    if name in ("Name", "Address") and "components" not in found:
        for other in ("sortAs", "defaultSeparator"):
            found.pop(other, None)
    if name in ("Name", "Address") and "components" in found:
        parts = found["components"]
        if not found.get("isOrdered"):
            found.pop("defaultSeparator", None)
        kept = [
            one
            for at, one in enumerate(parts)
            if one["kind"] != "separator"
            or (found.get("isOrdered") and (at == 0 or parts[at - 1]["kind"] != "separator"))
        ]
        if all(one["kind"] == "separator" for one in kept):
            kept = [*kept, {"kind": "region" if name == "Address" else "given", "value": "x"}]
        found["components"] = kept
        if not {"phoneticSystem", "phoneticScript"} & set(found):
            for one in kept:
                one.pop("phonetic", None)
        kinds = {one["kind"] for one in kept}
        if "sortAs" in found:
            found["sortAs"] = {kind: value for kind, value in found["sortAs"].items() if kind in kinds}
    if name == "Card":
        if "members" in found:
            found["kind"] = "group"
        if found.get("localizations"):
            found["localizations"] = {tag: draw(patches(found)) for tag in found["localizations"]}
    return found


@st.composite
def patches(draw: Callable[..., Any], card: dict[str, Any]) -> dict[str, Any]:
    """Patches that fit the card: texts inside its objects, or whole properties."""
    choices: dict[str, st.SearchStrategy[Any]] = {}
    for place, inner in (("titles", "name"), ("notes", "note"), ("nicknames", "name"), ("addresses", "full")):
        for key in card.get(place, {}):
            choices[f"{place}/{key}/{inner}"] = STRING
    if "name" in card:
        choices["name/full"] = STRING
    choices["keywords"] = value_of("String[True]")
    choices["uid"] = STRING
    paths = draw(st.lists(st.sampled_from(sorted(choices)), max_size=3, unique=True))
    return {path: draw(choices[path]) for path in paths}


@settings(max_examples=60, deadline=None)
@given(objects("Card"))
def test_a_card_comes_back_from_vcard_as_it_was(card: dict[str, Any]) -> None:
    assert [] == faults(card)
    data = write(to_vcard(card))
    (vcard,) = read(data)
    assert [] == vcard.faults
    assert card == from_vcard(vcard)


# Each text of a generated vCard has a number in it that no other has, so a lost one is missed.
SHAPES = {
    "text": "w{0}",
    "awkward": "w{0}\\, a\\; \\\\ b:\\n c",
    "uri": "https://example.com/w{0}",
    "two": "w{0};v{0}",
    "list": "w{0},v{0}",
    "name": "w{0};v{0},u{0};;t{0};;;s{0}",
    "address": ";;w{0};v{0},u{0};;;t{0}",
    "new address": ";;old;w{0};;;;;;3;s{0};r{0};;;;;",
    "mail": "w{0}@example.com",
    "junk": "w{0} <@> http: //",
    "number": "{0}",
}
NAMES = [
    "FN",
    "N",
    "NICKNAME",
    "PHOTO",
    "ADR",
    "TEL",
    "EMAIL",
    "IMPP",
    "LANG",
    "GEO",
    "TZ",
    "TITLE",
    "ROLE",
    "LOGO",
    "ORG",
    "MEMBER",
    "RELATED",
    "CATEGORIES",
    "NOTE",
    "PRODID",
    "REV",
    "SOUND",
    "UID",
    "CLIENTPIDMAP",
    "URL",
    "KEY",
    "FBURL",
    "CALADRURI",
    "CALURI",
    "SOURCE",
    "KIND",
    "XML",
    "BDAY",
    "ANNIVERSARY",
    "GENDER",
    "BIRTHPLACE",
    "DEATHPLACE",
    "DEATHDATE",
    "EXPERTISE",
    "HOBBY",
    "INTEREST",
    "ORG-DIRECTORY",
    "CONTACT-URI",
    "CREATED",
    "GRAMGENDER",
    "LANGUAGE",
    "PRONOUNS",
    "SOCIALPROFILE",
    "JSPROP",
    "X-FOO",
    "X-ICQ",
    "X-ABLABEL",
    "X-ABADR",
    "X-ABDATE",
    "X-ABSHOWAS",
    "X-SOCIALPROFILE",
    "X-ABRELATEDNAMES",
    "LABEL",
    "X-SPOUSE",
    "X-ANNIVERSARY",
    "X-ANDROID-CUSTOM",
    "X-ADDRESSBOOKSERVER-MEMBER",
    "AGENT",
]
FIXED = {
    "KIND": ["group", "individual", "x-odd"],
    "BDAY": ["19800102", "--0203", "1980", "circa 1800", "19800102T000000", "19531015T231000Z"],
    "DEATHDATE": ["2001-05", "20010203T04+0100"],
    "REV": ["20240102T030405Z", "never"],
    "LANGUAGE": ["de", "fr"],
    "GEO": ["geo:1,2", "3;4"],
    "TZ": ["Europe/Berlin", "-0500", "+0530"],
    "LANG": ["en", "zh-Hant"],
    "GRAMGENDER": ["NEUTER", "odd"],
}
PARAMETERS = {
    "TYPE": st.lists(
        st.sampled_from(["home", "WORK", "cell", "pref", "billing", "odd", "friend"]), max_size=2
    ),
    "PREF": st.sampled_from([["1"], ["100"], ["0"], ["x"]]),
    "LANGUAGE": st.sampled_from([["de"], ["fr"], ["EN"]]),
    "ALTID": st.sampled_from([["1"], ["2"]]),
    "PROP-ID": st.sampled_from([["k1"], ["k2"], ["not an id"]]),
    "VALUE": st.sampled_from([["text"], ["uri"], ["date"]]),
    "X-P": st.just(["p"]),
    "INDEX": st.just(["3"]),
    "LEVEL": st.sampled_from([["expert"], ["high"], ["odd"]]),
    "SORT-AS": st.just(["so,rt"]),
    "MEDIATYPE": st.just(["image/png"]),
    "SERVICE-TYPE": st.just(["Service"]),
    "USERNAME": st.just(["user name"]),
    "LABEL": st.just(["A\nlabel, long"]),
    "GEO": st.just(["geo:5,6"]),
    "CC": st.just(["DE"]),
    "AUTHOR-NAME": st.just(["Some One"]),
    "PHONETIC": st.just(["ipa"]),
    "CALSCALE": st.just(["hebrew"]),
}


@st.composite
def vcards(draw: Callable[..., Any]) -> Card:
    properties = []
    for number in range(100, 100 + draw(st.integers(1, 12))):
        name = draw(st.sampled_from(NAMES))
        shapes = [*FIXED.get(name, []), *SHAPES.values()]
        value = draw(st.sampled_from(shapes)).format(number)
        size = draw(st.sampled_from([0, 1, 2, 4]))
        parameters = draw(st.permutations(sorted(PARAMETERS)))[:size]
        found = {one: draw(PARAMETERS[one]) for one in parameters}
        group = draw(st.sampled_from([None, None, "item1", "item2"]))
        properties.append(Property(name, value, {one: two for one, two in found.items() if two}, group))
    return Card(properties)


def words(card: Card) -> Counter[str]:
    """Count the numbered words, and the parameter that nobody knows."""
    found: Counter[str] = Counter()
    for one in card.properties:
        # LABEL, GEO and TZ become parameters of ADR.
        text = " ".join([one.value, *(value for values in one.parameters.values() for value in values)])
        found.update(re.findall(r"\b[r-w]1\d\d\b", text))
        found["X-P"] += ("X-P" in one.parameters) + one.value.count('"x-p"')
    return found


@settings(max_examples=300, deadline=None)
@given(vcards())
def test_no_word_of_a_vcard_is_lost(vcard: Card) -> None:
    (vcard,) = read(write(vcard))
    card = from_vcard(vcard)
    assert [] == faults(card)
    (again,) = read(write(to_vcard(card)))
    missing = words(vcard) - words(again)
    assert not missing
    assert card == from_vcard(again)
