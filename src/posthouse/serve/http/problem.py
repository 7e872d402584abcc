"""Refusals as problem documents (RFC 8620 §3.6.1, RFC 7807)."""

from __future__ import annotations

from posthouse.kit import json
from posthouse.proto.jmap.errors import MethodError, RequestError
from posthouse.serve.http.answer import Answer, Headers

CLOSE: Headers = ((b"connection", b"close"),)
"""Says that the rest of a body will not be read."""

_SAID = {
    "accountNotFound": (404, "There is no such account."),
    "accountReadOnly": (403, "The account is read-only."),
    "forbidden": (403, "This is not allowed."),
    "serverUnavailable": (503, "This cannot be done now; try again later."),
}
"""Method errors that uploads and downloads meet, as HTTP says them."""


class Refused(RequestError):
    """A plain HTTP error, or a `RequestError` that needs headers of its own."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Headers = (),
        *,
        type: str = "about:blank",
        limit: str | None = None,
    ) -> None:
        super().__init__(type, status, detail, limit)
        self.headers = headers


def problem(error: RequestError) -> Answer:
    """Make the answer that tells a client why its request was refused."""
    headers = error.headers if isinstance(error, Refused) else ()
    type = (b"content-type", b"application/problem+json")
    return Answer(error.status, (type, *headers), json.dumps(error.problem()))


def too_busy(detail: str, seconds: int, limit: str | None = None) -> Refused:
    """Make the refusal of a client that shall come back after some seconds (RFC 6585 §4)."""
    type = "about:blank" if limit is None else "limit"
    return Refused(429, detail, ((b"retry-after", b"%d" % seconds),), type=type, limit=limit)


def from_method_error(error: MethodError) -> Refused:
    """Say in HTTP what a method would have said, for uploads and downloads (RFC 8620 §3.6.2)."""
    status, detail = _SAID.get(error.type, (400, f"The request failed: {error.type}."))
    return Refused(status, error.description or detail)
