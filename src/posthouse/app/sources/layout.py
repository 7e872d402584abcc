"""Which mailbox each file of a tree belongs to, decided from all its names before a message is read."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import Literal

from posthouse.app.sources import keyword
from posthouse.app.sources.folder import INBOX, clean_name, decode_utf7, role_of
from posthouse.app.sources.item import Path, SourceError
from posthouse.app.sources.mark import FOLDER_FILE, FolderMark, read_folder_file
from posthouse.app.sources.tree import Tree, read_whole

DOVECOT_KEYWORDS = "dovecot-keywords"

_MOST_FOLDERS = 50_000
_LARGEST_SIDE_FILES = 1 << 26  # bytes of all of them together
_MAILDIR = {"cur", "new", "tmp"}
_LETTERS = re.compile(r"[:!;]2,([A-Za-z]*)$")
_SECONDS = re.compile(r"(-?\d{1,11})\.")
_FURNITURE = {
    "maildirfolder",
    "maildirsize",
    "subscriptions",
    ".DS_Store",
    ".directory",
    "Thumbs.db",
    "desktop.ini",
}
_MBOX_SUFFIX = re.compile(r"\.(mbox|mbx|mboxrd|sbd)$", re.IGNORECASE)

Kind = Literal["ignore", "unfinished", "maildir", "file"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file belongs: what it is by its name, its mailbox, and what its name says of its message."""

    kind: Kind
    mailbox: Path = INBOX
    keywords: frozenset[str] = frozenset()
    received_at: int | None = None
    deleted: bool = False


@dataclass(slots=True)
class _Maildir:
    mailbox: Path
    letters: dict[str, str]
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _is_furniture(name: str) -> bool:
    """Say whether a file is no mail by its name; a mailbox may be called as a side file is, an mbox file not."""
    if name.startswith("._") or name.endswith(".msf"):
        return True
    is_side_file = name in _FURNITURE or name.startswith((FOLDER_FILE, "dovecot"))
    return is_side_file and not _MBOX_SUFFIX.search(name)


class Layout:
    """The mailboxes of a tree, found by walking it once for its names and its small side files."""

    def __init__(self, tree: Tree) -> None:
        directories, wrapper, side_files = _survey(tree)
        homes = {path[:-1] for path in directories if _shows_maildir(path, directories)}
        self._wrapper = wrapper if tree.may_have_wrapper else ()
        self._loose = clean_name(self._wrapper[-1] if self._wrapper else _MBOX_SUFFIX.sub("", tree.folder))
        tops = [home for home in homes if not any(home[:length] in homes for length in range(len(home)))]
        self._top = tops[0] if len(tops) == 1 else None
        self._top_mailbox = _top_mailbox(self._top[-1] if self._top else tree.name)
        self._maildirs = {home: self._maildir(home, side_files) for home in homes}

    def place(self, parts: tuple[str, ...]) -> Place:
        """Tell by a file's path below the root where it belongs."""
        name = parts[-1]
        if _is_furniture(name):
            return Place("ignore")
        maildir = self._maildirs.get(parts[:-2]) if len(parts) >= 2 and parts[-2] in _MAILDIR else None
        if maildir is None:
            return Place("file", self._loose_mailbox(parts[:-1]))
        if name.startswith("."):
            return Place("ignore")
        return Place("unfinished") if parts[-2] == "tmp" else _message(maildir, name)

    def mbox_mailbox(self, parts: tuple[str, ...]) -> Path:
        """Return the mailbox that an mbox file stands for: its own name below its directories' names."""
        name = _MBOX_SUFFIX.sub("", parts[-1])
        if name == "mbox" and len(parts) > 1:  # Apple Mail: Name.mbox/mbox
            return self._loose_mailbox(parts[:-1])
        inner = parts[len(self._wrapper) : -1]
        return (*(clean_name(_MBOX_SUFFIX.sub("", part)) for part in inner), clean_name(name))

    def _loose_mailbox(self, directories: tuple[str, ...]) -> Path:
        inner = directories[len(self._wrapper) :]
        return tuple(clean_name(_MBOX_SUFFIX.sub("", part)) for part in inner) or (self._loose,)

    def _maildir(self, home: tuple[str, ...], side_files: dict[tuple[str, ...], bytes]) -> _Maildir:
        own = side_files.get((*home, FOLDER_FILE))
        mark = read_folder_file(own) if own is not None else FolderMark()
        mailbox = mark.mailbox or self._maildir_mailbox(home)
        return _Maildir(
            mailbox, _dovecot_letters(side_files.get((*home, DOVECOT_KEYWORDS), b"")), mark.keywords
        )

    def _maildir_mailbox(self, home: tuple[str, ...]) -> Path:
        if home == self._top:
            return self._top_mailbox
        inner = home[len(self._top if self._top is not None else self._wrapper) :]
        names = [name for part in inner for name in _maildir_names(part)]
        return tuple(clean_name(decode_utf7(name)) for name in names) or INBOX


