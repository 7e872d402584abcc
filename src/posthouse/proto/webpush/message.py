"""Push messages that only the subscriber can read (RFC 8291)."""

from __future__ import annotations

import hmac
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from posthouse.proto.webpush import coding
from posthouse.proto.webpush.key import CURVE, POINT, Receiver

LONGEST_BODY = 4096  # octets that each push service takes (RFC 8030 §7.2)
_OVERHEAD = coding.header_length(bytes(POINT)) + coding.OVERHEAD
LONGEST_PAYLOAD = LONGEST_BODY - _OVERHEAD  # 3993 octets (RFC 8291 §4)
_STEP = 1024  # bodies have one of four lengths, and most messages of JMAP the first


class TooLong(ValueError):
    """The payload has more than `LONGEST_PAYLOAD` octets."""


def encrypt(
    payload: bytes,
    receiver: Receiver,
    *,
    step: int = _STEP,
    salt: bytes | None = None,
    sender: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Encrypt a payload for a subscriber: the body of a request with ``Content-Encoding: aes128gcm``.

    It is padded until the body's length is a multiple of `step` octets, which hides the payload's length from
    the push service (RFC 8291 §7); 1 means no padding. `salt` and `sender` are drawn anew for each message
    unless a test needs known ones. Raises `TooLong`.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise TooLong(f"a push message of {len(payload)} octets, where {LONGEST_PAYLOAD} are the most")
    sender = sender or ec.generate_private_key(CURVE)
    point = sender.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    length = len(payload) + _OVERHEAD
    padding = min(-length % step, LONGEST_BODY - length)
    return coding.seal(
        [(payload, padding)],
        _material(sender.exchange(ec.ECDH(), receiver.key), receiver, point),
        salt or secrets.token_bytes(coding.SALT),
        size=LONGEST_BODY,
        key_id=point,
    )


def _material(shared: bytes, receiver: Receiver, sender: bytes) -> bytes:
    """Derive the input keying material from the shared secret (RFC 8291 §3.3)."""
    extract = hmac.digest(receiver.auth, shared, "sha256")
    return hmac.digest(extract, b"WebPush: info\0" + receiver.point + sender + b"\x01", "sha256")
