"""Cards: properties with their parameters, in the form of vCard 4.0 (RFC 6350 §3.3)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Property:
    """One content line (RFC 6350 §3.3).

    ``name`` and the names of parameters are in upper case; ``value`` is the text after the colon, its
    escapes untouched, for only who knows the property knows what they mean (see `value`). A parameter that
    was given several times has all its values in one list. Parameter values are plain text: quotes and
    carets are undone (RFC 6868 §3).
    """

    name: str
    value: str
    parameters: dict[str, list[str]] = field(default_factory=dict)
    group: str | None = None


@dataclass(slots=True, frozen=True)
class Fault:
    """What could not be read: the number of the line, from 1, and the reason in words."""

    line: int
    reason: str


@dataclass(slots=True)
class Card:
    """A vCard (RFC 6350 §3.2).

    ``properties`` are in the order of the source, without BEGIN, VERSION and END. ``version`` is what the
    source said, ``""`` if nothing; ``line`` is where the card began. ``faults`` name what is missing: an
    empty list means that all of the source is there.
    """

    properties: list[Property] = field(default_factory=list)
    version: str = "4.0"
    line: int = 1
    faults: list[Fault] = field(default_factory=list)
