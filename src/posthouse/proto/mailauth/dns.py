"""Questions to the DNS and their answers: what the checks yield and are sent."""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum
from typing import Literal, NamedTuple, TypeAlias, TypeVar

Kind: TypeAlias = Literal["TXT", "A", "AAAA", "MX", "PTR"]
_Found = TypeVar("_Found")


class Question(NamedTuple):
    """What is asked: a domain name as text without the last dot, and the type of its records.

    The name has labels of 1 to 63 octets and 253 octets in all, but any characters besides.
    """

    name: str
    kind: Kind


class Status(Enum):
    """How a question was answered."""

    FOUND = "found"
    NOTHING = "nothing"
    """The name does not exist, or has no record of that type."""
    FAILED = "failed"
    """No answer in time, or one that says that the server failed: asking later may help."""


class Answer(NamedTuple):
    """What the DNS says.

    values: TXT: the strings of each record joined, octets as Latin-1; A, AAAA: addresses as text; MX: names of hosts,
    best first; PTR: names. Empty unless `status` is FOUND.
    """

    status: Status
    values: tuple[str, ...] = ()


NOTHING = Answer(Status.NOTHING)
FAILED = Answer(Status.FAILED)

Check: TypeAlias = Generator[Question, Answer, _Found]
"""A check that asks its way to what it finds."""
