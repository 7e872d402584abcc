"""Export, and what our own import makes of it."""

from __future__ import annotations

import mailbox
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from posthouse.app.archive import ArchiveError, Exported, export_maildir, export_mbox
from posthouse.app.sources import Item, open_source
from posthouse.app.sources.folder import clean_name

Export = Callable[[Iterable[Exported], Path], int]
EXPORTS = [pytest.param(export_maildir, id="maildir"), pytest.param(export_mbox, id="mbox")]
MESSAGE = b"From: Ada <ada@example.org>\r\nSubject: Tea\r\n\r\nAt four?\r\n"

_LINES = st.sampled_from(
    [
        b"From a@example.org Mon Nov 23 12:50:55 2026",
        b"From here on",
        b">From the top",
        b">>From the top",
        b"Subject: x",
        b"Content-Length: 7",
        b"Status: RO",
        b"X-Status: D",
        b"X-Mozilla-Status: 0008",
        b"X-Gmail-Labels: Starred",
        b'X-Posthouse-Export: {"size": 1, "receivedAt": 0, "mailbox": ["X"]}',
        b"",
        b"text",
        b"\xff\x00\x80",
    ]
)
_DATA = st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n", b"\r", b""])), min_size=1).map(
    lambda lines: b"".join(line + end for line, end in lines)
)
_AWKWARD = st.sampled_from(["Inbox", "INBOX", "a.b", "a/b", "..", ".", "R&D", "Entwürfe", "受信"])
_NAMES = (_AWKWARD | st.text(max_size=300)).map(clean_name)
_KEYWORDS = st.frozensets(
    st.one_of(
        st.sampled_from(["$seen", "$draft", "$flagged", "$answered", "$forwarded", "$junk", "junk"]),
        st.from_regex(r"[a-z!#$&'+,./0-9:;<=>?@\[^_`|}~-]{1,20}", fullmatch=True),
    ),
    max_size=40,
).map(lambda names: names - {"$recent", "$deleted"})
_MESSAGES = st.lists(
    st.builds(
        Exported,
        st.lists(st.lists(_NAMES, min_size=1, max_size=4).map(tuple), min_size=1, max_size=3, unique=True),
        _KEYWORDS,
        st.none() | st.integers(-(2**31), 2**33),
        _DATA.filter(bool),
    ),
    max_size=5,
)


