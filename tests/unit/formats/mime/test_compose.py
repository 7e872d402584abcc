"""Composing: what is written is well formed and is read back alike."""

from __future__ import annotations

import email
import email.policy
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats import mime
from posthouse.formats.mime import ComposeInput, HeaderInput, PartInput, compose, parse, part_bytes, part_text

NOTE = PartInput("text/plain", "Hello\nyou")
# Any character but controls (which no form keeps) and lone surrogates (which no JSON holds).
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs"])
WORDS = st.text(CHARACTERS | st.sampled_from(" \"\\(),:;<>@[]=?_'"), max_size=120)


def written(name: str, form: str, value: mime.HeaderValue) -> bytes:
    return mime.write_field(name, form, value)


def read(field: bytes) -> str:
    """Read one field back as the parser sees it, and see that it is one."""
    headers = parse(field + b"\r\n").headers
    assert 1 == len(headers), field
    return headers[0].value


def is_well_folded(field: bytes) -> bool:
    """Tell whether no line is longer than 998 octets, blank, or ended by anything but CRLF."""
    lines = field.split(b"\r\n")
    return lines[-1] == b"" and all(
        len(line) <= 998 and line.strip() and b"\r" not in line and b"\n" not in line and b"\0" not in line
        for line in lines[:-1]
    )


@given(WORDS)
def test_text_is_read_back(text: str) -> None:
    field = written("Subject", "Text", text)
    assert is_well_folded(field)
    assert unicodedata.normalize("NFC", text) == mime.as_text(read(field))
    assert field.isascii()


@given(st.text(max_size=300))
def test_no_text_starts_a_second_field(text: str) -> None:
    field = written("Subject", "Text", text)
    read(field)
    assert is_well_folded(field)


def name_as_read(name: str) -> str | None:
    return unicodedata.normalize("NFC", name).strip() or None


@given(st.lists(st.tuples(st.none() | WORDS, st.emails() | st.just("a") | WORDS), max_size=6))
def test_addresses_are_read_back(pairs: list[tuple[str | None, str]]) -> None:
    addresses: list[mime.EmailAddress] = [{"name": name, "email": mail} for name, mail in pairs]
    field = written("To", "Addresses", addresses)
    assert is_well_folded(field) or not addresses
    expected = [
        (name_as_read(name) if name else None, name_as_read(mail) or "")
        for name, mail in pairs
        if mail.strip() or (name and name.strip())
    ]
    found = [
        (one["name"], unicodedata.normalize("NFC", one["email"])) for one in mime.as_addresses(read(field))
    ]
    assert expected == found


def test_spaces_that_do_not_break_stay_in_names() -> None:
    ann: mime.EmailAddress = {"name": "Ann\u00a0\u00a0Ö", "email": "ann@example.org"}
    assert [ann] == mime.as_addresses(read(written("To", "Addresses", [ann])))


def test_name_that_looks_encoded_is_read_back() -> None:
    data = message(PartInput("image/png", b"", name="=?utf-8?q?a?=", disposition="inline"))
    assert "=?utf-8?q?a?=" == parse(data).root.name


GROUPS = st.lists(
    st.tuples(WORDS, st.lists(st.emails(), max_size=3)), max_size=4, unique_by=lambda group: group[0]
)


@given(GROUPS)
def test_groups_are_read_back(groups: list[tuple[str, list[str]]]) -> None:
    value: list[mime.EmailAddressGroup] = [
        {"name": name, "addresses": [{"name": None, "email": mail} for mail in mails]}
        for name, mails in groups
    ]
    field = written("X-To", "GroupedAddresses", value)
    expected = [{**group, "name": name_as_read(group["name"] or "") or ""} for group in value]
    assert expected == mime.as_grouped_addresses(read(field))


def test_addresses_outside_of_groups_share_one_without_a_name() -> None:
    ann: mime.EmailAddress = {"name": None, "email": "ann@example.org"}
    value: list[mime.EmailAddressGroup] = [
        {"name": None, "addresses": [ann]},
        {"name": "Friends", "addresses": [ann, ann]},
        {"name": None, "addresses": [ann, ann]},
    ]
    assert value == mime.as_grouped_addresses(read(written("To", "GroupedAddresses", value)))


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"], exclude_characters="<>"), min_size=1)
    )
)
def test_message_ids_and_urls_are_read_back(items: list[str]) -> None:
    assert (items or None) == mime.as_urls(read(written("List-Help", "URLs", items)))
    ids = [f"{number}.{len(item)}@example.org" for number, item in enumerate(items)]
    assert (ids or None) == mime.as_message_ids(read(written("References", "MessageIds", ids)))


