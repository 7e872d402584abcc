"""Header blocks, and the forms Raw and Text of their values (RFC 8621 §4.1.2)."""

from __future__ import annotations

import pytest

from posthouse.formats.mime import as_text, convenience, header_form, parse, received_date, sent_date


def fields(data: bytes) -> list[tuple[str, str]]:
    return [(header.name, header.raw) for header in parse(data).headers]


@pytest.mark.parametrize(
    ("data", "expected", "body"),
    [
        (b"A: b\r\n\r\nx", [("A", " b")], b"x"),
        (b"A: b\n\nx", [("A", " b")], b"x"),
        (b"A:b\r\n c\r\n\td\r\n\r\n", [("A", "b\r\n c\r\n\td")], b""),
        (b"A : b\r\n\r\n", [("A", " b")], b""),
        (b"A:\r\nB: c\r\n\r\n", [("A", ""), ("B", " c")], b""),
        (b"A: b", [("A", " b")], b""),
        (b"A: \0b\0\r\n\r\n", [("A", " b")], b""),
        ("Ä: b\r\n\r\n".encode(), [], "Ä: b\r\n\r\n".encode()),
        (b"\r\nA: b", [], b"A: b"),
        (b"\nA: b", [], b"A: b"),
        (b" continued\r\nA: b\r\n\r\nx", [("A", " b")], b"x"),
        (b"A: b\r\nno field\r\nC: d\r\n\r\nx", [("A", " b")], b"no field\r\nC: d\r\n\r\nx"),
        ("A: ä\r\nno field\r\n\r\n".encode(), [("A", " ä")], b"no field\r\n\r\n"),
        (b"A: \xe4\r\nno field\r\n\r\n", [("A", " \ufffd")], b"no field\r\n\r\n"),
        (b"no field at all", [], b"no field at all"),
        (b"From x@y Mon Nov 23\nA: b\n\nx", [("A", " b")], b"x"),
        (b">From x@y Mon Nov 23\r\nA: b\r\n\r\nx", [("A", " b")], b"x"),
        (b"A: b\rC: d\r\n\r\n", [("A", " b\rC: d")], b""),
        (b"A: b\r\n \r\n\r\nx", [("A", " b\r\n ")], b"x"),
        (b": b\r\n\r\nx", [], b": b\r\n\r\nx"),
    ],
)
def test_block_is_read(data: bytes, expected: list[tuple[str, str]], body: bytes) -> None:
    root = parse(data).root
    assert expected == fields(data)
    assert body == data[root.offset : root.offset + root.length]


def test_octets_that_are_no_utf8_are_replaced_in_raw_but_read_as_windows_1252() -> None:
    (header,) = parse(b"Subject: Gr\xfc\xdfe\r\n\r\n").headers
    assert " Gr\ufffd\ufffde" == header.raw
    assert "Grüße" == as_text(header.value)


def test_utf8_is_kept_beside_a_field_that_is_none() -> None:
    first, second = parse("A: ü\r\nB: ".encode() + b"\xfc\r\n\r\n").headers
    assert (" ü", " ü", " ü") == (first.raw, first.value, second.value)


