"""Seat: the place of one process in the folder where those of a bus meet.

Each process listens on a socket of its own there, under a random name that is never used again. Whoever comes
connects to all that are there and then takes his seat, one process at a time by the OS lock on the folder. So
any two have exactly one connection, and a socket in the folder that refuses one is that of a dead process. When a
connection breaks between two who live, the one of them who came later makes it again.

The folder is open to its owner alone (and to root), and that is what guards the sockets. They are writable to
all inside it, so that a command run by root and a server that runs as the folder's owner hear each other.

The address of a socket has room for about a hundred octets. A folder with a longer path is reached through a
symbolic link in ``/tmp`` for the moment of connecting; that works on every Unix, where ``/proc/self/fd`` is
Linux's alone and the working directory is not ours to change.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_SUFFIX: Final = ".sock"
_NAME: Final = 8  # octets of a name, in hexadecimal digits twice as many
_LONGEST_FOLDER: Final = 103 - len("/") - 2 * _NAME - len(_SUFFIX)  # macOS has 104 octets with the final zero
_QUEUE: Final = 4096  # connections not yet accepted; the system may allow fewer

PATIENCE: Final = 30.0
"""How many seconds to wait for others who take their seats; each needs a few milliseconds."""

_RETRY: Final = (
    0.01  # seconds between two looks at the lock: the system cannot wait for one with an end in sight
)


class Seat:
    """A listening socket in a folder, made if absent, and connections to all that had one there before.

    listening: accepts those who come later. met: the connections, by the names of the sockets they lead to.
    None of the sockets blocks. Raises `OSError` where the folder cannot be used, or has a process that has been
    stopped while it took its seat, or for so long that it can take no more connections.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # which the system lets only its owner do, and root
        self._owners = {0, os.geteuid(), folder.stat().st_uid}
        self._path = folder.absolute() / (secrets.token_hex(_NAME) + _SUFFIX)
        self.met: dict[str, socket.socket] = {}
        self.listening = _stream()
        try:
            with _alone_in(folder), _short(folder) as near:
                for name in os.listdir(folder):
                    if name.endswith(_SUFFIX):
                        self._meet_first(near, name)
                self.listening.bind(f"{near}/{self._path.name}")
                self._path.chmod(0o666)
                self.listening.listen(_QUEUE)
        except BaseException as error:
            self.leave()
            if (
                isinstance(error, OSError) and error.filename is None
            ):  # those of sockets and locks name no file
                raise OSError(error.errno, error.strerror, str(folder)) from error
            raise

    def _meet_first(self, near: str, name: str) -> None:
        """Connect to a process, or remove the socket of a dead one."""
        try:
            self.met[name] = _connect(f"{near}/{name}")
        except ConnectionRefusedError:
            # On macOS it may also be alive, but stopped for so long that its queue is full: it is then
            # forgotten and has to be started again. Linux says EAGAIN there.
            with suppress(FileNotFoundError):
                os.unlink(f"{near}/{name}")
        except FileNotFoundError:  # it has just left
            pass
        except BlockingIOError as error:
            raise OSError(
                errno.EAGAIN, "a process on this data does not answer: let it go on, or end it"
            ) from error

    def meet_again(self, name: str) -> socket.socket | None:
        """Connect once more to a process that was met; None if it is not there any more.

        Needs no lock on the folder: only who met it first does this. Raises `OSError` where that fails now and
        may not fail later.
        """
        with _short(self._path.parent) as near:
            try:
                return _connect(f"{near}/{name}")
            except (ConnectionRefusedError, FileNotFoundError):
                return None

    def is_ours(self, connection: socket.socket) -> bool:
        """Say whether the other end is a process of who may be here; where the system does not tell, yes."""
        if sys.platform == "linux":
            layout = struct.Struct("3i")
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, layout.size)
            _pid, user, _group = layout.unpack(credentials)
            return user in self._owners
        else:
            return True

    def withdraw(self) -> None:
        """Take the name out of the folder: nobody new comes, those who have come can still be accepted."""
        with suppress(OSError):
            self._path.unlink()

    def leave(self) -> None:
        """Give the seat up, with the connections made when it was taken."""
        self.withdraw()
        self.listening.close()
        for one in self.met.values():
            one.close()


def _stream() -> socket.socket:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.setblocking(False)
    return one


def _connect(address: str) -> socket.socket:
    one = _stream()
    try:
        one.connect(address)
    except BaseException:
        one.close()
        raise
    return one


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the OS lock of a folder, which vanishes with its holder."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(fd)
        yield
    finally:
        os.close(fd)


def _lock(fd: int) -> None:
    """Take an OS lock, or raise `OSError` after `PATIENCE`."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                break
        time.sleep(_RETRY)
    raise OSError(
        errno.ETIMEDOUT, "a process that starts on this data has stopped half-way: let it go on, or end it"
    )


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """Give a path to a folder that leaves room for a name in the address of a socket."""
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
        yield str(folder)
        return
    with TemporaryDirectory(prefix="posthouse-", dir="/tmp") as private:
        near = f"{private}/bus"
        os.symlink(folder.absolute(), near)
        yield near
