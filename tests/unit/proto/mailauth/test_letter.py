"""Messages as signatures see them."""

from __future__ import annotations

import mmap
import tempfile
from hashlib import sha256

import pytest
from dkim.canonicalization import CanonicalizationPolicy
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.mailauth import letter
from posthouse.proto.mailauth.letter import Digest, Letter

EXAMPLE = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n"


def digest(body: bytes) -> Digest:
    return Digest(sha256(body).digest(), len(body))


def test_the_example_in_relaxed_form() -> None:
    """RFC 6376 §3.4.5."""
    read = Letter(EXAMPLE)
    assert [b"a:X\r\n", b"b:Y Z\r\n"] == [field.relaxed() for field in read.fields]
    assert digest(b" C\r\nD E\r\n") == read.body(relaxed=True)


def test_the_example_in_simple_form() -> None:
    """RFC 6376 §3.4.5."""
    read = Letter(EXAMPLE)
    assert [b"A: X\r\n", b"B : Y\t\r\n\tZ  \r\n"] == [field.raw for field in read.fields]
    assert digest(b" C \r\nD \t E\r\n") == read.body(relaxed=False)


@pytest.mark.parametrize(
    "message", [b"", b"\r\n", b"\n", b"A: b\r\n", b"A: b\r\n\r\n", b"A: b\r\n\r\n\r\n\r\n"]
)
def test_an_empty_body_is_one_line_break_or_nothing(message: bytes) -> None:
    """RFC 6376 §3.4.3, §3.4.4."""
    assert digest(b"\r\n") == Letter(message).body(relaxed=False)
    assert digest(b"") == Letter(message).body(relaxed=True)


@given(
    st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\n", b"\r", b"\x0b"]), max_size=40).map(b"".join)
)
def test_bodies_are_as_another_library_has_them(body: bytes) -> None:
    """But for bodies without any line break at the end in relaxed form, where it forgets to add one."""
    whole = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if whole and not whole.endswith(b"\r\n"):
        whole += b"\r\n"
    read = Letter(b"A: b\r\n\r\n" + body)
    for relaxed, name in ((False, b"simple/simple"), (True, b"relaxed/relaxed")):
        expected = CanonicalizationPolicy.from_c_value(name).canonicalize_body(whole)
        assert digest(b"" if relaxed and expected == b"\r\n" else expected) == read.body(relaxed)


@given(
    st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\n", b"\r"]), max_size=60).map(b"".join),
    st.integers(1, 9),
)
def test_it_is_the_same_in_pieces(body: bytes, size: int) -> None:
    whole = Letter(b"\r\n" + body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letter, "_CHUNK", size)
        for relaxed in (False, True):
            pieces = Letter(b"\r\n" + body).body(relaxed)
            patch.undo()
            assert whole.body(relaxed) == pieces
            patch.setattr(letter, "_CHUNK", size)


def test_a_message_may_lie_in_a_file() -> None:
    data = b"From: a@example.org\r\n\r\n" + b"line\r\n" * 400_000
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            read = Letter(mapped)
            assert Letter(data).body(relaxed=True) == read.body(relaxed=True)
            assert ["from"] == [field.name for field in read.fields]
            assert len(data) == read.size


@pytest.mark.parametrize(
    "message",
    [
        b"no colon\r\nFrom: a@example.org\r\n\r\n",
        b" begins with space\r\nFrom: a@example.org\r\n\r\n",
        b"From: a@example.org\r\nstray\r\n\r\n",
        b"From someone Mon Nov 23\r\nFrom: a@example.org\r\n\r\n",
        b"A: b\r\n" * 10_001 + b"\r\n",
        b"A: " + b"b" * letter.MAX_HEADER + b"\r\n\r\n",
        b"A\x80: b\r\n\r\n",
    ],
)
def test_a_header_that_is_not_just_fields_is_unsound(message: bytes) -> None:
    assert not Letter(message).is_sound


def test_bare_line_feeds_hide_no_field() -> None:
    read = Letter(b"Subject: x\nFrom: eve@example.com\r\nfrom : ann@example.org\r\n\r\nbody")
    assert ["subject", "from", "from"] == [field.name for field in read.fields]
    assert read.is_sound


def test_fields_are_selected_from_below_and_once() -> None:
    """RFC 6376 §5.4.2."""
    read = Letter(b"A: 1\r\nB: 2\r\nA: 3\r\n\r\n")
    assert [b"A: 3\r\n", b"A: 1\r\n", b"B: 2\r\n"] == [
        field.raw for field in read.select(["a", "c", "a", "a", "b", "b"])
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"X: v=1; b=abc\r\n\td; bh=e", b"X: v=1; b=; bh=e\r\n"),
        (b"X: b=abc; bh=b=", b"X: b=; bh=b=\r\n"),
        (b"X: bh=x; \r\n\tb = abc", b"X: bh=x; \r\n\tb =\r\n"),
        (b"X: v=1", b"X: v=1\r\n"),
    ],
)
def test_a_signature_signs_itself_without_its_value(field: bytes, expected: bytes) -> None:
    """RFC 6376 §3.5: b= may be folded, and stand anywhere."""
    [found] = Letter(field + b"\r\n\r\n").fields
    assert expected.removesuffix(b"\r\n") == found.without_b().raw.removesuffix(b"\r\n")


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message(data: bytes) -> None:
    read = Letter(data)
    assert (
        b"".join(field.raw for field in read.fields) in letter.with_crlf(data) + b"\r\n" or not read.is_sound
    )
    assert read.body(relaxed=True).length <= 2 * len(data) + 2


@pytest.mark.parametrize(
    "piece", [b" ", b"\t", b" \t", b"\r", b"\r\n", b"\n", b"\n ", b"a:", b":", b"\r\n\t", b"x"]
)
def test_long_runs_take_no_long_time(piece: bytes) -> None:
    """A quadratic step would run into the time limit of all tests."""
    run = piece * (1_000_000 // len(piece))
    for data in (run, b"A: b" + run, b"A: b\r\n\r\n" + run, b"DKIM-Signature: b" + run + b"\r\n\r\n"):
        read = Letter(data)
        read.body(relaxed=True)
        read.body(relaxed=False)
        for field in read.fields[:10]:
            field.without_b().relaxed()
