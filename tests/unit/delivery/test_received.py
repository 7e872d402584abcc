"""What is put before a message, and what of its header is not believed."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.delivery.received import Envelope, Header, trace
from posthouse.formats import mime

NOW = 1_700_000_000.0
DATE = "Tue, 14 Nov 2023 22:13:20 +0000"


def envelope(**values: object) -> Envelope:
    plain: dict[str, object] = {
        "mail_from": "ann@far.example",
        "helo": "mx.far.example",
        "peer": ip_address("192.0.2.1"),
        "protocol": "ESMTPS",
    }
    return Envelope(**(plain | values))  # type: ignore[arg-type]


def test_one_recipient_is_named_in_the_fields() -> None:
    written = trace(
        envelope(), "mx.near.example", "x1", ["ben@near.example"], NOW, b"Authentication-Results: y\r\n"
    )
    assert (
        "Return-Path: <ann@far.example>\r\n"
        "Delivered-To: ben@near.example\r\n"
        "Authentication-Results: y\r\n"
        "Received: from mx.far.example ([192.0.2.1])\r\n"
        "\tby mx.near.example with ESMTPS id x1\r\n"
        "\tfor <ben@near.example>;\r\n"
        f"\t{DATE}\r\n"
    ) == written.decode()


def test_of_several_none_is_named() -> None:
    written = trace(envelope(mail_from=""), "mx.near.example", "x1", ["a@b.example", "c@b.example"], NOW)
    assert (
        "Return-Path: <>\r\nReceived: from mx.far.example ([192.0.2.1])\r\n"
        f"\tby mx.near.example with ESMTPS id x1;\r\n\t{DATE}\r\n"
    ) == written.decode()


@pytest.mark.parametrize(
    ("helo", "peer", "origin"),
    [
        ("mx.far.example", "2001:db8::1", "mx.far.example ([IPv6:2001:db8::1])"),
        ("mx.far.example", "::ffff:192.0.2.1", "mx.far.example ([192.0.2.1])"),
        ("[192.0.2.7]", "192.0.2.1", "[192.0.2.7] ([192.0.2.1])"),
        ("bücher.example", "192.0.2.1", "bücher.example ([192.0.2.1])"),
        ("", "192.0.2.1", "[192.0.2.1] ([192.0.2.1])"),
        ("a) by evil (b", "192.0.2.1", "[192.0.2.1] ([192.0.2.1])"),
        ("mx.far.example", None, "mx.far.example"),
        ("\r\nX: y", None, "localhost"),
    ],
)
def test_where_it_came_from_is_what_we_saw_and_what_was_said(
    helo: str, peer: str | None, origin: str
) -> None:
    come = envelope(helo=helo, peer=None if peer is None else ip_address(peer))
    written = trace(come, "mx.near.example", "x1", ["a", "b"], NOW).decode()
    assert f"\r\nReceived: from {origin}\r\n" in written


MESSAGE = (
    b"Return-Path: <forged@x>\r\n"
    b"Received: a\r\n\tb\r\nreceived : c\r\n"
    b"AUTHENTICATION-results: mx.near.example;\r\n dmarc=pass\r\n"
    b"Authentication-Results: mx.far.example; dmarc=fail\r\n"
    b"Delivered-To: <Ben@near.example>\r\nDelivered-To: other@x\r\n"
    b"return-path: z\r\n a\r\n"
    b"Subject: Received: d\r\n"
    b"\r\n"
    b"Received: not a field\r\nReturn-Path: nor this\r\n"
)


def test_hops_and_former_recipients_are_read_from_the_header_alone() -> None:
    header = Header(MESSAGE)
    assert 2 == header.hops
    assert {"ben@near.example", "other@x"} == header.delivered_to()


def test_what_only_we_may_say_is_taken_out_and_the_rest_stays_as_it_was() -> None:
    assert (
        b"Received: a\r\n\tb\r\nreceived : c\r\n"
        b"Authentication-Results: mx.far.example; dmarc=fail\r\n"
        b"Delivered-To: <Ben@near.example>\r\nDelivered-To: other@x\r\n"
        b"Subject: Received: d\r\n"
        b"\r\n"
        b"Received: not a field\r\nReturn-Path: nor this\r\n"
    ) == Header(MESSAGE).without_forged("mx.near.example")


def test_a_trusted_mta_may_speak_in_our_name() -> None:
    assert b"AUTHENTICATION-results: mx.near.example" in Header(MESSAGE).without_forged(None)


def test_a_plain_message_is_not_even_copied() -> None:
    data = b"Subject: x\r\nTo: y\r\n\r\nbody\r\n"
    assert Header(data).without_forged("mx.near.example") is data


@pytest.mark.parametrize("start", [b" dmarc=pass", b"\t;x", b"\r\nBody", b""])
def test_nothing_goes_on_with_a_field_of_ours(start: bytes) -> None:
    fields = trace(envelope(), "mx.near.example", "x1", ["a@b.example"], NOW)
    whole = fields + Header(start + b"\r\nSubject: x\r\n\r\n").without_forged("mx.near.example")
    received = [field.raw for field in mime.parse(whole).headers if field.name == "Received"]
    assert [DATE] == [raw.rpartition("\t")[2] for raw in received]


@given(st.binary(max_size=200), st.sampled_from([b"", b"Return-Path: x\r\n", b"Received: x\r\n"]))
def test_any_bytes_are_a_message(data: bytes, before: bytes) -> None:
    header = Header(before + data)
    header.delivered_to()
    kept = header.without_forged("mx.near.example")
    assert kept[:1] not in (b" ", b"\t")
    assert not re.match(rb"(?i)return-path:[^\n]*\n", kept)


@given(st.text(max_size=400), st.text(max_size=40), st.text(max_size=40))
def test_no_text_of_a_stranger_ends_a_field(mail_from: str, helo: str, recipient: str) -> None:
    written = trace(envelope(mail_from=mail_from, helo=helo), "mx.near.example", "x1", [recipient], NOW)
    names = [field.name for field in mime.parse(written + b"\r\n").headers]
    assert names in (["Return-Path", "Received"], ["Return-Path", "Delivered-To", "Received"])
