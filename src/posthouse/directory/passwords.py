"""Passwords: argon2id, in a small pool of threads and never in the event loop (DESIGN D16)."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from posthouse.directory.error import DirectoryError
from posthouse.directory.tokens import looks_like_token

_LONGEST = 1000  # octets
_MOST_WAITING = 64


class PasswordsBusy(Exception):
    """So many passwords wait to be checked that another would wait too long."""


class Passwords:
    """Makes and checks the hashes of passwords.

    `memory` is in KiB and taken once per thread; the defaults cost about 30 ms. Hashes carry their own costs,
    so these may change at any time.
    """

    def __init__(self, *, passes: int = 2, memory: int = 19_456, lanes: int = 1, threads: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._waiting = 0
        salt, digest = (b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (16, 32))
        # Checked for those who have no password, so that the answer takes as long; nothing is known to match.
        self._nobody = f"$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${digest}"

    def hash(self, password: str) -> str:
        """Hash a new password, in the calling thread. Raises `DirectoryError` if it cannot be taken."""
        if not password:
            raise DirectoryError("the password is empty: choose another one")
        if len(_octets(password)) > _LONGEST:
            raise DirectoryError(f"the password is longer than {_LONGEST} octets: choose a shorter one")
        if looks_like_token(password):
            raise DirectoryError("the password looks like a token: choose another one")
        return self._hasher.hash(_octets(password))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Say whether a password has this hash; for None the answer is False and takes as long.

        Raises `PasswordsBusy`.
        """
        if self._waiting >= _MOST_WAITING:
            raise PasswordsBusy
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._check, password_hash, password)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads, after what they are at."""
        self._pool.shutdown()

    def _check(self, password_hash: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash or self._nobody, _octets(password)[: _LONGEST + 1])
        except (Argon2Error, InvalidHashError):
            return False


def _octets(password: str) -> bytes:
    """Return what is hashed: composed (RFC 8265 §4.2.2), so that all keyboards give the same octets."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
