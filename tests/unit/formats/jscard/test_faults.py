"""What is wrong in a card is named by its very path."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats.jscard import MAX_FAULTS, faults
from posthouse.formats.jscard.declaration import ENUMERATIONS, TYPES
from posthouse.formats.jscard.fault import MAX_LANGUAGES

# One object of each type, each property set once.
FULL: dict[str, Any] = {
    "@type": "Card",
    "version": "2.0",
    "created": "2022-09-30T14:35:10Z",
    "kind": "group",
    "language": "de-AT",
    "members": {"urn:uuid:1": True},
    "prodId": "x 1",
    "relatedTo": {"urn:uuid:2": {"@type": "Relation", "relation": {"friend": True}}},
    "uid": "urn:uuid:3",
    "updated": "2022-09-30T14:35:10.5Z",
    "name": {
        "@type": "Name",
        "components": [
            {"@type": "NameComponent", "kind": "given", "value": "Ada", "phonetic": "a:da"},
            {"kind": "separator", "value": "-"},
            {"kind": "surname", "value": "L"},
        ],
        "isOrdered": True,
        "defaultSeparator": " ",
        "full": "Ada L",
        "sortAs": {"surname": "L"},
        "phoneticScript": "Latn",
        "phoneticSystem": "ipa",
    },
    "nicknames": {"n1": {"@type": "Nickname", "name": "A", "contexts": {"work": True}, "pref": 1}},
    "organizations": {
        "o1": {
            "@type": "Organization",
            "name": "ABC",
            "units": [{"@type": "OrgUnit", "name": "X", "sortAs": "Y"}],
            "sortAs": "B",
            "contexts": {"work": False},
        }
    },
    "speakToAs": {
        "@type": "SpeakToAs",
        "grammaticalGender": "neuter",
        "pronouns": {"p1": {"@type": "Pronouns", "pronouns": "they", "contexts": {}, "pref": 100}},
    },
    "titles": {"t1": {"@type": "Title", "name": "Boss", "kind": "role", "organizationId": "o1"}},
    "emails": {
        "e1": {
            "@type": "EmailAddress",
            "address": "a@b.c",
            "contexts": {"private": True},
            "pref": 2,
            "label": "l",
        }
    },
    "onlineServices": {
        "s1": {
            "@type": "OnlineService",
            "service": "X",
            "uri": "x:y",
            "user": "u",
            "contexts": {},
            "pref": 1,
            "label": "",
        }
    },
    "phones": {
        "p1": {
            "@type": "Phone",
            "number": "1",
            "features": {"fax": True},
            "contexts": {},
            "pref": 1,
            "label": "",
        }
    },
    "preferredLanguages": {"l1": {"@type": "LanguagePref", "language": "en", "contexts": {}, "pref": 1}},
    "calendars": {
        "c1": {
            "@type": "Calendar",
            "kind": "freeBusy",
            "uri": "a:b",
            "mediaType": "text/calendar",
            "contexts": {},
            "pref": 1,
            "label": "",
        }
    },
    "schedulingAddresses": {
        "s1": {"@type": "SchedulingAddress", "uri": "mailto:a@b", "contexts": {}, "pref": 1, "label": ""}
    },
    "addresses": {
        "a1": {
            "@type": "Address",
            "components": [{"@type": "AddressComponent", "kind": "region", "value": "VA", "phonetic": "x"}],
            "isOrdered": True,
            "countryCode": "US",
            "coordinates": "geo:1,2",
            "timeZone": "Europe/Vienna",
            "contexts": {"billing": True},
            "full": "VA",
            "defaultSeparator": ", ",
            "pref": 1,
            "phoneticScript": "Latn",
            "phoneticSystem": "ipa",
        }
    },
    "cryptoKeys": {
        "k1": {
            "@type": "CryptoKey",
            "kind": "x",
            "uri": "a:b",
            "mediaType": "a/b",
            "contexts": {},
            "pref": 1,
            "label": "",
        }
    },
    "directories": {
        "d1": {
            "@type": "Directory",
            "kind": "entry",
            "uri": "a:b",
            "listAs": 1,
            "mediaType": "a/b",
            "contexts": {},
            "pref": 1,
            "label": "",
        }
    },
    "links": {
        "l1": {
            "@type": "Link",
            "kind": "contact",
            "uri": "a:b",
            "mediaType": "a/b",
            "contexts": {},
            "pref": 1,
            "label": "",
        }
    },
    "media": {
        "m1": {
            "@type": "Media",
            "kind": "photo",
            "uri": "data:,x",
            "mediaType": "a/b",
            "contexts": {},
            "pref": 1,
            "label": "",
        }
    },
    "localizations": {"fr": {"titles/t1/name": "Patron"}},
    "anniversaries": {
        "a1": {
            "@type": "Anniversary",
            "kind": "birth",
            "date": {"@type": "PartialDate", "year": 1984, "month": 2, "day": 29, "calendarScale": "hebrew"},
            "place": {"full": "Here"},
        },
        "a2": {"kind": "death", "date": {"@type": "Timestamp", "utc": "2019-10-15T23:10:00Z"}},
    },
    "keywords": {"internet": True},
    "notes": {
        "n1": {
            "@type": "Note",
            "note": "x",
            "created": "2022-11-23T15:01:32Z",
            "author": {"@type": "Author", "name": "John", "uri": "mailto:j@b"},
        }
    },
    "personalInfo": {
        "i1": {
            "@type": "PersonalInfo",
            "kind": "hobby",
            "value": "x",
            "level": "high",
            "listAs": 1,
            "label": "x",
        }
    },
    "vCardProps": [["x-foo", {"group": "a", "x": ["1", "2"]}, "unknown", "bar"]],
    "someUnknownProperty": [1],
    "example.com:foo": {"any Thing": None},
}


def with_(path: str, value: Any) -> dict[str, Any]:
    """The full card with another value at a path; None takes it away."""
    card = copy.deepcopy(FULL)
    *way, last = path.split("/")
    place: Any = card
    for key in way:
        place = place[int(key) if isinstance(place, list) else key]
    if value is None:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return card


def places(value: Any, path: str = "") -> list[str]:
    """The paths of all properties and entries of declared objects."""
    found = []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        at = f"{path}/{key}" if path else str(key)
        if key in ("localizations", "vCardProps", "someUnknownProperty") or (":" in str(key) and not path):
            continue
        found.append(at)
        if isinstance(item, (dict, list)):
            found += places(item, at)
    return found


def test_a_card_with_every_property_is_valid() -> None:
    assert set(TYPES["Card"].properties) | {"@type"} <= set(FULL)
    assert [] == faults(FULL)


@pytest.mark.parametrize("path", places(FULL))
def test_a_value_of_another_type_is_named(path: str) -> None:
    # No declared property is a number with a fraction.
    found = [one for one in faults(with_(path, 1.5)) if not one.startswith("localizations/")]
    assert path in found
    assert all(one == path or one.startswith(path.rpartition("/")[0]) for one in found)


MANDATORY = [
    "@type",
    "version",
    "name/components/0/value",
    "name/components/0/kind",
    "nicknames/n1/name",
    "organizations/o1/units/0/name",
    "speakToAs/pronouns/p1/pronouns",
    "titles/t1/name",
    "emails/e1/address",
    "phones/p1/number",
    "preferredLanguages/l1/language",
    "calendars/c1/kind",
    "calendars/c1/uri",
    "schedulingAddresses/s1/uri",
    "addresses/a1/components/0/kind",
    "cryptoKeys/k1/uri",
    "directories/d1/kind",
    "links/l1/uri",
    "media/m1/kind",
    "media/m1/uri",
    "anniversaries/a1/kind",
    "anniversaries/a1/date",
    "anniversaries/a2/date/utc",
    "notes/n1/note",
    "personalInfo/i1/kind",
    "personalInfo/i1/value",
]


@pytest.mark.parametrize("path", MANDATORY)
def test_a_mandatory_property_that_is_missing_is_named(path: str) -> None:
    assert path in faults(with_(path, None))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", "3.0"),
        ("@type", "card"),
        ("emails/e1/@type", "Phone"),
        ("anniversaries/a2/date/@type", "timestamp"),
        ("created", "2022-09-30T14:35:10.000Z"),
        ("created", "2022-09-30T14:35:10+00:00"),
        ("updated", "2022-02-30T14:35:10Z"),
        ("kind", "Individual"),
        ("kind", "x-foo"),
        ("language", "not a tag"),
        ("prodId", ""),
        ("members/urn:uuid:1", False),
        ("relatedTo/urn:uuid:2/relation/Friend", True),
        ("name/phoneticSystem", "IPA"),
        ("name/sortAs/given2", "x"),
        ("name/components/1/kind", "delimiter"),
        ("nicknames/no id", {"name": "x"}),
        ("nicknames/n1/pref", 0),
        ("nicknames/n1/pref", 101),
        ("nicknames/n1/pref", True),
        ("nicknames/n1/contexts/home", True),
        ("organizations/o1/units", []),
        ("organizations/o1/Name", "x"),
        ("emails/e1/address", "no address"),
        ("emails/e1/contexts/billing", True),
        ("onlineServices/s1/uri", "no uri"),
        ("links/l1/uri", "https://exämple.com"),
        ("links/l1/uri", "x:%zz"),
        ("phones/p1/features/fax", False),
        ("addresses/a1/countryCode", "USA"),
        ("addresses/a1/coordinates", "1,2"),
        ("addresses/a1/timeZone", "+0100"),
        ("addresses/a1/contexts/billing", False),
        ("addresses/a1/components/0/kind", "surname"),
        ("directories/d1/listAs", 0),
        ("media/m1/kind", "video"),
        ("media/m1/mediaType", "jpeg"),
        ("anniversaries/a1/kind", "Birth"),
        ("anniversaries/a1/date/day", 30),
        ("anniversaries/a1/date/month", 13),
        ("anniversaries/a1/date/calendarScale", "Hebrew"),
        ("keywords/internet", 1),
        ("personalInfo/i1/level", "expert"),
        ("extra", 1),
        ("Emails", {}),
        ("some_name", 1),
        ("foo:", 1),
        ("notes/n1/Author", {}),
        ("notes/n1/author/extra", {}),
        ("vCardProps/0", ["x-foo", {}, "text"]),
        ("id", "c1"),
        ("media/m1/blobId", "b1"),
    ],
)  # fmt: skip
def test_a_seeded_mistake_is_named_at_its_path_and_nowhere_else(path: str, value: Any) -> None:
    assert [path] == faults(with_(path, value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"name": {}}, ["name/components"]),
        ({"name": {"components": []}}, ["name/components"]),
        ({"name": {"components": [{"kind": "separator", "value": "-"}], "isOrdered": True}}, ["name/components"]),
        ({"name": {"full": "x", "sortAs": {}}}, ["name/sortAs"]),
        ({"name": {"full": "x", "defaultSeparator": ""}}, ["name/defaultSeparator"]),
        (
            {"name": {"components": [{"kind": "given", "value": "x"}, {"kind": "separator", "value": "-"}]}},
            ["name/components/1/kind"],
        ),
        ({"name": {"components": [{"kind": "given", "value": "x", "phonetic": "y"}]}}, ["name/components/0/phonetic"]),
        ({"organizations": {"o": {}}}, ["organizations/o/name"]),
        ({"speakToAs": {}}, ["speakToAs/grammaticalGender"]),
        ({"onlineServices": {"o": {"service": "x"}}}, ["onlineServices/o/uri"]),
        ({"addresses": {"a": {"pref": 1}}}, ["addresses/a/components"]),
        ({"notes": {"n": {"note": "", "author": {}}}}, ["notes/n/author/name"]),
        ({"anniversaries": {"a": {"kind": "birth", "date": {}}}}, ["anniversaries/a/date/year"]),
        ({"anniversaries": {"a": {"kind": "birth", "date": {"month": 2}}}}, ["anniversaries/a/date/month"]),
        ({"anniversaries": {"a": {"kind": "birth", "date": {"year": 1, "day": 2}}}}, ["anniversaries/a/date/month"]),
        (
            {"anniversaries": {"a": {"kind": "birth", "date": {"utc": "2019-10-15T23:10:00Z"}}}},
            ["anniversaries/a/date/year"],
        ),
        ({"members": {}}, ["members"]),
        ({"version": "1.0"}, ["uid"]),
        ({"version": "1.0", "uid": ""}, []),
        ({"kind": "example.com:robot"}, []),
        ({"emails": {"e": {"address": "a@b", "contexts": {"example.com:x": True}}}}, []),
    ],
)  # fmt: skip
def test_rules_between_properties_are_checked(value: dict[str, Any], expected: list[str]) -> None:
    assert expected == faults({"@type": "Card", "version": "2.0", **value})


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"titles/t1/name": "Patron"}, []),
        ({"titles/t1/kind": None}, []),
        ({"name/components/0/value": "Adá"}, []),
        ({"titles/t1/name": 1}, ["titles~1t1~1name"]),
        ({"titles/t1/name": None}, ["titles~1t1~1name"]),
        ({"titles/t2/name": "x"}, ["titles~1t2~1name"]),
        ({"titles/t1": {"name": 1}}, ["titles~1t1"]),
        ({"name/components/3": {"kind": "given", "value": "x"}}, ["name~1components~13"]),
        ({"name/components/-": {"kind": "given", "value": "x"}}, ["name~1components~1-"]),
        ({"name/components/0": None}, ["name~1components~10"]),
        ({"titles": {}, "titles/t1/name": "x"}, ["titles~1t1~1name"]),
        ({"localizations/fr/uid": "x"}, ["localizations~1fr~1uid"]),
        ({"titles/t1/na~2me": "x"}, ["titles~1t1~1na~02me"]),
        ({"kind": "org"}, ["kind"]),
    ],
)
def test_a_patch_is_checked_as_it_is_applied(patch: dict[str, Any], expected: list[str]) -> None:
    found = faults(with_("localizations", {"fr": patch}))
    at = "localizations/fr"
    if patch == {"kind": "org"}:  # members are for groups: what is wrong was not itself patched
        assert [at] == found
    else:
        assert [f"{at}/{one}" for one in expected] == found


def test_faults_that_the_card_has_anyway_are_not_those_of_a_patch() -> None:
    card = with_("emails/e1/pref", 0)
    card["localizations"] = {"fr": {"emails/e1/label": "x"}}
    assert ["emails/e1/pref"] == faults(card)


def test_too_many_languages_are_a_fault() -> None:
    card = with_("localizations", {f"x-{number}": {} for number in range(MAX_LANGUAGES + 1)})
    assert [f"localizations/x-{MAX_LANGUAGES}"] == faults(card)


def test_only_so_many_faults_are_named() -> None:
    assert MAX_FAULTS == len(faults(with_("keywords", {str(number): 0 for number in range(1000)})))


def test_inside_jmap_reserved_properties_are_allowed() -> None:
    card = with_("media/m1", {"kind": "photo", "blobId": "b1"})
    card |= {"id": "c1", "addressBookIds": {"a1": True}}
    assert [] == faults(card, in_jmap=True)
    assert ["media/m1/blobId", "media/m1/uri", "id", "addressBookIds"] == faults(card)


def test_names_with_slashes_are_escaped() -> None:
    assert ["keywords/a~1b~0c"] == faults(with_("keywords", {"a/b~c": 0}))


def test_every_enumerated_value_is_allowed() -> None:
    for kind in ENUMERATIONS["card"].values:
        card = with_("kind", kind)
        assert ([] if kind == "group" else ["members"]) == faults(card)


NAME = st.sampled_from(sorted(FULL)) | st.text(max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(places(FULL)), JSON)
def test_any_json_anywhere_is_judged_and_never_raises(path: str, value: Any) -> None:
    card = copy.deepcopy(FULL)
    *way, last = path.split("/")
    place: Any = card
    for key in way:
        place = place[int(key) if isinstance(place, list) else key]
    place[int(last) if isinstance(place, list) else last] = value
    for fault in faults(card):
        assert fault
