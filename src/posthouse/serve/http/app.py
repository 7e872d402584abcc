"""The ASGI application: each request finds its resource, and each failure its answer (RFC 8620 §3.6.1).

A request takes four steps: its head is checked, the path and method name a handler, the handler returns an
`Answer` or raises a refusal, and the answer is sent. Only this module catches what nobody expected.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from posthouse.kit import log
from posthouse.kit.limits import Limits
from posthouse.proto.jmap.errors import RequestError
from posthouse.serve.http import urls
from posthouse.serve.http.answer import Answer, Headers, Receive, Send, send_answer
from posthouse.serve.http.api import ApiResource
from posthouse.serve.http.auth import Door
from posthouse.serve.http.blobs import DownloadResource, UploadResource
from posthouse.serve.http.cors import Cors
from posthouse.serve.http.eventsource import EventSourceResource
from posthouse.serve.http.exchange import Disconnected, Exchange, Scope
from posthouse.serve.http.front import FrontPage
from posthouse.serve.http.ports import Api, Beside, BlobAccess, SignIn, Tickets
from posthouse.serve.http.problem import CLOSE, Refused, problem
from posthouse.serve.http.proxy import Proxies, check_host
from posthouse.serve.http.session import SessionResource
from posthouse.serve.http.settings import Settings
from posthouse.serve.http.ticket import CookieResource, TicketResource
from posthouse.serve.http.websocket import WebSocketResource
from posthouse.serve.push.hub import Hub

Handler: TypeAlias = Callable[[Exchange], Awaitable[Answer]]

_log = log.get("http")


class Resource:
    """What is at one path: a handler for each method it allows."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers: Mapping[str, Handler] = handlers
        self.allow = ", ".join([*handlers, "OPTIONS"]).encode()


class Edge:
    """The HTTP edge as an ASGI application."""

    def __init__(
        self,
        *,
        sign_in: SignIn,
        tickets: Tickets,
        api: Api,
        blobs: BlobAccess,
        hub: Hub,
        limits: Limits,
        settings: Settings,
        beside: Sequence[Beside] = (),
    ) -> None:
        proxies = Proxies(settings.public_url, settings.trusted_proxies)
        door = Door(sign_in, tickets, proxies)
        session = SessionResource(door, proxies, api)
        ticket = TicketResource(door, tickets, proxies)
        cookie = CookieResource(door, tickets, proxies)
        front = FrontPage(proxies, api.capabilities, settings.demo)
        download = DownloadResource(door, blobs)
        api_resource = ApiResource(door, api, limits)
        websocket = WebSocketResource(door, api_resource, hub, sign_in, api, limits, settings.origins)
        self._at = {
            urls.API: Resource(POST=api_resource.post),
            urls.WELL_KNOWN: Resource(GET=session.get, HEAD=session.get),
            urls.SESSION: Resource(GET=session.get, HEAD=session.get),
            urls.EVENT_SOURCE: Resource(GET=EventSourceResource(door, hub, tickets, limits).get),
            urls.WEBSOCKET: Resource(GET=websocket.get),
            urls.TICKET: Resource(POST=ticket.post),
            urls.COOKIE: Resource(POST=cookie.post, DELETE=cookie.delete),
            "/": Resource(GET=front.get, HEAD=front.get),
            "/healthz": Resource(GET=_healthy, HEAD=_healthy),
        }
        self._below = {
            urls.UPLOAD: Resource(POST=UploadResource(door, blobs, limits).post),
            urls.DOWNLOAD: Resource(GET=download.get, HEAD=download.get),
        }
        self._hub = hub
        self._beside = beside
        self._cors = Cors(settings.origins)
        self._compress = settings.compress
        self._numbers = itertools.count(1)
        self._process = secrets.token_hex(4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope of ASGI: a request, or the life of the server."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise ValueError(f"this application does not speak {scope['type']}")

    def stop(self) -> None:
        """End what would go on by itself, so that the server can stop once its requests are answered."""
        self._hub.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        """Say that we are up, and down: what the edge stands on is opened and closed by who made it."""
        await receive()
        self._hub.open()
        for work in self._beside:
            work.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for work in self._beside:
            await work.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Each request is a task with a context of its own, so that nothing has to be unbound.
        request_id = f"{self._process}-{next(self._numbers):x}"
        log.name_request(request_id)
        more: Headers = ()
        accepted: bytes | None = None
        try:
            exchange = Exchange(scope, receive)
            more = self._cors.headers(exchange)
            if self._compress:
                accepted = exchange.headers.get(b"accept-encoding")
            answer = await self._answer(exchange)
        except RequestError as error:
            answer = problem(error)
        except Disconnected:
            return
        except Exception as error:
            _log.error("http.failed", **log.fault(error))
            detail = f"Something went wrong inside. The server's log has more under {request_id}."
            answer = problem(Refused(500, detail, CLOSE))
        try:
            await send_answer(answer, send, receive, accepted, more)
        except Exception as error:
            # The answer has begun, so all that is left is to break it off: the server sees that it is not
            # complete and closes the connection.
            _log.error("http.broken_off", **log.fault(error))

    async def _answer(self, exchange: Exchange) -> Answer:
        host = exchange.text(b"host")
        if host is not None:
            check_host(host)
        elif exchange.scope["http_version"] != "1.0":
            raise Refused(400, "The request has no Host.", CLOSE)
        resource = self._at.get(exchange.path) or self._resource_below(exchange.path)
        handler = resource.handlers.get(exchange.method)
        if handler is not None:
            return await handler(exchange)
        if exchange.method == "OPTIONS":
            return self._cors.options(exchange, resource.allow)
        detail = f"This resource allows {resource.allow.decode()}."
        raise Refused(405, detail, ((b"allow", resource.allow),))

    def _resource_below(self, path: str) -> Resource:
        for prefix, resource in self._below.items():
            if path.startswith(prefix):
                return resource
        raise Refused(404, "Nothing is here.")


async def _healthy(exchange: Exchange) -> Answer:
    return Answer(200, ((b"content-type", b"text/plain"), (b"cache-control", b"no-store")), b"ok\n")
