"""Addresses in the envelope (RFC 5321 §4.1.2)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.smtp.address import Address, PathError, read_forward_path, read_reverse_path


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("<a@b>", Address("a", "b")),
        ("<a.b+c=d@e.example>", Address("a.b+c=d", "e.example")),
        ('<"a b\\"\\\\c"@d.example>', Address('a b"\\c', "d.example")),
        ('<"plain"@d.example>', Address("plain", "d.example")),
        ('<""@d.example>', Address("", "d.example")),
        ('<">@x"@d.example>', Address(">@x", "d.example")),
        ("<a@[192.0.2.1]>", Address("a", "[192.0.2.1]")),
        ("<a@[IPv6:2001:db8::1]>", Address("a", "[IPv6:2001:db8::1]")),
        ("<@x.example,@y.example:a@b.example>", Address("a", "b.example")),
        ("<grå@bücher.example>", Address("grå", "bücher.example")),
        ("<Postmaster>", Address("Postmaster", "")),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert (address, " REST") == read_forward_path(f"{text} REST")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a@b",
        "<a@b",
        "<a>",
        "<@b>",
        "<a@>",
        "<a..b@c>",
        "<.a@c>",
        "<a.@c>",
        "<a b@c>",
        "<a@b c>",
        "<a@b..c>",
        "<a@-b>",
        "<a@b->",
        "<a@b-.c>",
        "<a@b.c.>",
        "<a@[192.0.2.256]>",
        "<a@[IPv6:1]>",
        "<a@[x]>",
        '<"a"b@c>',
        '<"a@c>',
        '<"a\x01"@c>',
        "<a\x00@b>",
        "<a\x7f@b>",
        "<a\x85@b>",
        "<a@" + "x" * 64 + ">",
        "<a@" + "x." * 128 + "x>",
        "<" + "x" * 256 + "@b>",
        "<@x.example:>",
        "<a@b><c@d>"[1:],
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        read_forward_path(text)


def test_only_a_sender_may_be_nobody() -> None:
    assert (None, "") == read_reverse_path("<>")
    with pytest.raises(PathError):
        read_forward_path("<>")


def test_only_a_recipient_may_be_the_postmaster_without_a_domain() -> None:
    with pytest.raises(PathError):
        read_reverse_path("<postmaster>")


@given(
    st.text(
        st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs", "Cc"]),
        max_size=50,
    )
)
def test_what_is_written_is_read_again(local: str) -> None:
    address = Address(local, "b.example")
    assert (address, "") == read_forward_path(f"<{address}>")


@given(st.text(max_size=300))
def test_nothing_raises_another_error(text: str) -> None:
    for given_text in (text, f"<{text}>", f"<{text}@b.example>"):
        with contextlib.suppress(PathError):
            read_reverse_path(given_text)
