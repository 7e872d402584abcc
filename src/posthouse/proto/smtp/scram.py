"""SCRAM-SHA-256, the server's side: both prove that they know a password, and neither says it (RFC 5802, RFC 7677)."""

from __future__ import annotations

import binascii
import hmac
import re
from collections.abc import Sequence
from hashlib import pbkdf2_hmac, sha256
from typing import Final, NamedTuple

from posthouse.proto.smtp.sasl import unescape

_FIRST: Final = re.compile(r"([ny],(?:a=([^,]*+))?,)(n=([^,]++),r=([!-+\--~]{1,256})(?:,.*)?)", re.DOTALL)
_FINAL: Final = re.compile(r"(c=([A-Za-z0-9+/=]++),r=([!-+\--~]++)(?:,[^p][^,]*+)*+),p=([A-Za-z0-9+/=]++)")


class Key(NamedTuple):
    """What is kept of one password; it proves a password and is none."""

    stored: bytes
    server: bytes


class Keys(NamedTuple):
    """The keys of all passwords that one person may sign in with; they share salt and iterations.

    Of a name that is nobody's: a salt that is always the same for it, and no key.
    """

    salt: bytes
    iterations: int
    keys: Sequence[Key]


class Success(NamedTuple):
    """The peer knows the password of a key; `final` shows him that we know the key (RFC 5802 §3)."""

    key: Key
    final: bytes


def derive(password: bytes, salt: bytes, iterations: int) -> Key:
    """Make what is kept of a password (RFC 5802 §3).

    :param password: prepared, which leaves ASCII as it is (RFC 4013).
    """
    salted = pbkdf2_hmac("sha256", password, salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    return Key(sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256"))


class Exchange:
    """One exchange: `begin`, `challenge`, `finish`.

    :param nonce: printable ASCII without a comma, that nobody can guess.
    """

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._header = self._first = self._challenge = ""
        self._keys: Sequence[Key] = ()

    def begin(self, message: bytes) -> str | None:
        """Read the first message and give the name in it.

        None for what is no such message, wants channel binding, or asks to act as somebody else.
        """
        found = _FIRST.fullmatch(message.decode("utf-8", "replace"))
        if found is None or "\ufffd" in found[4]:
            return None
        self._header, self._first = found[1], found[3]
        self._nonce = found[5] + self._nonce
        name = unescape(found[4])
        return name if unescape(found[2] or "") in ("", name) else None

    def challenge(self, keys: Keys) -> bytes:
        """Write the answer to the first message."""
        salt = binascii.b2a_base64(keys.salt, newline=False).decode()
        self._keys = keys.keys
        self._challenge = f"r={self._nonce},s={salt},i={keys.iterations}"
        return self._challenge.encode()

    def finish(self, message: bytes) -> Success | None:
        """Read the final message; None if it proves nothing."""
        found = _FINAL.fullmatch(message.decode("utf-8", "replace"))
        if found is None or found[3] != self._nonce:
            return None
        try:
            binding = binascii.a2b_base64(found[2], strict_mode=True)
            proof = binascii.a2b_base64(found[4], strict_mode=True)
        except ValueError:
            return None
        if binding != self._header.encode() or len(proof) != sha256().digest_size:
            return None
        said = f"{self._first},{self._challenge},{found[1]}".encode()
        for key in self._keys:
            signature = hmac.digest(key.stored, said, "sha256")
            client = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
            if hmac.compare_digest(sha256(client).digest(), key.stored):
                shown = binascii.b2a_base64(hmac.digest(key.server, said, "sha256"), newline=False)
                return Success(key, b"v=" + shown)
        return None
