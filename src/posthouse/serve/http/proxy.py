"""Who is at the other end, and which URL he sees, also through proxies that we trust (RFC 7239)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from posthouse.serve.http.exchange import Exchange
from posthouse.serve.http.problem import Refused

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_HAS_PORT = re.compile(r":[0-9]+\Z")
_SCHEMES = {"http": "80", "https": "443"}  # and their ports


class Proxies:
    """The proxies in front of us, and what they tell of the client.

    public_url: the configured URL, or None. trusted: addresses and networks of proxies; raises ValueError
    if one is neither.
    """

    def __init__(self, public_url: str | None, trusted: Iterable[str]) -> None:
        self._public_url = None if public_url is None else public_url.rstrip("/")
        self._trusted = [ipaddress.ip_network(network, strict=False) for network in trusted]

    def base_url(self, exchange: Exchange) -> str:
        """Return the URL that the client reaches ``/`` at, without a slash at its end.

        It is the configured one, or else made of the scheme and the host of the request, as a trusted proxy
        or the request itself tells them. Raises `Refused` for a host that is none.
        """
        if self._public_url is not None:
            return self._public_url
        scheme: str = exchange.scope["scheme"]
        host = exchange.text(b"host")
        if self._is_trusted(exchange.peer):
            forwarded = _first_forwarded(exchange.text(b"forwarded") or "")
            scheme = forwarded.get("proto") or _first(exchange.text(b"x-forwarded-proto")) or scheme
            host = forwarded.get("host") or _first(exchange.text(b"x-forwarded-host")) or host
            port = _first(exchange.text(b"x-forwarded-port"))
            if host and port and not _HAS_PORT.search(host) and port != _SCHEMES.get(scheme):
                host = f"{host}:{port}"
            if scheme not in _SCHEMES:
                raise Refused(400, "A proxy forwarded a scheme that is neither http nor https.")
        if not host:  # HTTP/1.0: the address that was asked
            address, number = exchange.scope["server"]
            host = f"[{address}]:{number}" if ":" in address else f"{address}:{number}"
        check_host(host)
        return f"{scheme}://{host}"

    def origin(self, exchange: Exchange) -> str:
        """Return our web origin, as a browser writes it (RFC 6454 §6.1); raises `Refused` as `base_url` does."""
        parts = urlsplit(self.base_url(exchange))
        host = parts.netloc.lower().removesuffix(":" + _SCHEMES[parts.scheme])
        return f"{parts.scheme}://{host}"

    def client(self, exchange: Exchange) -> str:
        """Return the address of the client: the last one that no trusted proxy has.

        Only X-Forwarded-For is read, which every proxy appends to: one that knows nothing of Forwarded
        would pass on whatever the client wrote there.
        """
        if not self._is_trusted(exchange.peer):
            return exchange.peer
        for hop in reversed((exchange.text(b"x-forwarded-for") or "").split(",")):
            address = _address(hop.strip())
            if address is None:
                break
            if not self._is_trusted(hop.strip()):
                return str(address)
        return exchange.peer

    def _is_trusted(self, peer: str) -> bool:
        if not self._trusted:
            return False
        address = _address(peer)
        return address is not None and any(address in network for network in self._trusted)


def check_host(host: str) -> None:
    """Raise `Refused` for what is no host with an optional port (RFC 9112 §3.2)."""
    if _HOST.fullmatch(host) is None:
        raise Refused(400, "The Host is no host name or address with an optional port.")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address; one of IPv4 that comes through a socket of IPv6 is what it is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _first(value: str | None) -> str | None:
    """Return the first item of a list, which the proxy next to the client wrote."""
    return None if value is None else value.split(",")[0].strip()


def _first_forwarded(value: str) -> dict[str, str]:
    """Return the parameters of the first element of a Forwarded header (RFC 7239 §4)."""
    pairs = (part.partition("=") for part in value.split(",")[0].split(";"))
    return {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}
