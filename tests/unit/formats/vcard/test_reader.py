"""Cards of all versions, whole and broken, are read."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats.vcard import Card, Fault, Property, components, read, stream, text, write
from posthouse.formats.vcard.line import MAX_LINE
from posthouse.formats.vcard.reader import MAX_HEAD, MAX_PROPERTIES, MAX_VALUE


def card(*lines: str, version: str = "4.0", end: str = "\r\n") -> bytes:
    return "".join(
        f"{line}{end}" for line in ("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD")
    ).encode()


def only(data: bytes) -> list[Property]:
    (found,) = read(data)
    assert [] == found.faults
    return found.properties


def value(line: str, version: str = "4.0") -> str:
    (one,) = only(card(line, version=version))
    return one.value


def test_a_card_has_its_properties_in_order() -> None:
    (found,) = read(card("FN:Ada", "item1.TEL;TYPE=work,voice;PREF=1:+1 2", "x-foo:bar"))
    assert (
        Card(
            [
                Property("FN", "Ada"),
                Property("TEL", "+1 2", {"TYPE": ["work", "voice"], "PREF": ["1"]}, "item1"),
                Property("X-FOO", "bar"),
            ],
        )
        == found
    )


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_any_line_end_ends_a_line(end: str) -> None:
    assert [Property("FN", "Ada"), Property("NOTE", "x")] == only(card("FN:Ada", "NOTE:x", end=end))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_line_end_may_fall_between_two_reads(size: int) -> None:
    class Slow(io.BytesIO):
        def read(self, wanted: int | None = -1, /) -> bytes:
            return super().read(size)

    data = card("FN:Ada", " Lovelace", "NOTE:\u00e9\u6f22")
    assert read(data) == list(stream(Slow(data)))


def test_folding_inside_a_character_is_undone() -> None:
    data = card("NOTE:\u6f22@").replace("\u6f22@".encode(), b"\xe6\r\n \xbc\r\n\t\xa2!")
    assert [Property("NOTE", "\u6f22!")] == only(data)


def test_bytes_that_are_no_utf_8_are_windows_1252() -> None:
    assert [Property("FN", "Jos\u00e9 \u20ac")] == only(card("FN:Jos@").replace(b"@", b"\xe9 \x80"))


@pytest.mark.parametrize(
    ("charset", "octets", "expected"),
    [
        ("ISO-8859-1", b"\xe9", "\u00e9"),
        ("utf-8", "\u00e9".encode(), "\u00e9"),
        ("SHIFT_JIS", "\u65e5\u672c".encode("shift_jis"), "\u65e5\u672c"),
        ("ISO-2022-JP", "\u65e5\u672c".encode("iso2022_jp"), "\u65e5\u672c"),
        ("ISO-8859-2", "\u017e".encode("iso8859_2"), "\u017e"),
        ("no-such", b"\xe9", "\u00e9"),
    ],
)
def test_a_charset_parameter_is_obeyed(charset: str, octets: bytes, expected: str) -> None:
    # ESC is a control character that ISO-2022-JP needs and vCard does not have.
    data = card(f"FN;CHARSET={charset}:@", version="2.1").replace(b"@", octets)
    assert [Property("FN", expected)] == only(data)


def test_a_byte_order_mark_is_no_text() -> None:
    assert [Property("FN", "Ada")] == only(b"\xef\xbb\xbf" + card("FN:Ada"))
    assert 2 == len(read(card("FN:Ada") + b"\xef\xbb\xbf" + card("FN:Bob")))


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
def test_utf_16_with_its_mark_is_read(codec: str) -> None:
    mark = b"\xfe\xff" if codec == "utf-16-be" else b""
    assert [Property("FN", "Jos\u00e9")] == only(mark + card("FN:Jos\u00e9").decode().encode(codec))


def test_a_quoted_parameter_may_hold_any_separator() -> None:
    (one,) = only(card('ADR;LABEL="a:b;c,d";X-A=1,2:;;x'))
    assert {"LABEL": ["a:b;c,d"], "X-A": ["1", "2"]} == one.parameters
    assert ";;x" == one.value


def test_carets_in_parameters_are_undone() -> None:
    (one,) = only(card("ADR;LABEL=a^nb^'c^^d^x:;;x"))
    assert {"LABEL": ['a\nb"c^d^x']} == one.parameters


def test_an_open_quote_ends_at_the_first_colon() -> None:
    (one,) = only(card('TEL;X-A="b:c'))
    assert "c" == one.value


def test_bare_parameters_are_types_or_encodings() -> None:
    (one,) = only(card("TEL;HOME;VOICE;8BIT:1", version="2.1"))
    assert {"TYPE": ["HOME", "VOICE"]} == one.parameters


def test_quoted_printable_goes_on_after_a_soft_line_break() -> None:
    assert "Grü\\nße\\, x" == value(
        "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Gr=C3=BC=0D=0A=\r\n=C3=9Fe, x", "2.1"
    )


def test_structures_in_quoted_printable_keep_their_components() -> None:
    raw = value("N;ENCODING=QUOTED-PRINTABLE:D=F6rf;J=2C;;", "2.1")
    assert [["Dörf"], ["J,"], [""], [""]] == components(raw)


@pytest.mark.parametrize("data", ["/9j/AAA=", "/9j/AAA", " /9j /AA A", "/9j/\r\n AAA=", "/9j/\r\nAAA=\r\n"])
def test_base64_in_any_shape_is_a_data_uri(data: str) -> None:
    assert "data:image/jpeg;base64,/9j/AAA=" == value(f"PHOTO;ENCODING=BASE64;TYPE=JPEG:{data}", "2.1")


def test_the_type_of_a_photo_is_seen_in_its_data() -> None:
    assert value("PHOTO;ENCODING=b:iVBORw0KGgoAAA==", "3.0").startswith("data:image/png;base64,")


def test_text_in_base64_becomes_text() -> None:
    assert "a\\, b" == value("NOTE;ENCODING=BASE64:YSwgYg==", "2.1")


def test_an_agent_with_a_card_inside_is_one_property() -> None:
    inner = card("FN:Bob", "AGENT:", "BEGIN:VCARD", "FN:Eve", "END:VCARD").decode()
    first, second = only(card("AGENT:\r\n" + inner.rstrip("\r\n"), "FN:Ada", version="2.1"))
    assert ("AGENT", "FN") == (first.name, second.name)
    assert inner.replace("\r\n", "\n").rstrip("\n") == text(first.value)


def test_agents_nest_as_deep_as_one_likes() -> None:
    data = b"BEGIN:VCARD\nAGENT:\n" * 50_000
    (found,) = read(data)
    assert ["AGENT"] == [one.name for one in found.properties]
    assert "the card has no END" == found.faults[-1].reason


def test_a_card_without_end_is_read_and_named() -> None:
    first, second = read(b"BEGIN:VCARD\nFN:Ada\n" + card("FN:Bob"))
    assert [Property("FN", "Ada")] == first.properties
    assert [Fault(3, "the card has no END")] == first.faults
    assert (3, []) == (second.line, second.faults)


def test_a_bad_line_is_named_and_the_others_are_read() -> None:
    (found,) = read(card("FN:Ada", "nonsense", ":nameless", "NOTE:x"))
    assert [Property("FN", "Ada"), Property("NOTE", "x")] == found.properties
    assert [Fault(4, "the line has no colon"), Fault(5, "the property has no name")] == found.faults


def test_an_empty_card_is_a_fault() -> None:
    (found,) = read(b"BEGIN:VCARD\nEND:VCARD\n")
    assert [Fault(2, "the card is empty")] == found.faults


@pytest.mark.parametrize("data", [b"", b"\n", b"hello", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", b"END:VCARD"])
def test_what_holds_no_card_gives_none(data: bytes) -> None:
    assert [] == read(data)


def test_too_many_properties_are_left_out_with_a_word() -> None:
    (found,) = read(card(*["X-A:1"] * (MAX_PROPERTIES + 5)))
    assert MAX_PROPERTIES == len(found.properties)
    assert ["the card is too large; the rest of it is left out"] == [one.reason for one in found.faults]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("NOTE:" + "x" * (MAX_VALUE + 1), "the value of NOTE is too long"),
        ("NOTE" + ";X=1" * (MAX_HEAD // 4 + 1) + ":x", "the parameters are too long"),
        ("PHOTO:" + "x" * MAX_LINE, "the line is too long"),
        (
            "PHOTO:x\r\n" + (" " + "x" * 1000 + "\r\n") * (MAX_LINE // 1000 + 1) + "NOTE:y",
            "the line is too long",
        ),
    ],
)
def test_what_is_too_long_is_left_out_with_a_word(line: str, reason: str) -> None:
    (found,) = read(card("FN:Ada", line))
    assert Property("FN", "Ada") == found.properties[0]
    assert [reason] == [one.reason for one in found.faults]


def test_a_stream_is_read_card_by_card() -> None:
    class Endless:
        def __init__(self) -> None:
            self.reads = 0

        def read(self, size: int, /) -> bytes:
            self.reads += 1
            return card("FN:Ada") * 100

    endless = Endless()
    cards: Iterator[Card] = stream(endless)
    assert [Property("FN", "Ada")] == next(cards).properties
    assert endless.reads <= 2


@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"BEGIN:VCARD",
                b"END:VCARD",
                b"\r",
                b"\n",
                b"\r\n",
                b" ",
                b"VERSION:2.1",
                b"VERSION:3.0",
                b"AGENT:",
                b"N:a;b",
                b"NOTE;ENCODING=QUOTED-PRINTABLE:=",
                b"=41=",
                b"PHOTO;ENCODING=b:",
                b"QUJD",
                b"\xff\xfe",
                b"\xe9",
                b";X=",
                b'"',
                b":",
                b"TEL;TYPE=a,b",
                b"^n",
                b"\\",
                b"FN;CHARSET=ISO-2022-JP:\x1b$B",
                b"\x00",
            ]
        ),
        max_size=25,
    ).map(b"".join)
)
def test_any_bytes_are_read_and_what_is_written_of_them_is_stable(data: bytes) -> None:
    for found in [*read(data), *read(b"BEGIN:VCARD\n" + data)]:
        written = write(found)
        (again,) = read(written)
        assert found.properties == again.properties
        assert written == write(again)
        assert all(len(line) <= 75 for line in written.split(b"\r\n"))
