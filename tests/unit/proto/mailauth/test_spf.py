"""SPF beyond the suite: limits, macros, explanations, and records nobody should write."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.mailauth import spf, spfrecord
from posthouse.proto.mailauth.dns import FAILED, Question
from wire.zone import Records, drive

V4 = "192.0.2.3"
V6 = "2001:db8::cb01"
SENDER = "strong-bad@email.example.com"
SPECS = st.text("abv.:/=%{}-_+?~ 0123456789sldipr", max_size=60)


def check(
    record: str, address: str = V4, more: Records | None = None, *, sender: str = SENDER
) -> spf.Verdict:
    records = {("email.example.com", "TXT"): [record], **(more or {})}
    return drive(spf.check(ip_address(address), "email.example.com", sender, "mx.example.org"), records)


def expanded(macro: str, address: str = V4) -> str:
    """Expand a macro by asking for what it makes."""
    asked: list[Question] = []
    records = {
        ("email.example.com", "TXT"): [f"v=spf1 exists:{macro} -all"],
        ("3.2.0.192.in-addr.arpa", "PTR"): ["mx.example.org"],
        ("mx.example.org", "A"): [V4],
    }
    drive(spf.check(ip_address(address), "email.example.com", SENDER, "mx.example.org"), records, asked)
    return asked[-1].name


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ("%{s}.t", "strong-bad@email.example.com.t"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}.t", "com.t"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}.t", "strong-bad.t"),
        ("%{l-}.t", "strong.bad.t"),
        ("%{lr}.t", "strong-bad.t"),
        ("%{lr-}.t", "bad.strong.t"),
        ("%{l1r-}.t", "strong.t"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{h}", "mx.example.org"),
        ("%{p}", "mx.example.org"),
        ("a%%b%_c%-d.t", "a%b c%20d.t"),
        ("%{S}.t", "strong-bad%40email.example.com.t"),
    ],
)
def test_macros_are_expanded(macro: str, expected: str) -> None:
    """RFC 7208 §7.4."""
    assert expected == expanded(macro)


def test_the_address_in_a_macro_may_be_of_ipv6() -> None:
    """RFC 7208 §7.4."""
    assert (
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
        == expanded("%{ir}.%{v}._spf.%{d2}", V6).lower()
    )


def test_a_name_that_gets_too_long_loses_labels_on_the_left() -> None:
    """RFC 7208 §7.3."""
    name = expanded(".".join(["%{d}"] * 20))
    assert 253 >= len(name) > 230
    assert name.endswith("com.email.example.com")


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 a:",
        "v=spf1 a:example",
        "v=spf1 a:example.1",
        "v=spf1 a:example.-com",
        "v=spf1 a/33",
        "v=spf1 a//129",
        "v=spf1 a/032",
        "v=spf1 ip4:192.0.2.3/33",
        "v=spf1 ip4:192.0.2",
        "v=spf1 ip4:2001:db8::1",
        "v=spf1 ip6:192.0.2.3",
        "v=spf1 ip6:fe80::1%eth0",
        "v=spf1 all:example.com",
        "v=spf1 include",
        "v=spf1 exists",
        "v=spf1 ptr/24",
        "v=spf1 moo",
        "v=spf1 exists:%{d0}.example.com",
        "v=spf1 exists:%{c}.example.com",
        "v=spf1 exists:%d.example.com",
        "v=spf1 redirect=example.com redirect=example.com",
        "v=spf1 exp=example.com exp=example.com",
        "v=spf1 x-note=%{z}",
        "v=spf1 a:example.com\u00e9 -all",
        "v=spf1 +all\tmx",
        "v=spf1 " + "a" * 9000,
    ],
)
def test_an_error_anywhere_in_a_record_is_permanent(record: str) -> None:
    assert "permerror" == check(f"{record}").result
    if len(record) < 1000:
        assert "permerror" == check(f"v=spf1 +all {record[7:]}").result


def test_unknown_modifiers_are_passed_over() -> None:
    assert "pass" == check("v=spf1 x.note-1=what_%{d}_ever +all").result


def test_ten_terms_may_ask_and_the_eleventh_is_an_error() -> None:
    hosts = {(f"h{n}.example.net", "A"): ["198.51.100.1"] for n in range(11)}
    terms = [f"a:h{n}.example.net" for n in range(11)]
    assert "fail" == check(f"v=spf1 {' '.join(terms[:10])} -all", more=hosts).result
    assert "permerror" == check(f"v=spf1 {' '.join(terms)} -all", more=hosts).result


def test_two_answers_may_be_empty_and_the_third_is_an_error() -> None:
    assert "fail" == check("v=spf1 a:x.example.net a:y.example.net -all").result
    assert "permerror" == check("v=spf1 a:x.example.net a:y.example.net a:z.example.net -all").result


def test_records_that_include_each_other_end() -> None:
    asked: list[Question] = []
    records = {
        ("a.example.org", "TXT"): ["v=spf1 include:b.example.org include:b.example.org"],
        ("b.example.org", "TXT"): ["v=spf1 include:a.example.org redirect=a.example.org"],
    }
    found = drive(spf.check(ip_address(V4), "a.example.org", "x@a.example.org", "h"), records, asked)
    assert "permerror" == found.result
    assert 11 == len(asked)


def test_no_record_makes_many_questions() -> None:
    """Ten times ``mx`` with ten hosts each, and every host without an address, ends at the third of them."""
    asked: list[Question] = []
    records = {
        ("example.org", "TXT"): ["v=spf1 " + " ".join(f"mx:m{n}.example.org" for n in range(10))],
        **{(f"m{n}.example.org", "MX"): [f"h{n}-{k}.example.org" for k in range(10)] for n in range(10)},
        **{(f"h{n}-{k}.example.org", "A"): ["198.51.100.1"] for n in range(10) for k in range(10)},
    }
    found = drive(spf.check(ip_address(V4), "example.org", "x@example.org", "h"), records, asked)
    assert "neutral" == found.result
    assert 1 + 10 + 100 == len(asked)


def test_a_server_that_fails_is_a_temporary_error() -> None:
    assert (
        "temperror"
        == check("v=spf1 mx:broken.example.org -all", more={("broken.example.org", "MX"): FAILED}).result
    )


def test_a_failing_question_about_names_is_no_error() -> None:
    """RFC 7208 §5.5."""
    assert "fail" == check("v=spf1 ptr -all", more={("3.2.0.192.in-addr.arpa", "PTR"): FAILED}).result


@pytest.mark.parametrize("address", [V4, f"::ffff:{V4}"])
def test_a_mapped_address_is_one_of_ipv4(address: str) -> None:
    assert "pass" == check(f"v=spf1 ip4:{V4} -all", address).result
    assert "pass" == check(f"v=spf1 ip6:::ffff:{V4} -all", address).result
    assert "pass" == check("v=spf1 a -all", address, {("email.example.com", "A"): [V4]}).result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See http://%{d}/why?i=%{i}&t=%{t}", "See http://email.example.com/why?i=192.0.2.3&t=0"),
        ("%{c} at %{r}", "192.0.2.3 at unknown"),
        ("not %{x}", ""),
        ("no line\nbreaks", ""),
        ("caf\u00e9", ""),
        ("x" * 600, "x" * 500),
    ],
)
def test_an_explanation_is_printable_or_not_there(text: str, expected: str) -> None:
    found = check("v=spf1 -all exp=why.example.com", more={("why.example.com", "TXT"): [text]})
    assert ("fail", expected) == (found.result, found.explanation)


@pytest.mark.parametrize(
    "domain",
    ["", ".", "localhost", "a..example.org", "x" * 64 + ".org", "[192.0.2.3]", "\u00ff\ufffd.\u2026"],
)
def test_what_is_no_domain_has_no_result(domain: str) -> None:
    asked: list[Question] = []
    assert "none" == drive(spf.check(ip_address(V4), domain, f"x@{domain}", domain), {}, asked).result
    assert [] == asked


def test_a_domain_in_letters_of_its_language_is_asked_in_ascii() -> None:
    records = {("xn--bcher-kva.example", "TXT"): ["v=spf1 +all"]}
    assert (
        "pass"
        == drive(
            spf.check(ip_address(V4), "B\u00fccher.example", "x@b\u00fccher.example", "h"), records
        ).result
    )


@given(terms=st.lists(SPECS, max_size=6), exp=SPECS, address=st.ip_addresses(), sender=st.text(max_size=40))
def test_no_record_makes_it_raise_or_ask_without_end(
    terms: list[str], exp: str, address: spf.Address, sender: str
) -> None:
    asked: list[Question] = []
    record = " ".join(["v=spf1", *terms, f"exp={exp}"])

    check = spf.check(address, "example.org", sender, "h.example.org")
    found = drive(check, {("example.org", "TXT"): [record]}, asked)
    assert found.result in {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"}
    assert len(asked) < 40
    for question in asked:
        assert len(question.name) <= 253
        assert all(1 <= len(label) <= 63 for label in question.name.split("."))


@given(st.text(max_size=200))
def test_any_text_is_a_record_or_refused(text: str) -> None:
    try:
        record = spfrecord.parse(f"v=spf1 {text}")
    except spfrecord.BadRecord:
        return
    assert isinstance(record.directives, tuple)
