"""What is on the disk: nobody else reads it, and when it is full nothing is half-written."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from posthouse.app import wiring
from posthouse.app.wiring import App
from posthouse.directory.passwords import Passwords
from posthouse.directory.place import place_of
from posthouse.engine import room
from posthouse.kit import json
from posthouse.model.caller import Caller
from posthouse.proto.jmap.errors import MethodError
from posthouse.proto.jmap.request import Invocation, Request

NAME = "demo@example.org"
USING = frozenset(("urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"))


@contextmanager
def opened(folder: Path) -> Iterator[tuple[App, Caller]]:
    app = wiring.build(folder, passwords=Passwords(passes=1, memory=8, threads=1))
    with closing(app):
        if not app.people.list():
            app.people.add(NAME, "secret")
        person = app.people.find(NAME)
        place = place_of(person)
        yield app, Caller(person.id, NAME, {place.wire: place}, "")


def call(app: App, caller: Caller, name: str, **arguments: json.Json) -> tuple[str, json.Json]:
    request = Request(
        USING, [Invocation(name, {"accountId": next(iter(caller.accounts))} | arguments, "0")], None
    )
    [[answer, values, _]] = json.loads(asyncio.run(app.engine.answer(caller, request)))["methodResponses"]
    return answer, values


def upload(app: App, caller: Caller, data: bytes) -> str:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    return str(
        asyncio.run(app.blob_door.upload(caller, next(iter(caller.accounts)), "text/plain", pieces()))[
            "blobId"
        ]
    )


def inbox(app: App, caller: Caller) -> str:
    _, found = call(app, caller, "Mailbox/query", filter={"role": "inbox"})
    return str(found["ids"][0])


def message(app: App, caller: Caller, size: int) -> dict[str, json.Json]:
    return {
        "mailboxIds": {inbox(app, caller): True},
        "textBody": [{"partId": "1"}],
        "bodyValues": {"1": {"value": "word " * (size // 5)}},
    }


def test_others_read_nothing_even_in_a_folder_that_is_open_to_them(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        tmp_path.chmod(0o755)
        with opened(tmp_path) as (app, caller):
            call(app, caller, "Email/set", create={"e": message(app, caller, 1000)})
            upload(app, caller, b"x" * 1_000_000)
            # The sockets of the bus let in whoever reaches them, which the mode of their folder forbids.
            found = [path for path in tmp_path.rglob("*") if not path.is_socket()]
            open_to_others = [path for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    finally:
        os.umask(before)
    assert [] == open_to_others


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_no_fault_of_ours(number: int) -> None:
    problem = room.unavailable(OSError(number, "full"))
    assert problem is not None
    assert "serverUnavailable" == problem.type
    assert room.unavailable(OSError(errno.EIO, "broken")) is None


def test_with_a_full_disk_writes_are_refused_whole_and_go_on_afterwards(tmp_path: Path) -> None:
    """In a process of its own, whose files may not grow beyond a bound."""
    program = f"""
import sys; sys.path[:0] = {sys.path!r}
from attack.test_disk import full_disk
from pathlib import Path
full_disk(Path({str(tmp_path)!r}))
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def full_disk(folder: Path) -> None:
    with opened(folder) as (app, caller):
        _, made = call(app, caller, "Email/set", create={"e": message(app, caller, 1000)})
        before = made["newState"]
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        pack = max(path.stat().st_size for path in (folder / "blobs" / "packs").iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (pack + 10_000, hard))
        name, error = call(app, caller, "Email/set", create={"e": message(app, caller, 100_000)})
        assert ("error", "serverUnavailable") == (name, error["type"]), error
        for size in (200_000, 5_000_000):
            try:
                upload(app, caller, b"x" * size)
            except MethodError as error:
                assert "serverUnavailable" == error.type
            else:
                raise AssertionError("there was room")
        _, answer = call(app, caller, "Email/get")
        assert (before, 1) == (answer["state"], len(answer["list"]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        _, made = call(app, caller, "Email/set", create={"e": message(app, caller, 100_000)})
        assert before == made["oldState"], made
        upload(app, caller, b"x" * 5_000_000)
    with opened(folder) as (app, caller):
        assert 2 == len(call(app, caller, "Email/get")[1]["list"])
        assert [] == [path for path in (folder / "blobs" / "new").iterdir()]
