"""Whatever a client writes into a draft, it reads back (RFC 8621 §4.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wire.person import Person

# Text as a person may type it: neither control characters nor what no font has.
LETTER = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Zl", "Zp"])
LINE = st.text(LETTER, max_size=120)
WORDS = LINE.map(lambda text: normalize("NFC", " ".join(text.split()))).filter(
    lambda text: text == " ".join(text.split())
)
TEXT = st.text(LETTER | st.just("\n"), max_size=2000)
ATOM = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
ADDRESS = st.builds(
    lambda name, local, domain: {"name": name or None, "email": f"{local}@{domain}.example"},
    WORDS,
    ATOM,
    ATOM,
)
FILE = st.tuples(
    st.binary(max_size=300),
    WORDS.filter(bool),
    st.sampled_from(["application/pdf", "image/png", "text/csv", "application/octet-stream"]),
)


@pytest.fixture(scope="module")
def person(sign_in: Callable[..., Person]) -> Person:
    return sign_in()


@pytest.fixture(scope="module")
def drafts(person: Person) -> str:
    [id] = person.call("Mailbox/query", filter={"role": "drafts"})[1]["ids"]
    return str(id)


@given(
    subject=WORDS,
    to=st.lists(ADDRESS, min_size=1, max_size=5),
    extra=WORDS,
    text=TEXT,
    html=TEXT,
    files=st.lists(FILE, max_size=3),
)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_a_draft_is_read_back_as_it_was_written(
    person: Person,
    drafts: str,
    subject: str,
    to: list[Any],
    extra: str,
    text: str,
    html: str,
    files: list[tuple[bytes, str, str]],
) -> None:
    blobs = [person.upload(content).json()["blobId"] for content, _, _ in files]
    header = {"subject": subject, "to": to, "header:X-Extra:asText": extra}
    draft = {
        "mailboxIds": {drafts: True},
        **header,
        "textBody": [{"partId": "t", "type": "text/plain"}],
        "htmlBody": [{"partId": "h", "type": "text/html"}],
        "bodyValues": {"t": {"value": text}, "h": {"value": html}},
        "attachments": [
            {"blobId": blob, "name": name, "type": type, "disposition": "attachment"}
            for blob, (_, name, type) in zip(blobs, files, strict=True)
        ],
    }
    _, made = person.call("Email/set", create={"a": draft})
    assert made["notCreated"] is None, made["notCreated"]
    id = made["created"]["a"]["id"]
    names = [*header, "textBody", "htmlBody", "attachments", "bodyValues", "blobId"]
    _, got = person.call("Email/get", ids=[id], properties=names, fetchAllBodyValues=True)
    [read] = got["list"]
    assert header == {name: read[name] for name in header}
    values = read["bodyValues"]
    assert [text] == [values[part["partId"]]["value"] for part in read["textBody"]]
    assert [html] == [values[part["partId"]]["value"] for part in read["htmlBody"]]
    shown = [part["partId"] for part in read["textBody"] + read["htmlBody"]]
    assert not any(values[id]["isEncodingProblem"] for id in shown)
    assert [(name, type) for _, name, type in files] == [
        (part["name"], part["type"]) for part in read["attachments"]
    ]
    for part, (content, _, _) in zip(read["attachments"], files, strict=True):
        assert content == person.http.get(person.url_of(part["blobId"])).content
    message = person.http.get(person.url_of(read["blobId"])).content
    assert message.partition(b"\r\n\r\n")[0].isascii()
    assert b"\0" not in message
    assert all(len(line) <= 998 for line in message.split(b"\r\n"))
    assert b"\n" not in message.replace(b"\r\n", b"")
