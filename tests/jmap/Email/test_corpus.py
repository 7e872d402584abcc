"""Real and awkward messages: every property can be had, and the bytes come back (RFC 8621 §4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailroom.room import Room
from posthouse.capabilities.mail.email import email

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "mail"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not beside the repository")
def test_every_property_of_every_message(room: Room) -> None:
    many = [path.read_bytes() for path in sorted(CORPUS.glob("*.eml"))]
    ids = room.imported_all(many)
    names = [*email.properties, "header:Subject:asText", "header:From:asGroupedAddresses:all"]
    found = room.ask("Email/get", ids=ids, properties=names, fetchAllBodyValues=True)["list"]
    for data, values in zip(many, found, strict=True):
        assert set(names) == values.keys()
        assert data == room.bytes_of(values["blobId"])
        assert len(data) == values["size"]
    room.check_counts()