@pytest.mark.parametrize("export", EXPORTS)
@settings(max_examples=30, deadline=None)
@given(messages=_MESSAGES)
@example([Exported([("Inbox",)], frozenset(f"k{n}" for n in range(40)), 1, MESSAGE)])
@example([Exported([("я" * 127, "я" * 127)], frozenset(), 1, MESSAGE)])
@example([Exported([("x" * 150,) * 9, ("a",), ("a.mbox", "b"), ("A.MBOX",)], frozenset(), 1, MESSAGE)])
@example([Exported([("Inbox",)], frozenset(), 1, b"Content-Length: 11\n\nFrom here\n")])
@example(
    [
        Exported(
            [("posthouse-folder",), ("dovecot",), ("subscriptions",), ("._x",), ("x.msf",)],
            frozenset(),
            1,
            MESSAGE,
        )
    ]
)
@example([Exported([("Foo",), ("foo",), ("Inbox",), ("INBOX",)], frozenset(), None, b"no line end")])
def test_import_of_an_export_gives_what_was_exported(export: Export, messages: list[Exported]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "Archive"
        assert len(messages) == export(messages, target)
        found = list(open_source(target))
    assert _placed(messages) == _imported(found)


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
def test_an_export_packed_into_an_archive_gives_the_same(export: Export, kind: str, tmp_path: Path) -> None:
    messages = [
        Exported([("Inbox",), ("Projects", "Post.house")], frozenset({"$seen", "x"}), 1_700_000_000, MESSAGE),
        Exported([("Projects",)], frozenset(), 400_000_000, b"From here\non\n"),
    ]
    export(messages, tmp_path / "mail")
    packed = tmp_path / f"mail.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((tmp_path / "mail").rglob("*")):
                archive.write(path, path.relative_to(tmp_path))
    else:
        with tarfile.open(packed, f"w:{kind[4:]}") as tar:
            tar.add(tmp_path / "mail", "mail")
    assert _placed(messages) == _imported(open_source(packed))


def test_the_standard_library_reads_the_maildir(tmp_path: Path) -> None:
    export_maildir(
        [Exported([("Inbox",), ("Été",)], frozenset({"$seen", "$flagged"}), 86400, MESSAGE)], tmp_path
    )
    box = mailbox.Maildir(tmp_path, create=False)
    assert ["&AMk-t&AOk-"] == box.list_folders()
    for folder in (box, box.get_folder("&AMk-t&AOk-")):
        (key,) = folder.keys()
        assert MESSAGE == folder.get_bytes(key)
        assert "FS" == folder.get_message(key).get_flags()
    (path,) = (tmp_path / "cur").iterdir()
    assert 86400 == path.stat().st_mtime
    assert path.name.startswith("86400.")


def test_the_standard_library_reads_the_mbox(tmp_path: Path) -> None:
    data = b"Subject: x\n\nFrom here\n>From there\n"
    export_mbox([Exported([("Sent",)], frozenset({"$seen", "$answered"}), 0, data)] * 2, tmp_path)
    box = mailbox.mbox(tmp_path / "Sent.mbox", create=False)
    assert 2 == len(box)
    message = box.get_message(0)
    box.close()
    assert "posthouse@localhost Thu Jan  1 00:00:00 1970" == message.get_from()
    assert "ROA" == message.get_flags()
    assert ">From here\n>>From there\n" == message.get_payload()


@pytest.mark.parametrize("export", EXPORTS)
def test_a_target_that_is_not_empty_is_left_alone(export: Export, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"precious")
    with pytest.raises(ArchiveError, match="is not empty"):
        export([Exported([("Inbox",)], frozenset(), 1, MESSAGE)], tmp_path)
    assert ["mine"] == os.listdir(tmp_path)


@pytest.mark.parametrize("export", EXPORTS)
def test_a_target_that_is_a_file_is_one_clear_line(export: Export, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"precious")
    with pytest.raises(ArchiveError) as caught:
        export([], tmp_path / "file")
    assert f"{tmp_path / 'file'}: cannot be written: File exists" == str(caught.value)


@pytest.mark.parametrize("export", EXPORTS)
def test_nothing_is_written_outside_the_target(export: Export, tmp_path: Path) -> None:
    names = [("..", "..", "up"), ("/etc", "passwd"), (".",), ("a\0b",), ("CON", "~root"), ("x" * 300,)]
    export([Exported(names, frozenset(), 1, MESSAGE)], tmp_path / "in")
    assert ["in"] == os.listdir(tmp_path)
    assert 6 == sum(isinstance(found, Item) for found in open_source(tmp_path / "in"))


def test_more_mailboxes_than_files_may_be_open(tmp_path: Path) -> None:
    messages = [Exported([(f"box {n % 150}",)], frozenset(), n, MESSAGE) for n in range(450)]
    export_mbox(messages, tmp_path)
    assert _placed(messages) == _imported(open_source(tmp_path))


Placed = list[tuple[tuple[str, ...], list[str], int | None, bytes]]


def _placed(messages: Iterable[Exported]) -> Placed:
    return _sorted((box, sorted(m.keywords), m.received_at, m.data) for m in messages for box in m.mailboxes)


def _imported(found: Iterable[object]) -> Placed:
    items = [item for item in found if isinstance(item, Item)]
    return _sorted(
        (box, sorted(item.keywords), item.received_at, item.data) for item in items for box in item.mailboxes
    )


def _sorted(rows: Iterable[tuple[tuple[str, ...], list[str], int | None, bytes]]) -> Placed:
    return sorted(rows, key=repr)
