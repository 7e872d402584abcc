"""The content coding ``aes128gcm``: sealed records behind a short header (RFC 8188)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NAME = "aes128gcm"
SALT = 16  # octets
OVERHEAD = 17  # octets that a record has beside its data and padding: a delimiter and the tag (RFC 8188 §2)
_SMALLEST_RECORD = 18
_CONTINUES, _ENDS = b"\x01", b"\x02"


def header_length(key_id: bytes) -> int:
    """Return the octets of the header (RFC 8188 §2.1)."""
    return SALT + 4 + 1 + len(key_id)


def seal(
    records: Sequence[tuple[bytes, int]], material: bytes, salt: bytes, *, size: int, key_id: bytes = b""
) -> bytes:
    """Encrypt records, each given as its data and its octets of padding (RFC 8188 §2).

    `material` is the input keying material, `size` the record size in octets, `key_id` names the key to the
    receiver. Raises ValueError unless each record but the last has exactly `size` octets when it is sealed,
    the last at most that, and the other arguments have the lengths that the header gives them.
    """
    if len(salt) != SALT or len(key_id) > 255 or not _SMALLEST_RECORD <= size < 2**32 or not records:
        raise ValueError("the header cannot say this")
    extract = hmac.digest(salt, material, "sha256")
    cipher = AESGCM(hmac.digest(extract, b"Content-Encoding: aes128gcm\0\x01", "sha256")[:16])
    start = int.from_bytes(hmac.digest(extract, b"Content-Encoding: nonce\0\x01", "sha256")[:12])
    parts = [salt, size.to_bytes(4), bytes([len(key_id)]), key_id]
    for number, (data, padding) in enumerate(records):
        last = number == len(records) - 1
        length = len(data) + padding + OVERHEAD
        if length > size or (length < size and not last):
            raise ValueError(f"record {number} would have {length} octets, not {size}")
        nonce = (start ^ number).to_bytes(12)
        parts.append(cipher.encrypt(nonce, data + (_ENDS if last else _CONTINUES) + bytes(padding), None))
    return b"".join(parts)
