"""Carrying a request out over HTTPS, with aiohttp.

Apart from `outward` because aiohttp costs 8 MB of memory and 200 ms: only a worker that sends pays that.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv6Address
from socket import AF_INET, AF_INET6, AF_UNSPEC, AI_NUMERICHOST, AddressFamily

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from posthouse.kit import clock
from posthouse.serve.work.address import Address
from posthouse.serve.work.answer import Answer, Unreachable, seconds_to_wait
from posthouse.serve.work.target import Target

LONGEST_BODY = 4096  # octets of an answer that are read
_LONGEST_LINE = 4096  # octets of a line of its head
_MOST_FIELDS = 64
_CONNECTIONS = 64
_CONNECTIONS_TO_ONE_HOST = 16
_IDLE = 15  # seconds that a connection is kept for the next request
_REMEMBERED = 60  # seconds that the checked addresses of a name are good for
_BODY_PATIENCE = 2.0  # seconds: the status is what counts


class Carrier:
    """Sends requests to the addresses that `resolve` gives for a name, and to no others.

    The certificate must be the name's, and `trust` says whose signature is good for that. There are no
    redirects, proxies, cookies or unpacked bodies.
    """

    def __init__(
        self,
        resolve: Callable[[str], Awaitable[Sequence[Address]]],
        trust: ssl.SSLContext,
        connect_patience: float,
    ) -> None:
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(resolve),
            ssl=trust,
            family=AF_UNSPEC,
            ttl_dns_cache=_REMEMBERED,
            limit=_CONNECTIONS,
            limit_per_host=_CONNECTIONS_TO_ONE_HOST,
            keepalive_timeout=_IDLE,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_patience),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            read_bufsize=LONGEST_BODY,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=_MOST_FIELDS,
        )

    async def post(self, target: Target, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body and return the answer to it. Raises `Unreachable`, and what `resolve` raises."""
        path, _, query = target.path.partition("?")
        url = URL.build(
            scheme="https", host=target.host, port=target.port, path=path, query_string=query, encoded=True
        )
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                wait = seconds_to_wait(response.headers.get("Retry-After"), clock.now())
                return Answer(response.status, wait, await _beginning(response))
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(_reason(error)) from error

    async def close(self) -> None:
        """Close all connections; requests on their way are `Unreachable`."""
        await self._session.close()


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Read what comes of a body in time and in bounds; what fails now takes nothing from the answer."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_PATIENCE):
            while len(body) < LONGEST_BODY:
                piece = await response.content.read(LONGEST_BODY - len(body))
                if not piece:
                    return bytes(body)
                body += piece
    except (aiohttp.ClientError, OSError):
        pass
    response.close()  # what is still to come would be taken for the next answer
    return bytes(body)


def _reason(error: aiohttp.ClientError | OSError) -> str:
    """Say what went wrong in words for the owner of a subscription, without names and numbers of our network."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "the host has no address"
        case aiohttp.ClientConnectorCertificateError():
            return "the certificate of the host is not valid"
        case aiohttp.ClientSSLError():
            return "the host does not speak TLS as it should"
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError():
            return "no connection to the host"
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return "the host closed the connection"
        case _:
            return "the host answered something that is not HTTP"


class _Resolver(AbstractResolver):
    """Hands aiohttp the addresses to connect to."""

    def __init__(self, resolve: Callable[[str], Awaitable[Sequence[Address]]]) -> None:
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=AF_INET6 if isinstance(address, IPv6Address) else AF_INET,
                proto=0,
                flags=AI_NUMERICHOST,
            )
            for address in await self._resolve(host)
        ]

    async def close(self) -> None:
        """Hold nothing that would have to be released."""