@pytest.mark.parametrize(
    ("date", "field"),
    [
        ("2026-11-23T12:50:09+01:00", b"Date: Mon, 23 Nov 2026 12:50:09 +0100\r\n"),
        ("1997-11-21T09:55:06-06:00", b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n"),
        ("2026-11-23T12:50:09Z", b"Date: Mon, 23 Nov 2026 12:50:09 +0000\r\n"),
    ],
)
def test_date_is_read_back(date: str, field: bytes) -> None:
    assert field == written("Date", "Date", date)
    assert date == mime.as_date(read(field))


@given(st.from_regex(r"(?: |\t|\r\n )[^\r\n\0]*(?:\r\n [!-~][^\r\n\0]*)*", fullmatch=True))
def test_raw_is_read_back(value: str) -> None:
    if value.startswith("\r\n") and not value.strip():
        return
    try:
        field = written("X-Raw", "Raw", value)
    except ValueError:
        assert not value.split("\r\n")[1].strip()  # a line of white space only
        return
    assert value == parse(field + b"\r\n").headers[0].raw


@pytest.mark.parametrize(
    "value", ["a\r\nB: c", "a\nb", "a\rb", "a\0b", "a\r\n \r\n\r\nb", "a\r\n", "a\r\n  \r\n b"]
)
def test_raw_value_that_would_end_the_field_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        written("X-Raw", "Raw", value)


@pytest.mark.parametrize(
    ("name", "form", "value"),
    [
        ("", "Text", "x"),
        ("A:b", "Text", "x"),
        ("A b", "Text", "x"),
        ("A\r\nB", "Text", "x"),
        ("Ä", "Text", "x"),
        ("A", "MessageIds", ["a>\r\nb"]),
        ("A", "MessageIds", [""]),
        ("A", "URLs", ["a b"]),
        ("A", "Date", "yesterday"),
        ("A", "Nonsense", ["x"]),
        ("A", "Addresses", "a@b"),
        ("A", "Addresses", ["a@b"]),
        ("A", "GroupedAddresses", ["a@b"]),
        ("A", "GroupedAddresses", [{"name": None, "email": "a@b"}]),
        ("A", "Text", ["x"]),
    ],
)
def test_what_cannot_be_written_is_refused(name: str, form: str, value: mime.HeaderValue) -> None:
    with pytest.raises(ValueError, match=r"."):
        written(name, form, value)


def test_line_breaks_in_text_and_names_become_spaces() -> None:
    assert b"Subject: a Bcc: x\r\n" == written("Subject", "Text", "a\r\nBcc: x")
    assert b'To: "a Bcc: x" <a@b>\r\n' == written(
        "To", "Addresses", [{"name": "a\r\nBcc: x", "email": "a@b"}]
    )


def test_long_text_is_folded_at_78_characters() -> None:
    field = written("Subject", "Text", "word " * 40 + "end")
    assert all(len(line) <= 78 for line in field.split(b"\r\n"))
    assert "word " * 40 + "end" == mime.as_text(read(field))


def message(body: PartInput, *headers: HeaderInput) -> bytes:
    return compose(ComposeInput(headers, body))


def test_message_of_text_is_plain() -> None:
    data = message(NOTE, HeaderInput("Subject", "Text", "Hi"))
    assert (
        b"Subject: Hi\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n\r\nHello\r\nyou"
    ) == data


@given(st.text(max_size=400), st.sampled_from(["text/plain", "text/html"]))
def test_text_content_is_read_back(text: str, type_: str) -> None:
    data = message(PartInput(type_, text))
    assert (text.replace("\r\n", "\n").removeprefix("\ufeff"), False, False) == part_text(
        data, parse(data).root
    )


@given(
    st.binary(max_size=400) | st.text(max_size=200).map(str.encode),
    st.sampled_from(["text/plain", "image/png", "message/rfc822", "application/x"]),
)
def test_octets_are_read_back(content: bytes, type_: str) -> None:
    mixed = PartInput(
        "multipart/mixed", sub_parts=(PartInput(type_, content), PartInput("text/plain", "end"))
    )
    data = message(mixed)
    first, second = parse(data).root.sub_parts
    assert content == part_bytes(data, first)
    assert type_ == first.type
    assert ("end", False, False) == part_text(data, second)


@given(st.text(CHARACTERS, min_size=1, max_size=200), st.sampled_from([None, "inline", "attachment"]))
def test_names_are_read_back(name: str, disposition: str | None) -> None:
    data = message(PartInput("application/pdf", b"%", name=name, disposition=disposition))
    root = parse(data).root
    assert (unicodedata.normalize("NFC", name), disposition) == (root.name, root.disposition)
    assert max(map(len, data.split(b"\r\n"))) <= 98


def test_properties_of_parts_are_read_back() -> None:
    part = PartInput(
        "text/html",
        b"<p>\xe4",
        charset="iso-8859-1",
        cid="seal@example.org",
        language=("de", "en-GB"),
        location="https://example.org/seal",
        headers=(HeaderInput("X-Part", "Text", "yes"),),
    )
    root = parse(message(part)).root
    assert ("text/html", "iso-8859-1", "seal@example.org") == (root.type, root.charset, root.cid)
    assert (["de", "en-GB"], "https://example.org/seal") == (root.language, root.location)
    assert " yes" == next(header.raw for header in root.headers if header.name == "X-Part")


def test_content_type_given_as_a_field_stands_for_the_type() -> None:
    field = HeaderInput("Content-Type", "Raw", ' multipart/signed; micalg=sha-256; boundary="x"')
    data = message(PartInput("multipart/mixed", headers=(field,), sub_parts=(NOTE, NOTE)))
    root = parse(data).root
    assert ("multipart/signed", 2) == (root.type, len(root.sub_parts))
    assert b"micalg=sha-256" in data
    assert 1 == data.count(b"Content-Type: multipart")


def test_boundaries_nest_and_differ() -> None:
    inner = PartInput("multipart/alternative", sub_parts=(NOTE, PartInput("text/html", "<p>Hello")))
    data = message(PartInput("multipart/mixed", sub_parts=(inner, NOTE)))
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/plain"] == [
        part.get_content_type() for part in parsed.walk()
    ]
    assert not any(part.defects for part in parsed.walk())


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("plain\n" * 20, "7bit"),
        ("x" * 999, "quoted-printable"),
        ("Grüße aus dem Posthaus", "quoted-printable"),
        ("驛站" * 20, "base64"),
        ("a\rb", "quoted-printable"),
    ],
)
def test_encoding_of_text_is_the_shortest_that_keeps_it(content: str, encoding: str) -> None:
    assert encoding == parse(message(PartInput("text/plain", content))).root.encoding


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"Subject: x\r\n\r\nx", "7bit"),
        ("Subject: ä\r\n\r\n".encode(), "8bit"),
        (b"Subject: x\n\nbare line feeds", "base64"),
    ],
)
def test_attached_message_keeps_its_lines(content: bytes, encoding: str) -> None:
    assert encoding == parse(message(PartInput("message/rfc822", content))).root.encoding


