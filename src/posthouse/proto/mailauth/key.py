"""Keys: those that signers publish, and our own (RFC 6376 §3.6.1, RFC 8301, RFC 8463)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from posthouse.proto.mailauth import domain, tags

Algorithm: TypeAlias = Literal["rsa-sha256", "ed25519-sha256"]

_MIN_BITS: Final = 1024
_MAX_BITS: Final = (
    4096  # what verifiers must take; more costs time that a stranger would choose (RFC 8301 §3.2)
)
_MAX_EXPONENT_BITS: Final = 64
_MAX_RECORD: Final = 4096
_OUR_BITS: Final = 2048
_PREHASHED: Final = Prehashed(hashes.SHA256())
_STRING: Final = 255  # octets of one string in a TXT record


class BadKey(ValueError):
    """There is no usable key in what was given; the message says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key from the DNS.

    :ivar strict: the identity of a signature must be of the signing domain itself (flag ``s``).
    """

    key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    strict: bool

    @property
    def kind(self) -> str:
        """``rsa`` or ``ed25519``."""
        return "rsa" if isinstance(self.key, rsa.RSAPublicKey) else "ed25519"

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Tell whether a signature is this key's for a SHA-256 digest."""
        try:
            if isinstance(self.key, rsa.RSAPublicKey):
                self.key.verify(signature, digest, padding.PKCS1v15(), _PREHASHED)
            else:
                self.key.verify(signature, digest)
        except InvalidSignature:
            return False
        return True


@lru_cache(maxsize=256)
def read_record(text: str) -> PublicKey:
    """Read the TXT record of a key (RFC 6376 §3.6.1).

    Raises `BadKey` if it is none, revoked, not for mail or SHA-256, or of a size that is not 1024 to 4096 bits.
    """
    if len(text) > _MAX_RECORD:
        raise BadKey("the key is too long")
    try:
        found = tags.parse(text)
        value = tags.octets(found["p"])
    except KeyError:
        raise BadKey("the key record has no key") from None
    except tags.BadTags:
        raise BadKey("the key record is malformed") from None
    if "v" in found and (next(iter(found)) != "v" or found["v"] != "DKIM1"):
        raise BadKey("the key record is of another version")
    if not value:
        raise BadKey("the key was revoked")
    if "h" in found and "sha256" not in tags.names(found["h"]):
        raise BadKey("the key is not for SHA-256")
    if "s" in found and not {"*", "email"} & set(tags.names(found["s"])):
        raise BadKey("the key is not for mail")
    return PublicKey(_public(found.get("k", "rsa"), value), "s" in tags.names(found.get("t", "")))


def _public(kind: str, value: bytes) -> rsa.RSAPublicKey | ed25519.Ed25519PublicKey:
    """Make a key of its octets: a SubjectPublicKeyInfo, the RSAPublicKey within, or 32 octets (RFC 8463 §4)."""
    try:
        if kind == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(value)
        key = serialization.load_der_public_key(value)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("the key is malformed") from None
    if kind != "rsa" or not isinstance(key, rsa.RSAPublicKey):
        raise BadKey("the key is of an unknown kind")
    if not _MIN_BITS <= key.key_size <= _MAX_BITS:
        raise BadKey(f"the key has not {_MIN_BITS} to {_MAX_BITS} bits")
    if key.public_numbers().e.bit_length() > _MAX_EXPONENT_BITS:
        raise BadKey("the key has an absurd exponent")
    return key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of ours, and where its public half is found.

    :ivar domain: the signing domain in canonical form.
    :ivar selector: what tells this key from others of that domain.
    """

    domain: str
    selector: str
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"SigningKey({self.name!r})"  # the secret belongs in no log

    @property
    def algorithm(self) -> Algorithm:
        """Its name in signatures."""
        return "rsa-sha256" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519-sha256"

    @property
    def name(self) -> str:
        """Domain name of its TXT record (RFC 6376 §3.6.2.1)."""
        return record_name(self.domain, self.selector)

    def sign(self, digest: bytes) -> bytes:
        """Sign a SHA-256 digest."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(digest, padding.PKCS1v15(), _PREHASHED)
        return self.key.sign(digest)

    def record(self) -> str:
        """Write the text of its TXT record (RFC 6376 §3.6.1)."""
        public = self.key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            value = public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return f"v=DKIM1; k=rsa; p={base64.b64encode(value).decode()}"
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(public.public_bytes_raw()).decode()}"

    def pem(self) -> bytes:
        """Write the private key in PEM (PKCS #8), unencrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def generate(algorithm: Algorithm, signing_domain: str, selector: str) -> SigningKey:
    """Make a new key, RSA of 2048 bits or Ed25519; raises `BadKey` if domain or selector are no names."""
    made = (
        rsa.generate_private_key(65537, _OUR_BITS)
        if algorithm == "rsa-sha256"
        else ed25519.Ed25519PrivateKey.generate()
    )
    return _named(made, signing_domain, selector)


def read_pem(pem: bytes, signing_domain: str, selector: str) -> SigningKey:
    """Read a private key of PKCS #8 or PKCS #1 without a password.

    Raises `BadKey` if it is none, neither RSA of 1024 bits or more nor Ed25519, or domain or selector are no names.
    """
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("no private key in PEM without a password") from None
    if isinstance(key, ed25519.Ed25519PrivateKey) or (
        isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _MIN_BITS
    ):
        return _named(key, signing_domain, selector)
    raise BadKey("neither an RSA key of 1024 bits or more nor an Ed25519 key")


def _named(
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, signing_domain: str, selector: str
) -> SigningKey:
    at, which = domain.canonical(signing_domain), domain.canonical(selector)
    if at is None or which is None or not domain.askable(record_name(at, which)):
        raise BadKey("domain or selector is no domain name")
    return SigningKey(at, which, key)


def record_name(signing_domain: str, selector: str) -> str:
    """Return the domain name of a key's TXT record (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{signing_domain}"


def zone_text(record: str) -> str:
    """Write a TXT record's text as zone files want it: quoted strings of at most 255 octets (RFC 1035 §3.3.14)."""
    strings = (record[at : at + _STRING] for at in range(0, max(len(record), 1), _STRING))
    return " ".join('"' + string.replace("\\", "\\\\").replace('"', '\\"') + '"' for string in strings)
