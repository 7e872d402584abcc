"""DKIM signatures: the shared vectors, and what hostile senders make of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.mailauth import dkim, key, signing
from posthouse.proto.mailauth.dns import FAILED, Question
from posthouse.proto.mailauth.letter import Letter
from wire.zone import CORPUS, Records, drive, vector

VECTORS = sorted((CORPUS / "dkim").glob("*.txt"))
RECORDED = 1_667_843_664  # when the vectors were signed: one of them expires
NOW = 1_795_000_000
MESSAGE = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: Letters\r\n\r\nGood  day. \r\n\r\n\r\n"
)
KEY = key.generate("rsa-sha256", "example.org", "one")
EDWARDS = key.generate("ed25519-sha256", "example.org", "two")
KEYS: Records = {(each.name, "TXT"): [each.record()] for each in (KEY, EDWARDS)}


def results(message: bytes, records: Records = KEYS, now: int = NOW) -> list[dkim.Signed]:
    return [drive(check, records) for check in dkim.check_all(Letter(message), now)]


def result(message: bytes, records: Records = KEYS, now: int = NOW) -> tuple[str, str]:
    [found] = results(message, records, now)
    return found.result, found.reason


def sign(more: dict[str, str], message: bytes = MESSAGE, signed: str = "from:to:subject") -> bytes:
    """Sign with tags of our choice, which our own signing would not write."""
    tags = {"v": "1", "a": KEY.algorithm, "c": "relaxed/relaxed", "d": "example.org", "s": "one"} | more
    tags = {name: value for name, value in tags.items() if value}
    field = signing.sign_message(Letter(message), "DKIM-Signature", tags, KEY, signed.split(":"))
    return field.raw + message


@pytest.mark.skipif(not VECTORS, reason="../shared/corpus/dkim is absent")
def test_the_vectors_are_there() -> None:
    assert 6 == len(VECTORS)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_vectors_pass(path: Path) -> None:
    records, message = vector(path)
    found = results(message, records, RECORDED)
    assert found
    assert {"pass"} == {each.result for each in found}


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_changed_vector_fails(path: Path) -> None:
    records, message = vector(path)
    assert {"fail"} == {each.result for each in results(message.rstrip() + b"!\n", records, RECORDED)}
    head, mark, tail = message.partition(b"\nSubject:")
    assert {"fail"} == {each.result for each in results(head + mark + b" Re:" + tail, records, RECORDED)}


def test_a_signature_says_who_signed() -> None:
    [found] = results(sign({}))
    assert ("example.org", "one", "rsa-sha256") == (found.domain, found.selector, found.algorithm)
    assert 8 == len(found.start)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"v": "2"}, ("neutral", "unknown version")),
        ({"v": ""}, ("neutral", "a required tag is missing")),
        ({"a": "rsa-sha1"}, ("permerror", "unsupported algorithm")),
        ({"a": "ed25519-sha256"}, ("permerror", "the key is of another kind")),
        ({"c": "nofws"}, ("neutral", "unknown canonicalization")),
        ({"q": "dns/x"}, ("neutral", "unknown query method")),
        ({"q": "x : dns/txt"}, ("pass", "")),
        ({"i": "@news.example.org"}, ("pass", "")),
        ({"i": "ann@example.com"}, ("neutral", "the identity is not of the signing domain")),
        ({"i": "ann@notexample.org"}, ("neutral", "the identity is not of the signing domain")),
        ({"d": "example..org"}, ("neutral", "malformed domain or selector")),
        ({"s": "none"}, ("permerror", "no key")),
        ({"t": "x"}, ("neutral", "malformed number")),
        ({"t": str(NOW), "x": str(NOW)}, ("neutral", "expired before it was made")),
        ({"x": str(NOW - 1)}, ("policy", "expired")),
        ({"x": str(NOW)}, ("pass", "")),
        ({"l": "-1"}, ("neutral", "malformed number")),
        ({"l": "1"}, ("policy", "part of the body is not signed")),
        ({"l": "11"}, ("pass", "")),
        ({"l": "9" * 76}, ("fail", "the body is shorter than signed")),
        ({"l": "9" * 77}, ("neutral", "malformed number")),
        ({"z": "From:x|To:y"}, ("pass", "")),
        ({"d": "EXAMPLE.org."}, ("pass", "")),
    ],
)
def test_tags_are_held_to_the_standard(tags: dict[str, str], expected: tuple[str, str]) -> None:
    """RFC 6376 §3.5, §6.1.1."""
    assert expected == result(sign(tags))


def test_from_must_be_signed() -> None:
    assert ("neutral", "From is not signed") == result(sign({}, signed="to:subject"))


def test_a_second_from_voids_a_signature_of_one() -> None:
    """RFC 6376 §8.15."""
    signed = sign({})
    assert ("permerror", "more than one From") == result(b"From: eve@example.com\r\n" + signed)


def test_a_tag_that_stands_twice_voids_the_signature() -> None:
    assert ("neutral", "a tag stands twice") == result(sign({}).replace(b"v=1;", b"v=1; v=1;"))


def test_a_header_with_a_stray_line_voids_signatures() -> None:
    """What is shown of it may end at that line, with another From above it."""
    assert ("permerror", "malformed header") == result(b"From: eve@example.com\r\nstray\r\n" + sign({}))


def test_a_key_for_its_very_domain_is_good_for_no_other_identity() -> None:
    """RFC 6376 §3.6.1, flag s."""
    records = {(KEY.name, "TXT"): [KEY.record() + "; t=s"]}
    assert ("pass", "") == result(sign({}), records)
    assert ("permerror", "the key is not for this identity") == result(sign({"i": "@a.example.org"}), records)


def test_a_key_that_the_dns_does_not_give_is_a_temporary_error() -> None:
    assert ("temperror", "no answer for the key") == result(sign({}), {(KEY.name, "TXT"): FAILED})


def test_a_domain_in_letters_of_its_language_is_asked_in_ascii() -> None:
    """RFC 8616 §4."""
    asked: list[Question] = []
    message = sign({}).replace(b"d=example.org", "d=b\u00fccher.example".encode())
    for check in dkim.check_all(Letter(message), NOW):
        drive(check, {}, asked)
    assert [Question("one._domainkey.xn--bcher-kva.example", "TXT")] == asked


@pytest.mark.parametrize("form", ["simple/simple", "simple/relaxed", "relaxed", "relaxed/simple"])
def test_each_form_is_told_apart(form: str) -> None:
    """A signature made in the relaxed form holds in another only where the message is the same in both."""
    signed = signing.sign(Letter(MESSAGE), [KEY], NOW).replace(b"relaxed/relaxed", form.encode()) + MESSAGE
    assert "fail" == result(signed)[0]


def test_only_so_many_signatures_are_looked_at() -> None:
    message = signing.sign(Letter(MESSAGE), [EDWARDS], NOW) * 3000 + MESSAGE
    assert dkim.MAX_SIGNATURES == len(dkim.check_all(Letter(message), NOW))


def test_a_giant_signature_is_not_read() -> None:
    message = sign({}).replace(b"v=1;", b"v=1; n=" + b"x" * dkim.MAX_SIGNATURE + b";")
    assert ("neutral", "malformed signature") == result(message)


@given(
    st.lists(
        st.sampled_from(
            [
                b"v=1",
                b"a=rsa-sha256",
                b"d=example.org",
                b"s=one",
                b"h=from",
                b"bh=",
                b"b=AA==",
                b"l=3",
                b";",
                b" ",
                b"\xff",
                b"\r\n\t",
                b"=",
                b"i=@",
                b"c=relaxed",
                b"x=1",
            ]
        ),
        max_size=24,
    ).map(b"".join)
)
def test_any_signature_has_a_result(value: bytes) -> None:
    for found in results(b"DKIM-Signature:" + value + b"\r\n" + MESSAGE):
        assert found.result in {"fail", "policy", "neutral", "permerror"}
        assert found.reason