@pytest.mark.parametrize(
    "part",
    [
        PartInput("multipart/mixed"),
        PartInput("multipart/mixed", "x", sub_parts=(NOTE,)),
        PartInput("text/plain"),
        PartInput("text/plain", "x", sub_parts=(NOTE,)),
        PartInput("text", "x"),
        PartInput("text/plain\r\nX: y", "x"),
        PartInput("text/plain", "x", disposition="a b"),
        PartInput("text/plain", "x", cid="a\r\nb"),
        PartInput("text/plain", "x", language=("a\r\nb",)),
        PartInput("text/plain", "x", name="n" * 5000),
        PartInput("text/plain", "x", headers=(HeaderInput("Content-Transfer-Encoding", "Raw", " 7bit"),)),
        PartInput("text/plain", "x", headers=(HeaderInput("Content-Type", "Raw", " nonsense"),)),
    ],
)
def test_part_that_cannot_be_written_is_refused(part: PartInput) -> None:
    with pytest.raises(ValueError, match=r"."):
        message(part)


def test_stdlib_reads_what_is_written() -> None:
    data = message(
        PartInput("text/plain", "Grüße\n"),
        HeaderInput("Subject", "Text", "Re: Grüße aus dem Posthaus, und " + "noch viel mehr davon " * 5),
        HeaderInput("To", "Addresses", [{"name": "Böhm, Jürgen", "email": "j@example.org"}]),
    )
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert ("Re: Grüße aus dem Posthaus, und " + "noch viel mehr davon " * 5).strip() == parsed[
        "Subject"
    ].strip()
    assert "Böhm, Jürgen" == parsed["To"].addresses[0].display_name
    assert "Grüße\r\n" == parsed.get_content()
