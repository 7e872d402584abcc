"""DMARC: policies, and who stands for an author's domain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.proto.mailauth import dkim, dmarc, spf
from posthouse.proto.mailauth.dns import FAILED, Answer, Question
from wire.zone import Records, drive


def discover(name: str, records: Records) -> dmarc.Found:
    return drive(
        dmarc.discover(name), {(f"_dmarc.{at}", kind): found for (at, kind), found in records.items()}
    )


def judge(
    policy: str,
    author: str,
    *,
    at: str = "",
    mail_from: str = "pass nobody.example.com",
    signed: str = "",
    draw: int = 0,
) -> dmarc.Verdict:
    """Judge by words such as ``pass example.org``."""
    found = discover(author, {(at or author, "TXT"): [policy]})
    result, _, sender = mail_from.partition(" ")
    signatures = [
        dkim.Signed(result=each.partition(" ")[0], domain=each.partition(" ")[2])
        for each in filter(None, signed.split(","))
    ]
    return dmarc.judge(found, spf.Verdict(result, sender), signatures, draw)


@pytest.mark.parametrize(
    ("author", "authenticated", "mode", "expected"),
    [
        ("example.org", "example.org", "r", "pass"),
        ("example.org", "example.org", "s", "pass"),
        ("example.org", "news.example.org", "r", "pass"),
        ("example.org", "news.example.org", "s", "fail"),
        ("news.example.org", "example.org", "r", "pass"),
        ("news.example.org", "example.org", "s", "fail"),
        ("a.example.org", "b.example.org", "r", "pass"),
        ("a.example.org", "b.example.org", "s", "fail"),
        ("example.org", "example.com", "r", "fail"),
        ("example.org", "notexample.org", "r", "fail"),
        ("a.co.uk", "b.co.uk", "r", "fail"),
        ("x.a.co.uk", "y.a.co.uk", "r", "pass"),
        ("a.github.io", "b.github.io", "r", "fail"),
        ("a.github.io", "github.io", "r", "fail"),
        ("x.a.github.io", "a.github.io", "r", "pass"),
        ("xn--bcher-kva.example", "a.xn--bcher-kva.example", "r", "pass"),
    ],
)
def test_alignment(author: str, authenticated: str, mode: str, expected: str) -> None:
    """RFC 7489 §3.1, §3.2: by DKIM and by SPF alike."""
    policy = f"v=DMARC1; p=reject; adkim={mode}; aspf={mode}"
    assert expected == judge(policy, author, signed=f"pass {authenticated}").result
    assert expected == judge(policy, author, mail_from=f"pass {authenticated}").result
    assert expected == judge(policy, author, mail_from=f"pass {authenticated.upper()}.").result


def test_each_mode_is_for_its_own_method() -> None:
    policy = "v=DMARC1; p=reject; adkim=s"
    assert "fail" == judge(policy, "example.org", signed="pass a.example.org").result
    assert "pass" == judge(policy, "example.org", mail_from="pass a.example.org").result
    policy = "v=DMARC1; p=reject; aspf=s"
    assert "pass" == judge(policy, "example.org", signed="pass a.example.org").result
    assert "fail" == judge(policy, "example.org", mail_from="pass a.example.org").result


def test_one_aligned_signature_of_several_is_enough() -> None:
    assert (
        "pass"
        == judge(
            "v=DMARC1; p=reject", "example.org", signed="fail example.org,pass example.com,pass example.org"
        ).result
    )


@pytest.mark.parametrize("result", ["fail", "policy", "neutral", "permerror", "none"])
def test_only_a_pass_stands_for_an_author(result: str) -> None:
    found = judge(
        "v=DMARC1; p=reject", "example.org", signed=f"{result} example.org", mail_from="softfail example.org"
    )
    assert ("fail", "reject", "reject") == (found.result, found.policy, found.disposition)


@pytest.mark.parametrize(
    ("policy", "author", "at", "expected"),
    [
        ("p=reject", "example.org", "example.org", "reject"),
        ("p=reject", "a.b.example.org", "example.org", "reject"),
        ("p=reject; sp=none", "example.org", "example.org", "reject"),
        ("p=reject; sp=none", "a.example.org", "example.org", "none"),
        ("p=none; sp=quarantine", "a.example.org", "example.org", "quarantine"),
        ("p=none; sp=quarantine", "a.example.org", "a.example.org", "none"),
        ("p=Reject", "example.org", "example.org", "reject"),
        ("p=moo; rua=mailto:a@example.org", "example.org", "example.org", "none"),
        ("p=reject; sp=moo; rua=mailto:a@example.org", "example.org", "example.org", "none"),
        ("rua=mailto:a@example.org", "example.org", "example.org", "none"),
    ],
)
def test_the_policy_is_the_one_for_that_domain(policy: str, author: str, at: str, expected: str) -> None:
    """RFC 7489 §6.3, §6.6.3."""
    found = judge(f"v=DMARC1; {policy}", author, at=at)
    assert ("fail", expected) == (found.result, found.disposition)


@pytest.mark.parametrize(
    ("policy", "draw", "expected"),
    [
        ("p=reject; pct=30", 29, "reject"),
        ("p=reject; pct=30", 30, "quarantine"),
        ("p=quarantine; pct=30", 99, "none"),
        ("p=reject; pct=0", 0, "quarantine"),
        ("p=reject; pct=100", 99, "reject"),
        ("p=reject; pct=moo", 99, "reject"),
        ("p=reject; pct=999", 99, "reject"),
        ("p=reject; pct=-1", 99, "reject"),
        ("p=reject; pct=\u0663\u0660", 99, "reject"),
    ],
)
def test_a_policy_may_be_for_a_share_of_the_mail(policy: str, draw: int, expected: str) -> None:
    """RFC 7489 §6.6.4: the others get the next milder one."""
    assert expected == judge(f"v=DMARC1; {policy}", "example.org", draw=draw).disposition


@pytest.mark.parametrize(
    "records",
    [
        [],
        ["v=spf1 -all"],
        ["v=DMARC1"],
        ["v=DMARC1; p=moo"],
        ["v=DMARC1; p=reject; p=reject"],
        ["v=DMARC2; p=reject"],
        ["p=reject; v=DMARC1"],
        ["v=DMARC1; p=reject", "v=DMARC1; p=reject"],
        ["v=DMARC1; p=reject;" + "x" * 5000],
    ],
)
def test_without_one_good_record_there_is_no_policy(records: list[str]) -> None:
    found = discover("example.org", {("example.org", "TXT"): records})
    assert "none" == dmarc.judge(found, spf.Verdict("pass", "example.org"), []).result


def test_records_of_others_beside_the_policy_do_not_matter() -> None:
    records = ["v=spf1 -all", " v = DMARC1 ; p=reject", "moo"]
    assert (
        "fail"
        == dmarc.judge(
            discover("example.org", {("example.org", "TXT"): records}), spf.Verdict("fail"), []
        ).result
    )


def test_two_questions_at_most_are_asked() -> None:
    asked: list[Question] = []
    drive(dmarc.discover("a.b.c.d.example.co.uk"), {}, asked)
    assert ["_dmarc.a.b.c.d.example.co.uk", "_dmarc.example.co.uk"] == [each.name for each in asked]


def test_a_server_that_fails_is_a_temporary_error() -> None:
    failed: dict[tuple[str, str], Answer] = {("example.org", "TXT"): FAILED}
    found = dmarc.judge(discover("a.example.org", failed), spf.Verdict("pass", "a.example.org"), [])
    assert ("temperror", "none") == (found.result, found.disposition)


def test_who_may_yet_turn_out_to_stand_for_the_author_delays_the_judgement() -> None:
    assert "temperror" == judge("v=DMARC1; p=reject", "example.org", signed="temperror example.org").result
    assert "temperror" == judge("v=DMARC1; p=reject", "example.org", mail_from="temperror example.org").result
    assert "fail" == judge("v=DMARC1; p=reject", "example.org", signed="temperror example.com").result


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        ([["Example.ORG."]], "example.org"),
        ([["example.org", "EXAMPLE.org"]], "example.org"),
        ([["b\u00fccher.example"]], "xn--bcher-kva.example"),
        ([["example.org", "example.com"]], None),
        ([["example.org"], ["example.org"]], None),
        ([["example.org", ""]], None),
        ([["exa mple.org"]], None),
        ([[]], None),
        ([], None),
    ],
)
def test_a_message_has_one_author_domain_or_is_an_error(
    domains: list[list[str]], expected: str | None
) -> None:
    """RFC 7489 §6.6.1."""
    assert expected == dmarc.author(domains)


def test_without_an_author_domain_it_is_a_permanent_error() -> None:
    assert "permerror" == dmarc.judge(None, spf.Verdict("pass", "example.org"), []).result


@given(st.text("v=DMARC1;psct rejquan\u0663%0", max_size=80))
def test_any_text_is_a_policy_or_none(text: str) -> None:
    for record in (text, f"v=DMARC1; p=none; {text}"):
        found = dmarc.read_record(record)
        assert found is None or 0 <= found.percent <= 100
