"""Authentication-Results: written, and removed where they claim to be ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.mailauth import arc, dkim, dmarc, results, spf
from posthouse.proto.mailauth.letter import Letter
from posthouse.proto.mailauth.results import Results

US = "mx.example.net"


def found(sender: str = "ann@example.org", **changed: object) -> Results:
    values: dict[str, object] = {
        "sender": sender,
        "mail_from": spf.Verdict("pass", "example.org"),
        "helo": None,
        "signatures": (),
        "author": dmarc.Verdict("none", "example.org"),
        "chain": arc.Chain("none"),
    }
    return Results(**(values | changed))  # type: ignore[arg-type]


def test_all_that_was_found_is_written() -> None:
    signatures = (
        dkim.Signed(
            result="pass", domain="example.org", selector="one", algorithm="rsa-sha256", start="Ab+/12=="
        ),
        dkim.Signed(result="neutral", reason="malformed signature"),
    )
    field = results.write_field(
        US,
        found(
            helo=spf.Verdict("none", "MX.example.org"),
            signatures=signatures,
            author=dmarc.Verdict("fail", "example.org", "reject", "quarantine"),
            chain=arc.Chain("fail", "seal 1 does not match"),
        ),
    )
    assert (
        b"Authentication-Results: mx.example.net;\r\n"
        b'\tdkim=pass\r\n\t header.d=example.org header.s=one header.a=rsa-sha256 header.b="Ab+/12==";\r\n'
        b"\tdkim=neutral (malformed signature);\r\n"
        b"\tspf=none smtp.helo=mx.example.org;\r\n"
        b"\tspf=pass smtp.mailfrom=ann@example.org;\r\n"
        b"\tdmarc=fail (p=reject dis=quarantine) header.from=example.org;\r\n"
        b"\tarc=fail (seal 1 does not match)\r\n"
    ) == field


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("ann@Example.org", "ann@example.org"),
        ('"a;b"@example.org', '"a;b"@example.org'),
        ("a b)(\r\nX: y@example.org", '"a b)(X: y"@example.org'),
        ("ann", '"ann"'),
        ("@example.org", "example.org"),
        ('x@y"; dmarc=pass', '"x@y; dmarc=pass"'),
        ("j\u00fcrgen@b\u00fccher.example", '"j\u00fcrgen"@xn--bcher-kva.example'),
        ("x" * 999 + "@example.org", '"' + "x" * 256 + '"@example.org'),
    ],
)
def test_a_sender_can_not_write_results(sender: str, expected: str) -> None:
    assert f"spf=pass smtp.mailfrom={expected};" in results.write_value(US, found(sender))


@given(sender=st.text(max_size=60), helo=st.text(max_size=60))
def test_any_sender_leaves_one_field(sender: str, helo: str) -> None:
    field = results.write_field(US, found(sender, helo=spf.Verdict("none", helo)))
    letter = Letter(field + b"\r\n")
    assert letter.is_sound
    assert 1 == len(letter.fields)
    assert (
        4
        == sum(
            line.startswith((b"\tdkim=", b"\tspf=", b"\tdmarc=", b"\tarc=")) for line in field.split(b"\r\n")
        )
        - 1
    )


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.net; spf=pass",
        "MX.Example.NET; spf=pass",
        "mx.example.net. 1; spf=pass",
        "\r\n\tmx.example.net\r\n ; spf=pass",
        "(comment (nested \\) ) mx.example.com) mx.example.net; spf=pass",
        '"mx.example.net"; spf=pass',
        '"mx\\.example.net" 1; spf=pass',
        '" mx.example.net"; spf=pass',
        "mx.example.net(comment) 1; spf=pass",
        "mx.example.net",
        "",
        "; spf=pass",
        "(never closed mx.example.com; spf=pass",
        '"never closed; spf=pass',
        "spf=pass smtp.mailfrom=x",
        "\ufffd",
    ],
)
def test_a_field_that_claims_to_be_ours_goes(value: str) -> None:
    """RFC 8601 §5."""
    letter = Letter(f"A: b\r\naUthentication-results : {value}\r\nC: d\r\n\r\n".encode())
    assert b"A: b\r\nC: d\r\n" == results.without_claims(letter, US)


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.com; spf=pass",
        "(mx.example.net) mx.example.com; x",
        "mx.example.net.example.com; x",
        "localhost; x",
        "example.net; x",
    ],
)
def test_the_fields_of_others_stay(value: str) -> None:
    head = (
        f"Authentication-Results: {value}\r\nARC-Authentication-Results: i=1; mx.example.net; x\r\n".encode()
    )
    assert head == results.without_claims(Letter(head + b"\r\n"), US)


@given(st.text('()\\"; mx.example.net\r\n\t', max_size=80))
def test_any_field_stays_or_goes(value: str) -> None:
    letter = Letter(b"Authentication-Results: " + value.encode() + b"\r\n\r\n")
    assert letter.fields[0].raw.startswith(results.without_claims(letter, US)[:8])


def test_deep_comments_take_no_long_time() -> None:
    letter = Letter(b"Authentication-Results: " + b"(" * 400_000 + b"\r\n\r\n")
    assert b"" == results.without_claims(letter, US)
