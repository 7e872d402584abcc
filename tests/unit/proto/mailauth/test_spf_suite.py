"""The RFC 7208 test suite of the shared corpus, case by case.

In its zones an ``mx`` names addresses, each of which is a host of its own, and ``exp`` is a TXT record. Within a
test, records may follow that replace or add to those of the file; each ``expect`` ends a case, which keeps what it
does not say from the case before.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

import pytest

from posthouse.proto.mailauth import spf
from posthouse.proto.mailauth.dns import FAILED, Answer
from wire.zone import CORPUS, drive

WHERE_THE_STANDARD_WINS = {
    # "-all ip:10.0.0.1": an error anywhere in the record is a permerror, behind "all" too (§4.6).
    "all-0-1": "permerror",
    # Ten hosts without an address: more than two empty answers are a permerror (§4.6.4).
    "basic-4-1": "permerror",
    # An "exists" whose host has an address of IPv6 only: it is the A record that must exist (§5.7).
    "exists-0-2": "fail",
    "macro-1-2": "fail",
}


class Case(NamedTuple):
    name: str
    records: dict[tuple[str, str], list[str] | Answer]
    domain: str
    sender: str
    ip: str
    expect: str


def add(records: dict[tuple[str, str], list[str] | Answer], kind: str, text: str) -> None:
    owner, _, rest = text.strip().partition(" ")
    owner = owner.lower()
    values = [each.strip() for each in rest.split(",")]
    match kind:
        case "spf" | "exp":
            records[owner, "TXT"] = [rest.strip()]
        case "mx":
            records[owner, "MX"] = [f"mx{number}.{owner}" for number in range(len(values))]
            for number, value in enumerate(values):
                records[f"mx{number}.{owner}", "AAAA" if ":" in value else "A"] = [value]
        case "ptr":
            pointer = ip_address(owner).reverse_pointer
            records[pointer, "PTR"] = [value.removesuffix(".") for value in values]
        case _:
            records[owner, kind.upper()] = values


def cases() -> Iterator[Case]:
    for path in sorted((CORPUS / "spf").glob("*.yml")):
        for number, document in enumerate(path.read_text().split("\n---")):
            records: dict[tuple[str, str], list[str] | Answer] = {
                (name, "TXT"): FAILED for name in ("_dns_error.org", "_dns_error.test.org")
            }
            state: dict[str, str] = {}
            in_tests = False
            count = 0
            for line in document.splitlines():
                line = line.strip().removeprefix("- ")
                word, _, value = line.partition(":")
                value = value.strip()
                if not line or line.startswith("#"):
                    continue
                if word == "tests":
                    in_tests = True
                elif word in ("spf", "exp", "mx", "a", "aaaa", "ptr"):
                    add(records, word, value)
                elif word in ("domain", "sender", "ip"):
                    state[word] = value
                elif word == "expect":
                    assert in_tests
                    count += 1
                    yield Case(f"{path.stem}-{number}-{count}", dict(records), expect=value, **state)


CASES = list(cases())


@pytest.mark.skipif(not (CORPUS / "spf").is_dir(), reason="../shared/corpus/spf is absent")
def test_the_suite_was_read_whole() -> None:
    expected = sum(path.read_text().count("expect:") for path in (CORPUS / "spf").glob("*.yml"))
    assert expected == len(CASES) > 100


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_suite(case: Case) -> None:
    """The suite asks about HELO first, and if that passes about MAIL FROM (RFC 7208 §2.3, §2.4)."""
    result, _, explanation = case.expect.partition(" ")
    address = ip_address(case.ip)
    found = drive(spf.check(address, case.domain, f"postmaster@{case.domain}", case.domain), case.records)
    if found.result == "pass" and case.sender:
        asked = case.sender.rpartition("@")[2]
        found = drive(spf.check(address, asked, case.sender, case.domain), case.records)
    assert WHERE_THE_STANDARD_WINS.get(case.name, result) == found.result
    if explanation:
        assert explanation == found.explanation