def _survey(tree: Tree) -> tuple[set[tuple[str, ...]], tuple[str, ...], dict[tuple[str, ...], bytes]]:
    """Walk a tree: its Maildir directories, the directories around everything, and its small side files."""
    directories: set[tuple[str, ...]] = set()
    side_files: dict[tuple[str, ...], bytes] = {}
    wrapper: tuple[str, ...] | None = None
    room = _LARGEST_SIDE_FILES
    for entry in tree.entries():
        if entry.problem is not None:
            continue
        inside = entry.parts if entry.is_directory else entry.parts[:-1]
        if inside[-1:] and inside[-1] in _MAILDIR:
            directories.add(inside)
            if len(directories) > _MOST_FOLDERS:
                raise SourceError(f"{tree.name}: more than {_MOST_FOLDERS:,} folders")
        if (
            entry.is_directory
            or not entry.parts
            or entry.parts[-1] in _FURNITURE
            or entry.parts[-1].startswith("._")
        ):
            continue
        home = inside[:-1] if inside[-1:] and inside[-1] in _MAILDIR else inside
        wrapper = home if wrapper is None else _common(wrapper, home)
        if entry.parts[-1] in (FOLDER_FILE, DOVECOT_KEYWORDS) and entry.size <= room:
            room -= entry.size
            with contextlib.suppress(*tree.errors):  # the walk for messages reports what is damaged
                side_files[entry.parts] = read_whole(entry)
    return directories, wrapper or (), side_files


def _shows_maildir(path: tuple[str, ...], directories: set[tuple[str, ...]]) -> bool:
    """Tell whether a directory shows that the one above it is a Maildir; a lone ``new`` may be anything."""
    *above, name = path
    is_folder = bool(above) and above[-1].startswith(".")
    return name == "cur" or (name == "new" and (is_folder or (*above, "tmp") in directories))


def _message(maildir: _Maildir, name: str) -> Place:
    """Read a Maildir file name: seconds, a dot, anything, and the flags behind ``:2,``."""
    match = _LETTERS.search(name)
    letters = match[1] if match else ""
    own = maildir.keywords.get(name[: match.start()] if match else name, ())
    seconds = _SECONDS.match(name)
    return Place(
        "maildir",
        maildir.mailbox,
        keyword.from_letters(letters, maildir.letters) | keyword.valid(own),
        int(seconds[1]) if seconds else None,
        deleted=keyword.MAILDIR_DELETED in letters,
    )


def _dovecot_letters(data: bytes) -> dict[str, str]:
    """Read ``dovecot-keywords``, lines such as ``0 $Label1`` for the letter ``a``, beside the usual flags."""
    letters = dict(keyword.MAILDIR)
    for line in data.decode(errors="replace").splitlines():
        number, _, name = line.partition(" ")
        names = keyword.valid([name.strip()])
        if names and number.isascii() and number.isdigit() and len(number) <= 2 and int(number) < 26:
            letters[chr(ord("a") + int(number))] = next(iter(names))
    return letters


def _top_mailbox(name: str) -> Path:
    """Name a Maildir that stands alone: its folder or role if its name tells one, else the Inbox."""
    if name.startswith("."):
        return tuple(clean_name(decode_utf7(part)) for part in _maildir_names(name)) or INBOX
    return (clean_name(name),) if role_of((name,)) is not None else INBOX


def _maildir_names(part: str) -> list[str]:
    """Split ``.Archive.2024`` (Maildir++) into its names; other directories are one name."""
    if not part.startswith("."):
        return [part]
    return [name for name in part.removesuffix(".directory").split(".") if name]


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return one[:length]
