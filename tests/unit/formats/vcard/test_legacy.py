"""vCard 2.1 and 3.0 come out in the form of 4.0."""

from __future__ import annotations

import pytest

from posthouse.formats.vcard import Property, read


def properties(*lines: str, version: str) -> list[Property]:
    text = "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])
    (card,) = read(text.encode())
    assert version == card.version
    return card.properties


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("EMAIL;TYPE=INTERNET,PREF:a@b", Property("EMAIL", "a@b", {"PREF": ["1"]})),
        ("TEL;TYPE=HOME,TYPE=VOICE:1", Property("TEL", "1", {"TYPE": ["HOME", "VOICE"]})),
        ("GEO:37.386\\;-122.08", Property("GEO", "geo:37.386,-122.08")),
        ("BDAY:1996-04-15", Property("BDAY", "19960415")),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-01", Property("BDAY", "--0301")),
        ("REV:1995-10-31T22:27:10Z", Property("REV", "19951031T222710Z")),
        ("PHOTO;VALUE=URL:http://x/y", Property("PHOTO", "http://x/y", {"VALUE": ["uri"]})),
        ("PHOTO;TYPE=GIF:http://x/y", Property("PHOTO", "http://x/y", {"MEDIATYPE": ["image/gif"]})),
        ("LOGO;ENCODING=B;TYPE=image/png:AAAA", Property("LOGO", "data:image/png;base64,AAAA")),
        ("SOUND;ENCODING=B;TYPE=WAVE,home:AAAA", Property("SOUND", "data:audio/wav;base64,AAAA", {"TYPE": ["home"]})),
        ("X-BLOB;ENCODING=B:AAAA", Property("X-BLOB", "data:application/octet-stream;base64,AAAA", {"VALUE": ["uri"]})),
        ("TEL;VALUE=PHONE-NUMBER:1", Property("TEL", "1")),
        ("NOTE:a\\, b\\nc", Property("NOTE", "a\\, b\\nc")),
    ],
)  # fmt: skip
def test_version_3_is_mended(line: str, expected: Property) -> None:
    assert [expected] == properties(line, version="3.0")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("NOTE:one, two; three", "one\\, two; three"),
        ("NOTE:one\\ntwo", "one\\ntwo"),
        ("N:Doe\\;x;J,K;", "Doe\\;x;J\\,K;"),
        ("ORG:A, B;C", "A\\, B;C"),
        ("CATEGORIES:a,b", "a,b"),
        ("URL:http\\://x/a,b", "http://x/a,b"),
        ("NOTE;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:=E9", "\u00e9"),
        (
            "NOTE;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:=C3=A9",
            "\u00e9",
        ),  # says one and means the other
        ("NOTE;ENCODING=QUOTED-PRINTABLE:C:\\new=0D=0Ax", "C:\\\\new\\nx"),
    ],
)
def test_values_of_version_2_get_their_escapes(line: str, expected: str) -> None:
    (one,) = properties(line, version="2.1")
    assert expected == one.value


def test_sort_string_becomes_the_order_of_the_name() -> None:
    assert [Property("N", "van Gogh;V;;;", {"SORT-AS": ["Gogh"]})] == properties(
        "N:van Gogh;V;;;", "SORT-STRING:Gogh", version="3.0"
    )


def test_values_of_version_4_are_left_alone() -> None:
    lines = ["NOTE:a\\,b", "BDAY:1996-04-15", "GEO:1;2"]
    assert [line.partition(":")[2] for line in lines] == [
        one.value for one in properties(*lines, version="4.0")
    ]
