"""Against the standard library's parser, where it is right, and over real messages."""

from __future__ import annotations

import email
import email.message
import email.policy
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.formats import mime
from posthouse.formats.mime import Part, parse, part_bytes

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


@pytest.mark.parametrize("path", [*cpython_messages(), *corpus_messages()], ids=lambda path: path.name)
def test_real_message_is_sound(path: Path) -> None:
    data = path.read_bytes()
    check(data, parse(data))


def test_real_messages_are_there() -> None:
    if not cpython_messages() or not corpus_messages():
        pytest.skip("CPython's tests or ../shared/corpus/mail are not installed")
