"""Against the standard library's parser where that is right, and over real messages."""

from __future__ import annotations

import email
import email.policy
import unicodedata
from email.header import Header
from email.message import EmailMessage
from email.utils import formataddr
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.formats import mime
from posthouse.formats.mime import Part, parse, part_bytes, part_text

from .test_any_bytes import check, walk

ROOT = Path(__file__).parents[3]


def cpython_messages() -> list[Path]:
    """List the messages of CPython's own tests, where they are installed."""
    try:
        import test.test_email
    except ImportError:
        return []
    return sorted(Path(test.test_email.__file__).parent.glob("data/*.txt"))


def corpus_messages() -> list[Path]:
    """List the messages of the shared corpus, where it lies beside the repository."""
    return sorted((ROOT.parent / "shared" / "corpus" / "mail").glob("*.eml"))


REAL = [pytest.param(path, id=path.name) for path in (*cpython_messages(), *corpus_messages())]

# The standard library shows a multipart without parts as a leaf, reads an inner boundary that equals the outer one
# by turns, fails on a folded boundary or a folded name, and leaves blanks after an encoding's name.
READ_OTHERWISE = {
    "msg_15.txt", "msg_17.txt", "msg_25.txt", "msg_31.txt", "msg_39.txt", "msg_41.txt", "malformed-002.eml",
    "malformed-003.eml", "malformed-004.eml", "malformed-013.eml", "malformed-019.eml", "malformed-020.eml",
    "malformed-021.eml", "thirdparty-003.eml", "thirdparty-012.eml",
}  # fmt: skip


def test_real_messages_are_there() -> None:
    if not cpython_messages() or not corpus_messages():
        pytest.skip("CPython's tests or ../shared/corpus/mail are not installed")


@pytest.mark.parametrize("path", REAL)
def test_real_message_is_sound(path: Path) -> None:
    data = path.read_bytes()
    check(data, parse(data))


@pytest.mark.parametrize("path", [case for case in REAL if case.id not in READ_OTHERWISE])
def test_real_message_is_read_as_the_standard_library_does(path: Path) -> None:
    data = path.read_bytes()
    compare(data, parse(data).root, email.message_from_bytes(data))


def compare(data: bytes, part: Part, other: email.message.Message) -> None:
    """Compare types, content and names of two trees, but for line breaks at the end of content."""
    assert other.get_content_type() == part.type
    if part.is_multipart:
        theirs = other.get_payload()
        assert len(theirs) == len(part.sub_parts)
        for child, one in zip(part.sub_parts, theirs, strict=True):
            compare(data, child, one)
    elif not part.type.startswith("message/"):
        assert other.get_payload(decode=True).rstrip(b"\r\n") == part_bytes(data, part).rstrip(b"\r\n")


TEXTS = (
    st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=60)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
LEAVES = st.one_of(
    st.tuples(
        st.just("text"), st.text(max_size=200), st.sampled_from(["7bit", "quoted-printable", "base64"])
    ),
    st.tuples(st.just("octets"), st.binary(max_size=200), TEXTS),
)
MULTIPARTS = st.sampled_from(["mixed", "related", "alternative"])
TREES = st.recursive(
    LEAVES,
    lambda parts: st.tuples(st.just("multipart"), MULTIPARTS, st.lists(parts, min_size=1, max_size=4)),
    max_leaves=8,
)


def built(tree: tuple[str, object, object]) -> EmailMessage:
    """Build a message with the standard library."""
    kind, first, second = tree
    message = EmailMessage(email.policy.SMTP)
    if kind == "multipart":
        message["Content-Type"] = f"multipart/{first}"
        for child in second:
            message.attach(built(child))
    elif kind == "text":
        message.set_content(first, cte=None if second == "7bit" else second)
    else:
        message.set_content(first, "application", "x-test", filename=second)
    return message


@given(TREES)
@settings(max_examples=150, deadline=None)
def test_what_the_standard_library_writes_is_read_alike(tree: tuple[str, object, object]) -> None:
    data = built(tree).as_bytes()
    message = parse(data)
    check(data, message)
    compare(data, message.root, email.message_from_bytes(data))
    expected: list[tuple[str, object, object]] = []
    flatten(tree, expected)
    leaves = [part for part in walk(message.root) if not part.is_multipart]
    for (kind, content, name), part in zip(expected, leaves, strict=True):
        if kind == "octets":
            assert (content, unicodedata.normalize("NFC", str(name))) == (part_bytes(data, part), part.name)
        else:
            text, is_problem, _ = part_text(data, part)
            # It makes each line break CRLF and adds a last one.
            lines = str(content).replace("\r\n", "\n").replace("\r", "\n")
            assert lines.rstrip("\n").removeprefix("\ufeff") == text.rstrip("\n")
            assert not is_problem


def flatten(tree: tuple[str, object, object], into: list[tuple[str, object, object]]) -> None:
    """List the leaves of a tree."""
    if tree[0] == "multipart":
        for child in tree[2]:
            flatten(child, into)
    else:
        into.append(tree)


@given(TEXTS, st.lists(st.tuples(TEXTS, st.sampled_from(["a", "b.c", '"d e"'])), min_size=1, max_size=4))
@settings(deadline=None)
def test_headers_that_the_standard_library_writes_are_read_alike(
    text: str, people: list[tuple[str, str]]
) -> None:
    subject = Header(text, "utf-8", header_name="Subject").encode()
    to = ", ".join(formataddr((name, f"{local}@example.org")) for name, local in people)
    values = mime.convenience(parse(f"Subject: {subject}\r\nTo: {to}\r\n\r\n".encode()))
    assert unicodedata.normalize("NFC", text) == values["subject"]
    expected = [
        {"name": unicodedata.normalize("NFC", name), "email": f"{local}@example.org"}
        for name, local in people
    ]
    assert expected == values["to"]
