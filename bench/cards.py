"""A deterministic address book: vCard *i* of a size is the same bytes on every machine.

The cards are as phones and companies export them: names whose frequencies fall as those of people do, one or two
addresses and numbers, an employer, a postal address, now and then a nickname, a birthday or a note.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

_GIVEN, _SURNAMES, _EMPLOYERS, _TOWNS = 900, 9000, 3000, 800
_PROVIDERS = (("mail.example", 0.3), ("post.example", 0.15), ("inbox.example", 0.1))
_PARTICULAR = ("Zoë", "José", "Søren", "Дмитрий", "花子", "محمد", "Anne-Marie", "Nguyễn")


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a card is about: what autocompletion looks for."""

    given: str
    surname: str
    nickname: str
    employer: str
    emails: tuple[str, ...]


def vcards(size: int) -> Iterator[bytes]:
    """Make an address book, card by card."""
    return (vcard(index) for index in range(size))


def vcard(index: int) -> bytes:
    """Make one card, a vCard 3.0 as most are."""
    draw = random.Random(f"card {index}")
    one = person(index)
    town, street = _pick(draw, "towns", _TOWNS), _pick(draw, "surnames", _SURNAMES)
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "PRODID:-//Bench//Cards 1//EN",
        f"UID:{draw.getrandbits(128):032x}",
        f"N:{one.surname};{one.given};;;",
        f"FN:{one.given} {one.surname}",
        *(
            f"EMAIL;TYPE=INTERNET,{kind}:{email}"
            for kind, email in zip(("HOME", "WORK"), one.emails, strict=False)
        ),
        f"TEL;TYPE=CELL:+49 {draw.randint(150, 179)} {draw.randint(1_000_000, 9_999_999)}",
    ]
    if one.nickname:
        lines.append(f"NICKNAME:{one.nickname}")
    if one.employer:
        lines += [f"ORG:{one.employer}", f"TEL;TYPE=WORK:+49 30 {draw.randint(100_000, 999_999)}"]
    if draw.random() < 0.4:
        lines.append(
            f"ADR;TYPE=HOME:;;{street} Street {draw.randint(1, 200)};{town};;{draw.randint(10_000, 99_999)};"
        )
    if draw.random() < 0.2:
        lines.append(f"BDAY:{draw.randint(1940, 2010)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}")
    if draw.random() < 0.1:
        lines.append(f"NOTE:Met in {town}\\, see {_pick(draw, 'surnames', _SURNAMES)}.")
    lines += [f"REV:20{draw.randint(10, 26)}-01-{draw.randint(1, 28):02}T12:00:00Z", "END:VCARD", ""]
    return "\r\n".join(lines).encode()


def person(index: int) -> Person:
    """Say whom a card is about."""
    draw = random.Random(f"person {index}")
    given = draw.choice(_PARTICULAR) if draw.random() < 0.02 else _pick(draw, "given", _GIVEN)
    surname = _pick(draw, "surnames", _SURNAMES)
    nickname = given[:3] + "y" if draw.random() < 0.1 else ""
    employer = f"{_pick(draw, 'employers', _EMPLOYERS)} Ltd" if draw.random() < 0.6 else ""
    providers = [name for name, _ in _PROVIDERS] + [f"{_pick(draw, 'surnames', _SURNAMES).lower()}.example"]
    [provider] = draw.choices(providers, [*(share for _, share in _PROVIDERS), 0.45])
    emails = [f"{surname.lower()}.{index}@{provider}"]
    if employer and draw.random() < 0.7:
        emails.append(f"{surname.lower()}@{employer.split()[0].lower()}.example")
    return Person(given, surname, nickname, employer, tuple(emails))


def _pick(draw: random.Random, pool: str, size: int) -> str:
    names, weights = _names(pool, size)
    return draw.choices(names, cum_weights=weights)[0]


@cache
def _names(pool: str, size: int) -> tuple[list[str], list[float]]:
    """Give names that sound like some, and what their frequencies add up to."""
    draw = random.Random(f"names {pool}")
    onsets = [*"bcdfghjklmnprstvw", "br", "ch", "cl", "dr", "fl", "gr", "kr", "sch", "sh", "st", "th", ""]
    rhymes = [vowel + coda for vowel in "aeiou" for coda in ("", *"nrstlm", "ck", "nd", "ng")]
    names: dict[str, None] = {}
    while len(names) < size:
        syllables = draw.choices(onsets, k=3), draw.choices(rhymes, k=3)
        name = "".join(map(str.__add__, *syllables))[: draw.randint(4, 11)]
        names[name.capitalize()] = None
    total, sums = 0.0, []
    for rank in range(size):
        total += 1 / (rank + 20)
        sums.append(total)
    return list(names), sums
