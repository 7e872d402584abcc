"""Opening paths: Maildirs, messages, archives, and what must not be taken."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import socket
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test import test_email

from posthouse.app.sources import Item, Skipped, Source, SourceError, open_source, role_of
from posthouse.app.sources.packed import Damaged, Forward

MESSAGE = b"From: ada@example.org\r\nSubject: Tea\r\n\r\nAt four?\r\n"
MBOX = b"From ada Mon Nov 23 12:50:55 2026\n" + MESSAGE + b"\r\n"
CPYTHON = sorted((Path(test_email.__file__).parent / "data").iterdir())
CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "mail"


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def places(source: Source) -> list[tuple[str, ...]]:
    return sorted(item.mailboxes[0] for item in source if isinstance(item, Item))


def reasons(source: Source) -> list[str]:
    return [found.reason for found in source if isinstance(found, Skipped)]


def only(source: Source) -> Item:
    (found,) = source
    assert isinstance(found, Item), found
    return found


# Maildir


def test_a_maildirs_flags_date_and_bytes_are_read(tmp_path: Path) -> None:
    write(tmp_path, {"cur/1700000000.M1P2.host,S=5:2,DFPRS": MESSAGE})
    item = only(open_source(tmp_path))
    assert {"$draft", "$flagged", "$forwarded", "$answered", "$seen"} == item.keywords
    assert (("Inbox",),) == item.mailboxes
    assert (1_700_000_000, MESSAGE) == (item.received_at, item.data)
    assert f"{tmp_path}/cur/1700000000.M1P2.host,S=5:2,DFPRS" == item.origin


@pytest.mark.parametrize("mark", [":2,", "!2,", ";2,"])
def test_flags_are_known_behind_the_marks_that_file_systems_force(mark: str, tmp_path: Path) -> None:
    assert {"$seen"} == only(open_source(write(tmp_path, {f"cur/name{mark}S": MESSAGE}))).keywords


def test_new_messages_have_no_keywords_and_no_made_up_date(tmp_path: Path) -> None:
    item = only(open_source(write(tmp_path, {"new/name": MESSAGE, "cur/.hidden": MESSAGE, "tmp/.x": b""})))
    assert (frozenset(), None) == (item.keywords, item.received_at)


def test_dovecots_keywords_are_read_by_their_letters(tmp_path: Path) -> None:
    write(tmp_path, {"dovecot-keywords": b"0 $Forwarded\n1 Work\n99 no\nx\n", "cur/1.a:2,Sabc": MESSAGE})
    assert {"$seen", "$forwarded", "work"} == only(open_source(tmp_path)).keywords


def test_subfolders_in_both_styles_are_mailboxes(tmp_path: Path) -> None:
    names = [
        ("Archive", "2024"),
        ("Entwürfe",),
        ("Nested", "Deep"),
        ("R&D",),
    ]
    folders = [".Archive.2024", ".Entw&APw-rfe", "Nested/Deep", ".R&D"]
    write(tmp_path, {f"{folder}/cur/1.x:2,": MESSAGE for folder in folders} | {"cur/1.y": MESSAGE})
    assert sorted([*names, ("Inbox",)]) == places(open_source(tmp_path))


def test_maildirs_below_a_plain_directory_go_by_their_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"INBOX/cur/1.x": MESSAGE, "Sent/new/1.x": MESSAGE, "Sent/tmp/.k": b"", "a/b/cur/1.z": MESSAGE},
    )
    assert [("INBOX",), ("Sent",), ("a", "b")] == places(open_source(tmp_path))


def test_one_folder_of_a_maildir_keeps_its_name(tmp_path: Path) -> None:
    write(tmp_path, {".Sent/cur/1.x": MESSAGE})
    assert [("Sent",)] == places(open_source(tmp_path / ".Sent"))


def test_deleted_unfinished_and_empty_messages_are_skipped(tmp_path: Path) -> None:
    write(tmp_path, {"cur/1.a:2,ST": MESSAGE, "cur/2.b:2,": b"", "tmp/3.c": MESSAGE})
    assert ["marked as deleted", "empty file", "its delivery was never finished"] == reasons(
        open_source(tmp_path)
    )


def test_the_order_is_the_same_each_time(tmp_path: Path) -> None:
    names = [f"{'cur' if n % 3 else 'new'}/{n}.x" for n in range(50)]
    write(tmp_path, {name: MESSAGE for name in names[::-1]})
    first = [found.origin for found in open_source(tmp_path)]
    assert first == [found.origin for found in open_source(tmp_path)]
    assert 50 == len(first)


# Files and directories of them


def test_an_mbox_file_is_a_mailbox_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, {"Sent.mbox": MBOX})
    item = only(open_source(tmp_path / "Sent.mbox"))
    assert ((("Sent",),), MESSAGE) == (item.mailboxes, item.data)
    assert f"{tmp_path}/Sent.mbox, message 1 at byte 0" == item.origin


def test_thunderbirds_and_apple_mails_trees_are_mailboxes(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "INBOX": MBOX,
            "INBOX.msf": b"x",
            "INBOX.sbd/Work": MBOX,
            "INBOX.sbd/Work.sbd/Old": MBOX,
            "A.mbox/mbox": MBOX,
        },
    )
    expected = [("A",), ("INBOX",), ("INBOX", "Work"), ("INBOX", "Work", "Old")]
    source = open_source(tmp_path)
    assert expected == places(source)
    assert [] == reasons(open_source(tmp_path))


def test_single_messages_go_to_a_mailbox_named_as_their_directory(tmp_path: Path) -> None:
    write(tmp_path, {"saved/a.eml": MESSAGE, "saved/sub/b.eml": MESSAGE})
    assert [("saved",), ("sub",)] == places(open_source(tmp_path / "saved"))
    assert [("saved",)] == places(open_source(tmp_path / "saved" / "a.eml"))


def test_an_eml_is_one_message_whatever_is_in_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.eml": MBOX + MBOX})
    assert MESSAGE + b"\r\n" + MBOX == only(open_source(tmp_path / "a.eml")).data


@pytest.mark.parametrize("path", CPYTHON, ids=lambda path: str(path.name))
def test_each_message_of_cpythons_own_tests_comes_back_as_it_is(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    if path.suffix != ".txt":
        assert ["neither a message nor a vCard"] == reasons(open_source(path))
        return
    write(tmp_path, {"message.eml": data})
    expected = data.split(b"\n", 1)[1] if data.startswith(b"From ") else data
    assert expected == only(open_source(tmp_path / "message.eml")).data


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not here")
def test_each_message_of_the_corpus_comes_back_as_it_is() -> None:
    paths = sorted(CORPUS.iterdir())
    found = list(open_source(CORPUS))
    assert len(paths) == len(found) > 0
    for path, item in zip(paths, found, strict=True):
        assert isinstance(item, Item), item
        assert path.read_bytes().endswith(item.data)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.eml", b"", "empty file"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0", "neither a message nor a vCard"),
        ("picture.eml", b"\x89PNG\r\n\x1a\n\0\0", "neither a message nor a vCard"),
        ("notes.txt", b"Milk, eggs\n", "neither a message nor a vCard"),
        ("settings.yaml", b"name: x\nport: 1\n", "neither a message nor a vCard"),
        ("inner.eml", b"PK\x03\x04....", "an archive inside an archive is not opened"),
        ("large.eml", MESSAGE + b"x" * 3000, "larger than 2,000 bytes"),
    ],
)
def test_what_is_no_message_is_skipped_with_the_reason(
    name: str, data: bytes, reason: str, tmp_path: Path
) -> None:
    write(tmp_path, {name: data})
    assert [Skipped(f"{tmp_path}/{name}", reason)] == list(open_source(tmp_path, max_message=2000))


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"outside/secret.eml": MESSAGE, "in/a.eml": MESSAGE})
    (tmp_path / "in" / "link.eml").symlink_to(tmp_path / "outside" / "secret.eml")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "in" / "socket"))
        assert 1 == len(places(open_source(tmp_path / "in")))
        expected = ["symbolic links are not followed"] * 2 + ["not a regular file"] * 2
        assert expected == reasons(open_source(tmp_path / "in"))


def test_a_path_that_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "none")
    assert f"{tmp_path}/none: there is no such file or directory" == str(caught.value)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SourceError):
        open_source(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a directory"):
        open_source(tmp_path / "pipe")
    (tmp_path / "box.gz").write_bytes(gzip.compress(MBOX))
    with pytest.raises(SourceError, match="packed, but not a tar archive"):
        open_source(tmp_path / "box.gz")


def test_a_file_that_goes_away_is_skipped(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, {"a.eml": MESSAGE, "b.eml": MESSAGE}))
    next(source)
    (tmp_path / "b.eml").unlink()
    assert ["No such file or directory"] == reasons(source)


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    write(tmp_path, {"box": MBOX * 3, "m/cur/1.x": MESSAGE, "notes": b"no message"})
    (tmp_path / "link").symlink_to("box")
    source = open_source(tmp_path)
    total = sum(
        path.stat().st_size for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()
    )
    seen = [0]
    for _ in source:
        seen.append(source.done_bytes)
    assert (total, total) == (source.total_bytes, source.done_bytes)
    assert sorted(seen) == seen


# Archives

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.xz in two streams": lambda data: lzma.compress(data[:700]) + lzma.compress(data[700:]) + b"\0" * 4,
}


def tar(files: dict[str, bytes], change: Callable[[tarfile.TarInfo], object] = lambda info: None) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            change(info)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def packed(tmp_path: Path, data: bytes) -> Source:
    (tmp_path / "mail.pack").write_bytes(data)
    return open_source(tmp_path / "mail.pack")


TREE = {
    "home/Maildir/cur/1700000000.x:2,Sa": MESSAGE,
    "home/Maildir/.Sent/new/1.x": MESSAGE,
    "home/Maildir/dovecot-keywords": b"0 late\n",
}


@pytest.mark.parametrize("packer", PACKERS)
def test_a_maildir_in_a_tar_is_read_without_its_wrapping(packer: str, tmp_path: Path) -> None:
    found = list(packed(tmp_path, PACKERS[packer](tar(TREE))))
    items = [item for item in found if isinstance(item, Item)]
    assert [("Inbox",), ("Sent",)] == [item.mailboxes[0] for item in items]
    assert {"$seen", "late"} == items[0].keywords
    assert f"{tmp_path}/mail.pack: home/Maildir/cur/1700000000.x:2,Sa" == items[0].origin
    assert len(found) == 2


def test_mail_in_a_zip_is_read_without_its_wrapping(tmp_path: Path) -> None:
    files = {"Takeout/Mail/All mail.mbox": MBOX, "Takeout/Mail/old/a.eml": MESSAGE, "__MACOSX/._x": b"x"}
    assert [("All mail",), ("old",)] == places(packed(tmp_path, zipped(files)))


def test_names_that_climb_out_are_only_names(tmp_path: Path) -> None:
    files = {"../../etc/a.eml": MESSAGE, "/root/b.eml": MESSAGE, "..\\c.eml": MESSAGE}
    for data in (zipped(files), tar(files)):
        assert 3 == len(places(packed(tmp_path, data)))
    assert ["mail.pack"] == os.listdir(tmp_path)


def test_links_and_devices_in_archives_are_skipped(tmp_path: Path) -> None:
    kinds = iter([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])

    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = next(kinds), "/etc/passwd", 0

    data = tar({name: b"" for name in "abcd"}, change)
    assert ["links are not followed"] * 2 + ["not a regular file"] * 2 == reasons(packed(tmp_path, data))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link.eml")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert ["symbolic links are not followed"] == reasons(packed(tmp_path, stream.getvalue()))


def test_an_encrypted_entry_is_skipped_and_the_others_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.eml": MESSAGE, "b.eml": MESSAGE}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    found = list(packed(tmp_path, bytes(data)))
    assert ["encrypted", MESSAGE] == [item.data if isinstance(item, Item) else item.reason for item in found]


def test_a_bomb_in_a_zip_is_not_unpacked(tmp_path: Path) -> None:
    found = reasons(packed(tmp_path, zipped({"bomb.mbox": MBOX + b"\0" * 30_000_000})))
    assert ["unpacks to more than 200 times its size, which mail does not"] == found


def test_many_entries_over_the_same_bytes_are_a_bomb_too(tmp_path: Path) -> None:
    text = b"".join(b"%d " % (n * n) for n in range(400_000))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.eml", MESSAGE + text)
        first = archive.infolist()[0]
        for number in range(1, 2000):
            twin = zipfile.ZipInfo(f"{number}.eml")
            for name in ("compress_type", "CRC", "compress_size", "file_size", "header_offset", "flag_bits"):
                setattr(twin, name, getattr(first, name))
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    bombs = [reason for reason in reasons(packed(tmp_path, stream.getvalue())) if "200 times" in reason]
    assert len(bombs) > 1000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_bomb_in_a_tar_ends_the_reading(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    source = packed(
        tmp_path, pack(tar({"a.eml": MESSAGE, "bomb.mbox": MBOX + b"\0" * 30_000_000, "b.eml": MESSAGE}))
    )
    found = list(source)
    assert MESSAGE == getattr(found[0], "data", None)
    assert "200 times" in getattr(found[-1], "reason", "")


def test_an_xz_that_wants_much_memory_is_refused(tmp_path: Path) -> None:
    greedy = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29, "preset": 0}]
    compressor = lzma.LZMACompressor(lzma.FORMAT_XZ, filters=greedy)
    with pytest.raises(SourceError, match="cannot be unpacked"):
        data = bytearray(compressor.compress(tar(TREE)) + compressor.flush())
        packed(tmp_path, bytes(data))


def test_a_tar_header_that_claims_a_huge_extension_is_not_loaded(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 33
    data = tar({"a.eml": MESSAGE})[:1024] + header.tobuf(tarfile.GNU_FORMAT) + b"1" * 100_000
    found = list(packed(tmp_path, data))
    assert MESSAGE == getattr(found[0], "data", None)
    assert "damaged archive, the rest of it was not read: a header is too large" == getattr(
        found[1], "reason", None
    )


def test_a_tar_entry_of_negative_size_does_not_hang(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("x.eml").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" + (-1024).to_bytes(11, "big", signed=True)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    assert all(isinstance(found, Skipped) for found in packed(tmp_path, bytes(header) * 3))


def test_an_archive_is_only_read_forwards() -> None:
    stream = Forward(io.BytesIO(b"abcdef"), lambda: 6)
    assert b"abc" == stream.read(3)
    assert (2, b"cd") == (stream.seek(2), stream.read(2))
    with pytest.raises(Damaged, match="lies before"):
        stream.seek(1)


@pytest.mark.parametrize("length", [600, 1100, 2000])
@pytest.mark.parametrize("packer", ["tar", "tar.gz", "tar.xz"])
def test_what_is_whole_in_a_cut_tar_is_read_and_the_rest_reported(
    packer: str, length: int, tmp_path: Path
) -> None:
    data = tar({"a.eml": MESSAGE, "b.eml": MESSAGE * 40})[:length]
    found = list(packed(tmp_path, PACKERS[packer](data)))
    assert any(isinstance(item, Skipped) for item in found) or length == 1100


def test_a_zip_with_wrong_sums_skips_just_what_is_damaged(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.eml": MESSAGE, "b.eml": MESSAGE}))
    data[45] ^= 0xFF
    found = list(packed(tmp_path, bytes(data)))
    assert [Skipped, Item] == [type(item) for item in found]


def test_too_many_levels_are_skipped(tmp_path: Path) -> None:
    data = tar({"/".join("d" * 100) + "/a.eml": MESSAGE, "b.eml": MESSAGE})
    assert ["too many directories below each other"] == reasons(packed(tmp_path, data))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_damage_to_an_archive_raises_anything_else(data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from(
            [zipped(TREE), tar(TREE), gzip.compress(tar(TREE), mtime=0), lzma.compress(tar(TREE))]
        )
    )
    places_and_bytes = data.draw(
        st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=5)
    )
    damaged = bytearray(whole)
    for place, byte in places_and_bytes:
        damaged[place] = byte
    with tempfile.TemporaryDirectory() as directory:
        try:
            list(packed(Path(directory), bytes(damaged[: data.draw(st.integers(0, len(whole)))])))
        except SourceError as error:
            assert "\n" not in str(error)


def test_memory_stays_small_over_many_entries_of_a_tar(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        for number in range(2_500):
            info = tarfile.TarInfo(f"box/{number}.eml")
            info.size = len(MESSAGE)
            yield info.tobuf() + MESSAGE.ljust(512, b"\0")
        yield b"\0" * 1024

    with (tmp_path / "mail.tar").open("wb") as stream:
        stream.writelines(blocks())
    tracemalloc.start()
    try:
        count = sum(isinstance(found, Item) for found in open_source(tmp_path / "mail.tar"))
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 2_500 == count
    assert memory < 1_000_000


# Roles


@pytest.mark.parametrize(
    ("path", "role"),
    [
        (("INBOX",), "inbox"),
        (("Sent Items",), "sent"),
        (("[Gmail]", "Sent Mail"), "sent"),
        (("[Google Mail]", "Bin"), "trash"),
        (("INBOX", "Drafts"), "drafts"),
        (("Deleted Items",), "trash"),
        (("Gelöschte Elemente",), "trash"),
        (("SPAM",), "junk"),
        (("Archives",), "archive"),
        (("[Gmail]", "All Mail"), "archive"),
        (("Отправленные",), "sent"),
        (("Work", "Sent"), None),
        (("Recipes",), None),
        ((), None),
    ],
)
def test_roles_go_by_the_customary_names(path: tuple[str, ...], role: str | None) -> None:
    assert role == role_of(path)
