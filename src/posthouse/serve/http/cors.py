"""Which pages of other origins may read our answers (Fetch standard, CORS protocol)."""

from __future__ import annotations

from collections.abc import Collection

from posthouse.serve.http.answer import Answer, Headers
from posthouse.serve.http.exchange import Exchange

_EXPOSED = (
    b"access-control-expose-headers",
    b"Content-Range, ETag, Location, Retry-After, WWW-Authenticate",
)
_ANY: Headers = ((b"access-control-allow-origin", b"*"), _EXPOSED)
_VARY = (b"vary", b"origin")
_PREFLIGHT: Headers = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Accept, Authorization, Content-Type, If-None-Match, If-Range, Last-Event-ID, Range, "
        b"X-Requested-With",
    ),
    (b"access-control-max-age", b"86400"),
)


class Cors:
    """Adds what browsers need to every answer, refusals too.

    `origins` are allowed; ``*`` among them allows all. Credentials of the browser's own (cookies) are never
    allowed, so an origin gains only what it could ask for without a browser. (`Door` takes our cookie from pages of
    our own origin alone, which need no leave from here.)
    """

    def __init__(self, origins: Collection[str]) -> None:
        self._any = "*" in origins
        self._allowed = {origin.encode() for origin in origins}

    def headers(self, exchange: Exchange) -> Headers:
        """Return the headers that each answer to this request gets.

        With ``*`` a page may get what its browser kept from a plain load, so that all have them but plain
        POSTs, which nobody keeps.
        """
        origin = exchange.headers.get(b"origin")
        if self._any:
            return () if origin is None and exchange.method == "POST" else _ANY
        if origin is None or origin not in self._allowed:
            return (_VARY,)
        return ((b"access-control-allow-origin", origin), _EXPOSED, _VARY)

    def options(self, exchange: Exchange, allow: bytes) -> Answer:
        """Answer OPTIONS, preflight or not, without asking for credentials."""
        preflight = b"access-control-request-method" in exchange.headers
        return Answer(204, ((b"allow", allow), *(_PREFLIGHT if preflight else ())))
