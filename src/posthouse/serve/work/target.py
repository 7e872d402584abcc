"""The URLs that the server may be asked to send to: ``https`` to one host, and nothing odd (RFC 3986 §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna

from posthouse.serve.work.address import Address

_LONGEST = 2048  # characters; those of push services have a few hundred
_URL = re.compile(
    r"https://(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[^\x00-\x20\x7f/?#@:\\\[\]%]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>[/?](?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as the last label it makes resolvers see an IPv4 address


class Refused(Exception):
    """The server does not send to this URL; the message says why and does not quote it, for it is a secret."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: `host` is a name in A-labels or an IP address, `address` is that address or None.

    `path` has the query too. `origin` is as tokens for push services have it, in U-labels and without the
    default port (RFC 6454 §6.1).
    """

    host: str
    port: int
    path: str
    address: Address | None
    origin: str

    @property
    def authority(self) -> str:
        """Host and port as a request names them (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"

    def __repr__(self) -> str:
        return f"Target({self.origin})"  # the path of a push resource is a secret (RFC 8030 §8.2)


def read(url: str) -> Target:
    """Read a URL. Raises `Refused` for anything but ``https://host[:port][/path][?query]`` in plain form."""
    match = _URL.fullmatch(url) if len(url) <= _LONGEST else None
    if match is None:
        raise Refused(_reason(url))
    host, address = _host(match["host"])
    port = int(match["port"] or 443)
    if not 0 < port < 65536:
        raise Refused("there is no such port")
    path = match["path"] or "/"
    origin = "https://" + (f"[{host}]" if ":" in host else _readable(host))
    return Target(
        host,
        port,
        path if path.startswith("/") else f"/{path}",
        address,
        origin if port == 443 else f"{origin}:{port}",
    )


def _reason(url: str) -> str:
    if len(url) > _LONGEST:
        return f"the URL has more than {_LONGEST} characters"
    if not url.startswith("https://"):
        return "the URL does not begin with https://"
    return "the URL is not of the form https://host[:port]/path, without user name and fragment"


def _host(text: str) -> tuple[str, Address | None]:
    """Give a host its one form, and say which address it is if it is none of a name."""
    if text.startswith("["):
        try:
            address = IPv6Address(text[1:-1])
        except AddressValueError:
            raise Refused("the host is not an IPv6 address") from None
        return str(address), address
    name = text.lower()
    if not name.isascii():
        try:
            name = idna.encode(name).decode()
        except UnicodeError:
            raise Refused("the host is not a valid internationalized name") from None
    if _NAME.fullmatch(name) is None:
        raise Refused("the host is not a name")
    if _NUMBER.fullmatch(name.rpartition(".")[2]) is None:
        return name, None
    try:
        return name, IPv4Address(name)
    except AddressValueError:
        raise Refused("the host is neither a name nor an IPv4 address in its usual form") from None


def _readable(name: str) -> str:
    """Write a name in U-labels."""
    if "xn--" not in name:
        return name
    try:
        return idna.decode(name)
    except UnicodeError:
        raise Refused("the host is not a valid internationalized name") from None
