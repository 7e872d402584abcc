"""What a source gives: a message with its circumstances, a vCard, or what was skipped and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from posthouse.formats.vcard import Card

Path: TypeAlias = tuple[str, ...]
"""A mailbox by its names from the top down, as text: ``("Projects", "Posthouse")``."""


@dataclass(frozen=True, slots=True)
class Item:
    """A message found in a source.

    ``mailboxes``: at least one path; more only where the source has labels (Gmail).
    ``data``: the message as it stood in the source, line ends included.
    ``keywords``: lower case, such as ``$seen`` (RFC 8621 §4.1.1).
    ``received_at``: Unix seconds, or None where the source does not say and ``Received`` must.
    ``origin``: where it was found, for people to read.
    """

    mailboxes: tuple[Path, ...]
    data: bytes
    keywords: frozenset[str]
    received_at: int | None
    origin: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A vCard found in a source; ``origin``: where it was found, for people to read."""

    card: Card
    origin: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not taken: where it was found and the reason, for people to read."""

    origin: str
    reason: str


class SourceError(Exception):
    """A source cannot be opened at all; the message is one line that says why."""