def test_fields_beyond_the_cap_are_left_out() -> None:
    assert 10_000 == len(fields(b"A: b\r\n" * 10_001 + b"\r\n"))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (" plain", "plain"),
        ("   three  spaces ", "three  spaces "),
        (" a\r\n b\r\n\tc", "a b\tc"),
        (" =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (" =?UTF-8?B?R3LDvMOfZQ==?= aus", "Grüße aus"),
        (" =?iso-8859-1?q?a_b?=", "a b"),
        (" =?iso-8859-1*en?q?lang?=", "lang"),
        (" =?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (" =?utf-8?q?a?=\r\n =?iso-8859-1?q?=E4?=", "aä"),
        (" =?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        (" =?utf-8?b?4pi?= =?utf-8?b?lg==?=", "☖"),
        (" =?utf-8?q?=E2=98?=\r\n =?utf-8?q?=96?=", "☖"),
        (" =?utf-8?q?=E2=98?= =?utf-8?b?lg==?=", "☖"),
        # Placement rules: not inside of a word, and no space in it (RFC 2047 §5, §2).
        (" x=?utf-8?q?a?=", "x=?utf-8?q?a?="),
        (" =?utf-8?q?a?=x", "=?utf-8?q?a?=x"),
        (" =?utf-8?q?a?==?utf-8?q?b?=", "=?utf-8?q?a?==?utf-8?q?b?="),
        (" =?utf-8?q?a b?=", "=?utf-8?q?a b?="),
        (" (=?utf-8?q?a?=)", "(=?utf-8?q?a?=)"),
        # What cannot be decoded.
        (" =?x-unknown?q?a=E4?=", "=?x-unknown?q?a=E4?="),
        (" =?x-unknown?q?a?= =?utf-8?q?b?=", "=?x-unknown?q?a?= b"),
        (" =?utf-8?q?a?= =?x-unknown?q?b?=", "a =?x-unknown?q?b?="),
        (" =?utf-8?x?a?=", "=?utf-8?x?a?="),
        (" =?utf-8?q?=FFa?=", "\ufffda"),
        (" =?utf-8?b?YQ?=", "a"),
        (" =?utf-8?b?Y!Q==?=", "a"),
        (" =?utf-8?b?Y?=", ""),
        (" =?utf-8?q?a=00b=0D=0Ac=07?=", "abc"),
        (" =?utf-8?q??=", ""),
        (" =?iso-8859-1?q?M\u00fcller?=", "Müller"),
        (" =?utf-7?q?+AOQ-?=", "ä"),
        (" =?ks_c_5601-1987?b?sNc=?=", "겜"),
        # Unicode form C.
        (" A\u0308", "Ä"),
        (" =?utf-8?q?A=CC=88?=", "Ä"),
    ],
)
def test_text_form(raw: str, text: str) -> None:
    assert text == as_text(raw)


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("Subject", {"Raw", "Text"}),
        ("comments", {"Raw", "Text"}),
        ("From", {"Raw", "Addresses", "GroupedAddresses"}),
        ("Resent-Reply-To", {"Raw", "Addresses", "GroupedAddresses"}),
        ("REFERENCES", {"Raw", "MessageIds"}),
        ("Resent-Date", {"Raw", "Date"}),
        ("List-Post", {"Raw", "URLs"}),
        ("Received", {"Raw"}),
        ("Return-Path", {"Raw"}),
        ("List-Id", {"Raw", "Text", "Addresses", "GroupedAddresses", "MessageIds", "Date", "URLs"}),
        ("X-Other", {"Raw", "Text", "Addresses", "GroupedAddresses", "MessageIds", "Date", "URLs"}),
    ],
)
def test_known_fields_restrict_their_forms(name: str, forms: set[str]) -> None:
    every = ["Raw", "Text", "Addresses", "GroupedAddresses", "MessageIds", "Date", "URLs", "Nonsense", "raw"]
    assert forms == {form for form in every if header_form(name, form)}


def test_last_field_of_a_name_counts() -> None:
    values = convenience(parse(b"Subject: a\r\nsubject: b\r\nFrom: x@y\r\nFROM: z@y\r\n\r\n"))
    assert "b" == values["subject"]
    assert [{"name": None, "email": "z@y"}] == values["from"]


def test_properties_without_a_field_are_null() -> None:
    names = ("messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc")
    others = ("replyTo", "subject", "sentAt")
    assert dict.fromkeys(names + others) == convenience(parse(b""))


def test_empty_field_is_an_empty_list_or_text() -> None:
    values = convenience(parse(b"To:\r\nSubject:\r\nDate:\r\nMessage-ID:\r\n\r\n"))
    assert ([], "", None, None) == (values["to"], values["subject"], values["sentAt"], values["messageId"])


def test_dates_of_a_message() -> None:
    message = parse(
        b"Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0100\r\n"
        b"Received: from c by a; Mon, 23 Nov 2026 10:59:00 +0000\r\nDate: Thu, 1 Jan 1970 00:00:01 +0000\r\n\r\n"
    )
    assert (1795431600, 1) == (received_date(message), sent_date(message))
    assert (None, None) == (received_date(parse(b"")), sent_date(parse(b"")))
