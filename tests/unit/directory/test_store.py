from __future__ import annotations

import errno
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.directory.people import People
from posthouse.directory.tokens import Tokens
from posthouse.store.directory import Changes, DirectoryStore

ADDING = """
import sys
from pathlib import Path
from posthouse.store.directory import DirectoryStore
store = DirectoryStore(Path(sys.argv[1]))
for number in range(30):
    name = f"p{sys.argv[2]}-{number}@example.org"
    person = store.add_person(name, name, "example.org", None, shards=2, now=0)
    store.open_person(person.id)
    print(person.id, flush=True)
"""


def add(store: DirectoryStore, name: str) -> int:
    person = store.add_person(name, name, "example.org", "hash", shards=1, now=0)
    assert person is not None
    store.open_person(person.id)
    return person.id


def test_what_one_process_commits_another_sees(store: DirectoryStore, path: Path) -> None:
    with closing(DirectoryStore(path)) as other:
        version = other.version()
        person = add(store, "ada@example.org")
        assert version != other.version()
        assert person == other.people()[0].id
        assert other.version() == other.version()


def test_who_only_asks_for_the_version_holds_up_no_checkpoint(store: DirectoryStore, path: Path) -> None:
    store.version()
    with closing(DirectoryStore(path)) as other:
        add(other, "ada@example.org")
        busy, _, _ = other.file._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy


def test_processes_add_at_the_same_time_and_a_killed_one_blocks_no_one(path: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", ADDING, path, str(number)], stdout=subprocess.PIPE)
        for number in range(3)
    ]
    first = children[0].stdout
    assert first is not None
    acknowledged = {int(first.readline()) for _ in range(5)}
    children[0].kill()
    for child in children:
        output, _ = child.communicate()
        acknowledged.update(map(int, output.splitlines()))
    with closing(DirectoryStore(path)) as store:
        there = [person.id for person in store.people()]
        assert acknowledged <= set(there)
        assert len(there) == len(set(there))
        add(store, "late@example.org")


def test_only_changes_of_credentials_are_told(store: DirectoryStore, people: People, tokens: Tokens) -> None:
    ada, bob = add(store, "ada@example.org"), add(store, "bob@example.org")
    nobody: frozenset[int] = frozenset()
    assert Changes(0, nobody, nobody) == store.changed_since(0)
    _, token = tokens.issue("ada@example.org")
    store.use_token(token.id, 7)
    assert 7 == store.tokens(ada)[0].used_day
    assert Changes(0, nobody, nobody) == store.changed_since(0)
    people.set_password("bob@example.org", "new")
    assert Changes(1, frozenset([bob]), nobody) == store.changed_since(0)
    tokens.revoke("ada@example.org", token.id)
    assert Changes(2, frozenset([ada]), nobody) == store.changed_since(1)
    people.remove("bob@example.org")
    newest = store.changed_since(0).newest
    assert Changes(newest, frozenset([ada, bob]), nobody) == store.changed_since(0)
    assert Changes(newest, nobody, nobody) == store.changed_since(newest)


def test_a_failed_change_leaves_nothing(store: DirectoryStore) -> None:
    ada = add(store, "ada@example.org")
    store.add_token(ada, "", b"same hash", stored=b"", server=b"", now=0, expires=None)
    with pytest.raises(OSError, match="UNIQUE"):
        store.add_token(ada, "", b"same hash", stored=b"", server=b"", now=0, expires=None)
    assert 1 == len(store.tokens(ada))
    add(store, "bob@example.org")


def test_a_full_disk_is_told_and_later_there_is_room(store: DirectoryStore) -> None:
    store.file._writer.execute("PRAGMA max_page_count = 30")
    with pytest.raises(OSError, match="no space") as caught:
        for number in range(1000):
            add(store, f"p{number}@example.org")
    assert errno.ENOSPC == caught.value.errno
    store.file._writer.execute("PRAGMA max_page_count = 4294967294")
    add(store, "late@example.org")


def test_a_file_of_a_later_version_is_refused_only_if_it_says_so(path: Path) -> None:
    DirectoryStore(path).close()
    for readable_by, refused in ((1, False), (99, True)):
        sql = f"UPDATE meta SET version = 99, readable_by = {readable_by}"
        program = "import apsw, sys; apsw.Connection(sys.argv[1]).execute(sys.argv[2])"
        subprocess.run([sys.executable, "-c", program, path, sql], check=True)
        if refused:
            with pytest.raises(OSError, match="later Posthouse"):
                DirectoryStore(path)
        else:
            DirectoryStore(path).close()


def test_a_damaged_file_is_reported_in_words(path: Path) -> None:
    path.write_bytes(b"not a database " * 1000)
    with pytest.raises(OSError, match="damaged"):
        DirectoryStore(path)
