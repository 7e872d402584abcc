"""JSContact objects become vCard properties, by the examples of the RFCs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from posthouse.formats.jscard import faults, from_vcard, to_vcard
from posthouse.formats.vcard import Property, write


def card(**properties: Any) -> dict[str, Any]:
    found = {"@type": "Card", "version": "2.0", **properties}
    assert [] == faults(found, in_jmap=True)
    return found


def lines(**properties: Any) -> list[str]:
    """The lines that a card is written as, without what each vCard has."""
    found = card(**properties)
    before = copy.deepcopy(found)
    written = write(to_vcard(found)).decode().replace("\r\n ", "").split("\r\n")
    assert before == found
    assert ["BEGIN:VCARD", "VERSION:4.0"] == written[:2]
    return [line for line in written[2:-2] if line != "FN:"]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"name": {"full": "John, Esq."}}, ["FN:John\\, Esq."]),
        ({"uid": "urn:uuid:1"}, ["UID:urn:uuid:1"]),
        ({"uid": "a,b"}, ["UID;VALUE=text:a\\,b"]),
        ({"kind": "group", "members": {"urn:uuid:1": True}}, ["KIND:group", "MEMBER:urn:uuid:1"]),
        ({"kind": "group", "members": {}}, ["KIND:group", "JSPROP;JSPTR=members:{}"]),
        ({"keywords": {"a": True, "b,c": True}}, ["CATEGORIES:a,b\\,c"]),
        ({"created": "1994-09-30T14:35:10Z"}, ["CREATED:19940930T143510Z"]),
        (
            {"emails": {"e1": {"address": "a@b", "contexts": {"private": True}, "pref": 1, "label": "x"}}},
            ["item1.EMAIL;TYPE=home;PREF=1;PROP-ID=e1:a@b", "item1.X-ABLABEL:x"],
        ),
        ({"phones": {"p": {"number": "tel:+1;ext=2"}}}, ["TEL;VALUE=uri;PROP-ID=p:tel:+1;ext=2"]),
        (
            {"onlineServices": {"s": {"uri": "xmpp:a@b", "vCardName": "impp"}}},
            ["IMPP;PROP-ID=s:xmpp:a@b"],
        ),
        (
            {"onlineServices": {"s": {"user": "ada", "service": "X"}}},
            ["SOCIALPROFILE;SERVICE-TYPE=X;VALUE=text;PROP-ID=s:ada"],
        ),
        (
            {"personalInfo": {"i": {"kind": "expertise", "value": "x", "level": "low", "listAs": 2}}},
            ["EXPERTISE;INDEX=2;LEVEL=beginner;PROP-ID=i:x"],
        ),
        (
            {
                "organizations": {"o": {"name": "A;B", "units": [{"name": "U", "sortAs": "V"}]}},
                "titles": {"t": {"kind": "role", "name": "R", "organizationId": "o"}},
            },
            ["ORG;SORT-AS=\",V\";PROP-ID=o:A\\;B;U", "ROLE;PROP-ID=t:R"],
        ),
        (
            {
                "organizations": {"o": {"name": "A"}},
                "titles": {
                    "t": {"kind": "title", "name": "T"},
                    "r": {"kind": "role", "name": "R", "organizationId": "o"},
                },
            },
            ["org1.ORG;PROP-ID=o:A", "TITLE;PROP-ID=t:T", "org1.ROLE;PROP-ID=r:R"],
        ),
        ({"example.com:foo": {"bar": 1234}}, ['JSPROP;JSPTR="example.com:foo":{"bar":1234}']),
        (
            {"phones": {"phone1": {"number": "1", "example.com:foo/bar": "tux hux"}}},
            ["TEL;PROP-ID=phone1:1", 'JSPROP;JSPTR="phones/phone1/example.com:foo~1bar":"tux hux"'],
        ),
        ({"vCardProps": [["x-foo", {"group": "g"}, "unknown", "a;b"]]}, ["g.X-FOO:a;b"]),
        (
            {"vCardProps": [["categories", {"x-a": "1"}, "text", "a"]], "keywords": {"a": True, "b": True}},
            ["CATEGORIES:b", "CATEGORIES;X-A=1:a"],
        ),
        (
            {"emails": {"e": {"@type": "EmailAddress", "address": "a@b"}}, "id": "c1", "addressBookIds": {"a": True}},
            ["EMAIL;PROP-ID=e:a@b"],
        ),
        ({"media": {"m": {"kind": "photo", "blobId": "b1"}}}, []),
        (
            {
                "language": "en",
                "titles": {"t": {"kind": "title", "name": "Boss"}},
                "localizations": {"fr": {"titles/t/name": "Patron"}},
            },
            ["LANGUAGE:en", "TITLE;ALTID=j1;PROP-ID=t:Boss", "TITLE;ALTID=j1;PROP-ID=t;LANGUAGE=fr:Patron"],
        ),
    ],
)  # fmt: skip
def test_objects_become_properties(properties: dict[str, Any], expected: list[str]) -> None:
    def canonical(line: str) -> tuple[list[str], str]:
        head, _, value = line.partition(":")
        return sorted(head.split(";")), value

    assert [canonical(line) for line in expected] == [canonical(line) for line in lines(**properties)]


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ([("surname", "Doe"), ("title", "Dr."), ("given", "Jane")], "Dr. Jane Doe"),
        ([("surname", "Yamada"), ("given", "Taro")], "Taro Yamada"),
    ],
)
def test_a_full_name_is_derived_if_there_is_none(name: list[tuple[str, str]], full: str) -> None:
    components = [{"kind": kind, "value": value} for kind, value in name]
    vcard = to_vcard(card(name={"components": components}))
    assert Property("FN", full, {"DERIVED": ["TRUE"]}) == vcard.properties[0]


def test_an_ordered_name_is_derived_with_its_separators() -> None:
    components = [
        {"kind": "surname", "value": "A"},
        {"kind": "separator", "value": "-"},
        {"kind": "given", "value": "B"},
        {"kind": "credential", "value": "C"},
    ]
    vcard = to_vcard(card(name={"components": components, "isOrdered": True, "defaultSeparator": ", "}))
    assert "A-B, C" == vcard.properties[0].value.replace("\\", "")
    assert ["s,\\, ;0;s,-;1;4"] == vcard.properties[1].parameters["JSCOMPS"]


def test_an_older_card_becomes_one_of_the_newer_version() -> None:
    again = from_vcard(to_vcard({"@type": "Card", "version": "1.0", "uid": "x"}))
    assert {"@type": "Card", "version": "2.0", "uid": "x"} == again
