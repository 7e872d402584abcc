"""The keys of a push subscription, which the client made (RFC 8620 §7.2, RFC 8291 §2.1)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from posthouse.proto.webpush import base64url

CURVE = ec.SECP256R1()
POINT = 65  # octets of an uncompressed point: 0x04, x, y
_AUTH = 16  # octets (RFC 8291 §3.2)


class BadKey(ValueError):
    """What was given is not such a key; the message says why, and does not quote it."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Whom a message is encrypted for: the public key, also as the 65 octets of its point, and the secret."""

    key: ec.EllipticCurvePublicKey
    point: bytes
    auth: bytes

    def __repr__(self) -> str:
        return "Receiver()"  # the secret belongs in no log


def read(p256dh: str, auth: str) -> Receiver:
    """Read the keys of a subscription: base64url, with or without padding.

    Raises `BadKey` unless `p256dh` is an uncompressed point on the curve P-256 (RFC 8291 §7) and `auth` has 16
    octets.
    """
    try:
        point = base64url.decode(p256dh, POINT)
    except ValueError:
        raise BadKey(f"p256dh is not base64url of {POINT} octets") from None
    try:
        secret = base64url.decode(auth, _AUTH)
    except ValueError:
        raise BadKey(f"auth is not base64url of {_AUTH} octets") from None
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    except ValueError:
        raise BadKey("p256dh is not a point on the curve P-256") from None
    return Receiver(key, point, secret)
