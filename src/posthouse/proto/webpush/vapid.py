"""Saying to push services who sends: a signed token in each request (RFC 8292)."""

from __future__ import annotations

from collections import OrderedDict

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from posthouse.kit import json
from posthouse.proto.webpush import base64url
from posthouse.proto.webpush.key import CURVE, BadKey

_HEAD = base64url.encode(b'{"typ":"JWT","alg":"ES256"}')
_LIFE = 12 * 3600  # seconds; more than 24 hours are forbidden, and clocks differ (RFC 8292 §2)
_REUSE = 6 * 3600  # seconds that a token is sent again, so that one on its way is still good for hours
_ORIGINS = 256  # whose tokens are kept: strangers name them


class ServerKey:
    """The key pair by which push services know this server (RFC 8292 §2, RFC 9749 §3).

    `public` is its public half as clients need it: the uncompressed point in base64url, the value of
    ``applicationServerKey``. It is for signing only, never for encrypting (RFC 8292 §3.2).
    """

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = base64url.encode(point)

    @classmethod
    def generate(cls) -> ServerKey:
        """Draw a new key pair."""
        return cls(ec.generate_private_key(CURVE))

    @classmethod
    def from_pem(cls, pem: bytes) -> ServerKey:
        """Read a private key as `pem` writes it, or as openssl does. Raises `BadKey`."""
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it wants a password
            raise BadKey("not an unencrypted private key in PEM") from None
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != CURVE.name:
            raise BadKey("not a private key on the curve P-256")
        return cls(private)

    def pem(self) -> bytes:
        """Write the private key, unencrypted, as PKCS #8 in PEM."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """Sign as ES256 does: the two numbers of the signature, 32 octets each (RFC 7518 §3.4)."""
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


class Signer:
    """Writes the ``Authorization`` field for push services; a token is used again for hours.

    `contact` is a ``mailto:`` or ``https:`` URI by which a push service can reach who runs this server; some
    services demand one (RFC 8292 §2.1). Raises ValueError for another.
    """

    def __init__(self, key: ServerKey, contact: str | None = None) -> None:
        if contact is not None and not contact.startswith(("mailto:", "https:")):
            raise ValueError("the contact must be a mailto: or https: URI")
        self._key = key
        self._contact = contact
        self._kept: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def authorization(self, origin: str, now: float) -> str:
        """Return the field's value for an origin such as ``https://push.example.net``, at a Unix time.

        The origin has no default port and no path (RFC 6454 §6.1).
        """
        made, value = self._kept.get(origin, (0, ""))
        # A clock that was set back would make a kept token last more than 24 hours.
        if not value or not 0 <= now - made < _REUSE:
            made, value = int(now), self._sign(origin, int(now) + _LIFE)
            self._kept[origin] = made, value
        self._kept.move_to_end(origin)
        if len(self._kept) > _ORIGINS:
            self._kept.popitem(last=False)
        return value

    def _sign(self, origin: str, expires: int) -> str:
        claims: json.JsonObject = {"aud": origin, "exp": expires}
        if self._contact is not None:
            claims["sub"] = self._contact
        body = f"{_HEAD}.{base64url.encode(json.dumps(claims))}"
        signature = base64url.encode(self._key.sign(body.encode()))
        return f"vapid t={body}.{signature}, k={self._key.public}"
