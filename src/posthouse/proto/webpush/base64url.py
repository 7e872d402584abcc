"""Base64url without padding, as keys and tokens are written (RFC 4648 §5, RFC 7515 §2)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(octets: bytes) -> str:
    """Write octets, without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text: str, length: int) -> bytes:
    """Read exactly `length` octets, written with or without padding.

    Raises ValueError for another length, another alphabet, or a text that is not the one way to write them.
    """
    bare = text[:-2] + text[-2:].rstrip("=")
    if len(bare) != (length * 4 + 2) // 3 or len(text) not in (len(bare), len(bare) + -len(bare) % 4):
        raise ValueError(f"not {length} octets in base64url")
    octets = urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    if encode(octets) != bare:  # the decoder skips what it does not know, and bits that are left over
        raise ValueError("not base64url")
    return octets
