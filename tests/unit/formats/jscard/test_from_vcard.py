"""vCard properties become JSContact, by the examples of the RFCs and by what address books write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats.jscard import faults, from_vcard, to_vcard
from posthouse.formats.vcard import read, write

CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus" / "vcard"


def card(*lines: str, version: str = "4.0") -> dict[str, Any]:
    """The card of some lines, without what each card has."""
    text = "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])
    (vcard,) = read(text.encode())
    assert [] == vcard.faults
    found = from_vcard(vcard)
    assert [] == faults(found)
    assert ("Card", "2.0") == (found.pop("@type"), found.pop("version"))
    return found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["FN:John Q. Public\\, Esq."], {"name": {"full": "John Q. Public, Esq."}}),
        (["UID:abc"], {"uid": "abc"}),
        (["CREATED:19940930T143510Z"], {"created": "1994-09-30T14:35:10Z"}),
        (["REV:20240102T010203.5+0100"], {"updated": "2024-01-02T00:02:03.5Z"}),
        (["BDAY:--0203"], {"anniversaries": {"k1": {"kind": "birth", "date": {"month": 2, "day": 3}}}}),
        (["BDAY:1985-04"], {"anniversaries": {"k1": {"kind": "birth", "date": {"year": 1985, "month": 4}}}}),
        (
            ["DEATHDATE:19531015T231000Z", "DEATHPLACE:Here"],
            {
                "anniversaries": {
                    "k1": {
                        "kind": "death",
                        "date": {"@type": "Timestamp", "utc": "1953-10-15T23:10:00Z"},
                        "place": {"full": "Here"},
                    }
                }
            },
        ),
        (["BDAY;VALUE=text:circa 1800"], {"vCardProps": [["bday", {}, "text", "circa 1800"]]}),
        (["GENDER:M;Fellow"], {"vCardProps": [["gender", {}, "text", ["M", "Fellow"]]]}),
        (
            ["item1.X-FOO;X-BAR=Hello:World!"],
            {"vCardProps": [["x-foo", {"x-bar": "Hello", "group": "item1"}, "unknown", "World!"]]},
        ),
        (
            ["EMAIL;X-FOO=Bar:jane_doe@example.com"],
            {"emails": {"k1": {"address": "jane_doe@example.com", "vCardParams": {"x-foo": "Bar"}}}},
        ),
        (["EMAIL:not an address"], {"vCardProps": [["email", {}, "text", "not an address"]]}),
        (["EMAIL;JSID=xyz;PROP-ID=abc:a@b"], {"emails": {"xyz": {"address": "a@b"}}}),
        (["TZ:-0500"], {"addresses": {"k1": {"timeZone": "Etc/GMT+5", "vCardName": "tz"}}}),
        (["TZ:+0530"], {"vCardProps": [["tz", {}, "text", "+0530"]]}),
        (
            ["ADR:;;Street;;;;", "GEO:geo:1,2", "TZ:Europe/Paris"],
            {
                "addresses": {
                    "k1": {
                        "components": [{"kind": "name", "value": "Street"}],
                        "coordinates": "geo:1,2",
                        "timeZone": "Europe/Paris",
                    }
                }
            },
        ),
        (
            ["a.GEO:geo:1,2", "a.TZ:Europe/Paris", "GEO:geo:3,4", "TZ:Europe/Rome"],
            {
                "addresses": {
                    "k1": {"coordinates": "geo:1,2", "timeZone": "Europe/Paris", "vCardParams": {"group": "a"}},
                    "k2": {"coordinates": "geo:3,4", "timeZone": "Europe/Rome"},
                }
            },
        ),
        (["FN;DERIVED=true:x"], {}),
        (["ORG:;Department"], {"organizations": {"k1": {"units": [{"name": "Department"}]}}}),
        (
            ["RELATED;TYPE=friend,odd:urn:uuid:1"],
            {"relatedTo": {"urn:uuid:1": {"relation": {"friend": True}, "vCardParams": {"type": "odd"}}}},
        ),
        (["MEMBER:urn:uuid:1"], {"vCardProps": [["member", {}, "uri", "urn:uuid:1"]]}),
        (["KIND:group", "MEMBER:urn:uuid:1"], {"kind": "group", "members": {"urn:uuid:1": True}}),
        (["KIND:x-robot"], {"vCardProps": [["kind", {}, "text", "x-robot"]]}),
        (["URL:www.example.com/a b"], {"links": {"k1": {"uri": "http://www.example.com/a%20b"}}}),
        (["URL:http://x/100%"], {"links": {"k1": {"uri": "http://x/100%25"}}}),
        (["BDAY:19990230"], {"vCardProps": [["bday", {}, "unknown", "19990230"]]}),
        (["URL:nothing"], {"vCardProps": [["url", {}, "uri", "nothing"]]}),
        (["EMAIL;PREF=0:a@b"], {"emails": {"k1": {"address": "a@b", "vCardParams": {"pref": "0"}}}}),
    ],
)  # fmt: skip
def test_properties_become_objects(lines: list[str], expected: dict[str, Any]) -> None:
    assert expected == card(*lines)


def test_components_are_ordered_by_jscomps() -> None:
    found = card('ADR;JSCOMPS="s,\\, ;10;s, ;11;3":;;54321 Oak St;Reston;;;;;;;54321;Oak St;;;;;;')
    assert {
        "components": [
            {"kind": "number", "value": "54321"},
            {"kind": "separator", "value": " "},
            {"kind": "name", "value": "Oak St"},
            {"kind": "locality", "value": "Reston"},
        ],
        "defaultSeparator": ", ",
        "isOrdered": True,
    } == found["addresses"]["k1"]


@pytest.mark.parametrize(
    "order", ["", ";", ";0", ";0;0", ";0;1;1", ";0;9", ";0;1,1", ";x;1", "1;0;1", ";s,a;s,b;0;1"]
)
def test_an_invalid_jscomps_orders_nothing(order: str) -> None:
    found = card(f'N;JSCOMPS="{order}":Doe;Jane;;;')
    assert "isOrdered" not in found["name"]
    assert ["surname", "given"] == [one["kind"] for one in found["name"]["components"]]


def test_values_repeated_for_older_programs_count_once() -> None:
    found = card('N;JSCOMPS=";1;2;2,1;0;6;4,1":Stevenson;John;Philip,Paul;;Jr.,M.D.;;Jr.')
    assert ["given", "given2", "given2", "surname", "generation", "credential"] == [
        one["kind"] for one in found["name"]["components"]
    ]
    assert found["name"]["isOrdered"]


def test_the_same_surname_twice_is_two_surnames() -> None:
    found = card("N:Garc\u00eda,Garc\u00eda;Ana;;;;Garc\u00eda;")
    assert ["surname", "given", "surname2"] == [one["kind"] for one in found["name"]["components"]]


def test_alternatives_become_localizations() -> None:
    found = card("LANGUAGE:en", "TITLE;ALTID=1:Boss", "TITLE;ALTID=1;LANGUAGE=fr:Patron")
    assert {
        "language": "en",
        "titles": {"k1": {"name": "Boss", "kind": "title"}},
        "localizations": {"fr": {"titles/k1/name": "Patron"}},
    } == found


def test_sounds_go_to_their_components() -> None:
    found = card(
        "LANGUAGE:zh-Hant",
        "N;ALTID=1;LANGUAGE=zh-Hant:\u5b6b;\u4e2d\u5c71;\u6587,\u9038\u4ed9;;",
        "N;ALTID=1;PHONETIC=jyut;SCRIPT=Latn;LANGUAGE=yue:syun1;zung1saan1;man4,jat6sin1;;",
    )
    assert {
        "name/phoneticSystem": "jyut",
        "name/phoneticScript": "Latn",
        "name/components/0/phonetic": "syun1",
        "name/components/1/phonetic": "zung1saan1",
        "name/components/2/phonetic": "man4",
        "name/components/3/phonetic": "jat6sin1",
    } == found["localizations"]["yue"]


@pytest.mark.parametrize(
    "line",
    [
        "N;ALTID=1;PHONETIC=ipa:a;b,c;;",
        "N;ALTID=1;PHONETIC=ipa;X-A=1:a;b;;",
        "N;ALTID=1;PHONETIC=odd:a;b;;",
        "N;ALTID=1;PHONETIC=script:a;b;;",
        "N;ALTID=1;PHONETIC=ipa;SCRIPT=Latin:a;b;;",
    ],
)
def test_sounds_that_fit_no_component_are_kept_as_they_are(line: str) -> None:
    found = card("N;ALTID=1:Doe;Jane;;;", line)
    assert ["n"] == [one[0] for one in found["vCardProps"]]
    assert all("phonetic" not in one for one in found["name"]["components"])


def test_an_alternative_that_says_more_is_kept_as_it_is() -> None:
    found = card("N:Doe;Jane;;;", "N;LANGUAGE=fr:Biche;Jeanne;;;;;;more")
    assert [["n", {"language": "fr"}, "text", ["Biche", "Jeanne", "", "", "", "", "", "more"]]] == found[
        "vCardProps"
    ][:1]


def test_titles_find_their_organization_by_group() -> None:
    found = card("TITLE:Alone", "g.ROLE:Lead", "g.ORG:ABC")
    assert {
        "k1": {"name": "Alone", "kind": "title"},
        "k2": {"name": "Lead", "kind": "role", "organizationId": "k1"},
    } == found["titles"]
    assert {"k1": {"name": "ABC"}} == found["organizations"]


def test_jsprops_are_one_patch() -> None:
    found = card(
        "TEL;PROP-ID=p1:1", 'JSPROP;JSPTR="phones/p1/example.com:x":"y"', 'JSPROP;JSPTR=new:{"a":[1\\,2]}'
    )
    assert {"phones": {"p1": {"number": "1", "example.com:x": "y"}}, "new": {"a": [1, 2]}} == found


@pytest.mark.parametrize(
    "line",
    [
        'JSPROP;JSPTR="phones/p9/x":1',
        'JSPROP;JSPTR="version":"9.9"',
        'JSPROP;JSPTR="a":nonsense',
        'JSPROP:1',
        'JSPROP;JSPTR="kind":"Individual"',
    ],
)  # fmt: skip
def test_an_invalid_jsprop_is_kept_and_not_applied(line: str) -> None:
    found = card("FN:x", line, 'JSPROP;JSPTR="good":1')
    assert ["jsprop", "jsprop"] == [one[0] for one in found["vCardProps"]]
    assert "good" not in found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["item1.TEL:1", "item1.X-ABLabel:_$!<Home>!$_"], {"phones": {"k1": {"number": "1", "label": "Home"}}}),
        (
            ["item1.ADR:;;Street;;;;", "item1.X-ABADR:de"],
            {"addresses": {"k1": {"components": [{"kind": "name", "value": "Street"}], "countryCode": "DE"}}},
        ),
        (["X-ABShowAs:COMPANY"], {"kind": "org", "vCardProps": [["x-abshowas", {}, "unknown", "COMPANY"]]}),
        (
            ["X-SOCIALPROFILE;type=twitter;x-user=ada:http://twitter.com/ada"],
            {"onlineServices": {"k1": {"uri": "http://twitter.com/ada", "service": "twitter", "user": "ada"}}},
        ),
        (
            ["IMPP;X-SERVICE-TYPE=Skype:skype:ada"],
            {"onlineServices": {"k1": {"uri": "skype:ada", "vCardName": "impp", "service": "Skype"}}},
        ),
        (["X-ICQ:123"], {"onlineServices": {"k1": {"service": "ICQ", "user": "123", "vCardName": "x-icq"}}}),
        (["X-EVOLUTION-SPOUSE:Bob"], {"relatedTo": {"Bob": {"relation": {"spouse": True}}}}),
        (
            ["item1.X-ABDATE:20010203", "item1.X-ABLabel:_$!<Anniversary>!$_"],
            {"anniversaries": {"k1": {"kind": "wedding", "date": {"year": 2001, "month": 2, "day": 3}}}},
        ),
        (
            ["X-ADDRESSBOOKSERVER-KIND:group", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1"],
            {"kind": "group", "members": {"urn:uuid:1": True}},
        ),
        (["X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Al;1;;;"], {"nicknames": {"k1": {"name": "Al"}}}),
        (
            ["ADR;TYPE=HOME:;;Street;;;;", "LABEL;TYPE=HOME:Street\\nTown"],
            {
                "addresses": {
                    "k1": {
                        "components": [{"kind": "name", "value": "Street"}],
                        "contexts": {"private": True},
                        "full": "Street\nTown",
                    }
                }
            },
        ),
    ],
)  # fmt: skip
def test_the_words_of_address_books_are_understood(lines: list[str], expected: dict[str, Any]) -> None:
    assert expected == card(*lines, version="3.0")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus/vcard is absent")
def test_every_card_of_the_corpus_becomes_a_valid_card_and_comes_back() -> None:
    cards = [vcard for path in sorted(CORPUS.glob("*.vcf")) for vcard in read(path.read_bytes())]
    assert 61 == len(cards)
    assert [["the card is empty"]] == [
        [one.reason for one in vcard.faults] for vcard in cards if vcard.faults
    ]
    for vcard in cards:
        found = from_vcard(vcard)
        assert [] == faults(found)
        (again,) = read(write(to_vcard(found)))
        assert found == from_vcard(again)


@given(st.binary(max_size=400))
def test_any_card_becomes_a_valid_card(data: bytes) -> None:
    for vcard in read(b"BEGIN:VCARD\n" + data):
        assert [] == faults(from_vcard(vcard))
