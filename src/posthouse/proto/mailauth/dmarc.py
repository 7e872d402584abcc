"""DMARC: does the author's domain stand for this message, and what does it want if not? (RFC 7489)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from posthouse.proto.mailauth import dkim, domain, spf, tags
from posthouse.proto.mailauth.dns import Check, Question, Status

_POLICIES: Final = frozenset({"none", "quarantine", "reject"})
_MAX_RECORD: Final = 4096
_MILDER: Final = {"reject": "quarantine", "quarantine": "none", "none": "none"}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner of a domain wants (RFC 7489 §6.3).

    :ivar wanted: ``none``, ``quarantine`` or ``reject`` for mail of just this domain (p=).
    :ivar for_subdomains: the same for domains below it (sp=).
    :ivar strict_dkim, strict_spf: whether domains must be equal (adkim=, aspf=).
    :ivar percent: the share of failing mail to treat so (pct=).
    """

    wanted: str
    for_subdomains: str
    strict_dkim: bool
    strict_spf: bool
    percent: int


@dataclass(frozen=True, slots=True)
class Found:
    """What was discovered: a policy, or none, which may be since the DNS failed.

    :ivar domain: the author's, in canonical form.
    :ivar at: the domain at which the policy is published.
    """

    domain: str
    policy: Policy | None = None
    at: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What DMARC says.

    :ivar result: ``none``, ``pass``, ``fail``, ``temperror`` or ``permerror`` (RFC 7489 §11.2).
    :ivar domain: the author's, in canonical form; empty if there is not just one.
    :ivar policy: what its owner wants for failing mail; empty if there is no policy.
    :ivar disposition: what to do with this message: ``none``, ``quarantine`` or ``reject``.
    :ivar reason: why it is an error; a text of ours.
    """

    result: str
    domain: str = ""
    policy: str = ""
    disposition: str = "none"
    reason: str = ""


def author(domains: Sequence[Sequence[str]]) -> str | None:
    """Return the one domain that wrote a message, in canonical form, or None if there is not just one.

    A message has one field From; that may name several people of one domain (RFC 7489 §6.6.1).

    :param domains: of the addresses in each field From.
    """
    if len(domains) != 1:
        return None
    names = {domain.canonical(each) for each in domains[0]}
    return names.pop() if len(names) == 1 else None


def discover(name: str) -> Check[Found]:
    """Ask for the policy of an author's domain, then for that of its organizational domain (RFC 7489 §6.6.3).

    :param name: in canonical form.
    """
    for at in dict.fromkeys((name, domain.organizational(name))):
        asked = f"_dmarc.{at}"
        if not domain.askable(asked):
            continue
        answer = yield Question(asked, "TXT")
        if answer.status is Status.FAILED:
            return Found(name, failed=True)
        records = [text for text in answer.values if is_record(text)]
        if records:
            return Found(name, read_record(records[0]) if len(records) == 1 else None, at)
    return Found(name)


def is_record(text: str) -> bool:
    """Tell whether a TXT record is meant as a policy: its first tag is ``v=DMARC1`` (RFC 7489 §6.6.3)."""
    name, _, value = text.partition(";")[0].partition("=")
    return name.strip() == "v" and value.strip() == "DMARC1"


@lru_cache(maxsize=256)
def read_record(text: str) -> Policy | None:
    """Read a policy, or return None if there is none in it (RFC 7489 §6.3, §6.6.3).

    Tags that are unknown or malformed are as if they were not there; a policy that can't be read is ``none`` if it
    asks for reports.
    """
    if len(text) > _MAX_RECORD:
        return None
    try:
        found = tags.parse(text)
    except tags.BadTags:
        return None
    wanted = found.get("p", "").lower()
    below = found.get("sp", wanted).lower()
    if wanted not in _POLICIES or below not in _POLICIES:
        if not found.get("rua"):
            return None
        wanted = below = "none"
    percent = found.get("pct", "")
    return Policy(
        wanted=wanted,
        for_subdomains=below,
        strict_dkim=found.get("adkim", "").lower() == "s",
        strict_spf=found.get("aspf", "").lower() == "s",
        percent=min(int(percent), 100)
        if percent.isascii() and percent.isdecimal() and len(percent) < 4
        else 100,
    )


def judge(
    found: Found | None, sender: spf.Verdict, signatures: Sequence[dkim.Signed], draw: int = 0
) -> Verdict:
    """Judge a message by what was found out about it (RFC 7489 §6.6.2).

    :param found: the policy of the author's domain, or None if there is not one author's domain.
    :param sender: what SPF says of MAIL FROM.
    :param draw: a number from 0 to 99 by chance, which decides whether a policy for a share of the mail is meant
        for this message.
    """
    if found is None:
        return Verdict("permerror", reason="From has not one domain")
    policy = found.policy
    if policy is None:
        result = "temperror" if found.failed else "none"
        return Verdict(result, found.domain, reason="no answer from the DNS" if found.failed else "")
    wanted = policy.wanted if found.at == found.domain else policy.for_subdomains
    aligned = {
        signed.result for signed in signatures if _aligned(signed.domain, found.domain, policy.strict_dkim)
    }
    if _aligned(domain.canonical(sender.domain) or "", found.domain, policy.strict_spf):
        aligned.add(sender.result)
    if "pass" in aligned:
        return Verdict("pass", found.domain, wanted)
    if "temperror" in aligned:
        return Verdict("temperror", found.domain, wanted, reason="who sent it could not be found out")
    disposition = wanted if draw < policy.percent else _MILDER[wanted]
    return Verdict("fail", found.domain, wanted, disposition)


def _aligned(name: str, with_author: str, strict: bool) -> bool:
    """Tell whether a domain that was authenticated is the author's, or of the same organization (RFC 7489 §3.1)."""
    if not name:
        return False
    return name == with_author or (
        not strict and domain.organizational(name) == domain.organizational(with_author)
    )
