"""Tokens: app passwords, which also serve as bearer tokens (RFC 6750, DESIGN D16).

A token is ``ph_`` and 160 random bits in lower-case base32, so that scanners for leaked secrets can find it.
It is shown once; only its SHA-256 is kept, which is enough for bits that no one can guess, and the keys by which
SCRAM-SHA-256 proves it without saying it (RFC 7677).
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b32encode
from collections.abc import Callable, Sequence
from hashlib import sha256

from posthouse.bus import SignedOut
from posthouse.directory.addresses import parse
from posthouse.directory.error import DirectoryError
from posthouse.kit import clock
from posthouse.proto.smtp import scram
from posthouse.store.directory import DirectoryStore, Person, Token

_BITS = 160
_PREFIX = "ph_"
_SHAPE = re.compile(r"ph_[a-z2-7]{32}")
_LONGEST_LABEL = 100

ITERATIONS = 4096
"""Of SCRAM-SHA-256, the fewest that clients take (RFC 7677 §4). More make guessing slow, and 160 random bits are
beyond guessing at any speed."""


def new_token() -> str:
    """Draw the text of a new token."""
    return _PREFIX + b32encode(secrets.token_bytes(_BITS // 8)).decode().lower()


def looks_like_token(text: str) -> bool:
    """Say whether a text has the form of a token; each token has exactly one."""
    return _SHAPE.fullmatch(text) is not None


def token_hash(text: str) -> bytes | None:
    """Return the SHA-256 by which a token is found, None for what is no token."""
    return sha256(text.encode()).digest() if looks_like_token(text) else None


def salt(secret: bytes, name: str) -> bytes:
    """Return the salt of the tokens of whoever has this normalised name, or would have it.

    It comes from the name, so that a name that is nobody's has one like any other.

    :param secret: that of the directory.
    """
    return hmac.digest(secret, name.encode(), "sha256")[:16]


class Tokens:
    """Gives tokens out and takes them back.

    `announce` tells every process of those that were taken back. `now` tells the time in Unix seconds.
    """

    def __init__(
        self,
        store: DirectoryStore,
        announce: Callable[[Sequence[SignedOut]], None],
        *,
        now: Callable[[], float] = clock.now,
    ) -> None:
        self._store = store
        self._announce = announce
        self._now = now

    def issue(self, name: str, label: str = "", expires: int | None = None) -> tuple[str, Token]:
        """Give the person of this name a new token, valid until a Unix second or for ever.

        Returns its text, which no one can ever see again, and what is kept. Raises `DirectoryError`.
        """
        person = self._person(name)
        now = int(self._now())
        if expires is not None and expires <= now:
            raise DirectoryError("the token would have expired already: give a time to come")
        if len(label) > _LONGEST_LABEL or not label.isprintable():
            raise DirectoryError(f"the label must be one line of at most {_LONGEST_LABEL} characters")
        text = new_token()
        key = scram.derive(text.encode(), salt(self._store.secret(), parse(person.login).key), ITERATIONS)
        kept = self._store.add_token(
            person.id,
            label,
            sha256(text.encode()).digest(),
            stored=key.stored,
            server=key.server,
            now=now,
            expires=expires,
        )
        return text, kept

    def list(self, name: str) -> list[Token]:
        """Return the tokens of the person of this name, oldest first. Raises `DirectoryError`."""
        return self._store.tokens(self._person(name).id)

    def revoke(self, name: str, token: int) -> None:
        """Take a token back; every process refuses it from its next request on. Raises `DirectoryError`."""
        person = self._person(name).id
        if not self._store.remove_token(person, token):
            raise DirectoryError(f"{name} has no token {token}: list the tokens to see their numbers")
        self._announce([SignedOut(person, token)])

    def _person(self, name: str) -> Person:
        person = self._store.person_by_key(parse(name).key)
        if person is not None:
            return person
        if self._store.person_by_address(parse(name).key) is not None:
            raise is_group(name)
        raise unknown(name)


def is_group(name: str) -> DirectoryError:
    """Make the error for the name of a group where only a person's will do."""
    return DirectoryError(f"{name} is a group: see posthouse group --help")


def unknown(name: str) -> DirectoryError:
    """Make the error for a name that no one has."""
    return DirectoryError(f"there is no account {name}: posthouse account list shows those there are")
