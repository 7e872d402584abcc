"""The Request object, read from bytes that a stranger sent (RFC 8620 §3.1-§3.3)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple, NoReturn

from posthouse.kit import json
from posthouse.kit.json import Json, JsonObject
from posthouse.kit.limits import Limits
from posthouse.proto.jmap.errors import RequestError
from posthouse.proto.jmap.ids import is_id

MOST_VALUES = 300_000
"""How many values a request may hold: objects, arrays and their members."""

_BEFORE_VALUES = (b",", b"[", b"{")
# One that is never closed matches too, or each quote in it would be tried anew.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)


class Invocation(NamedTuple):
    """One method call (RFC 8620 §3.2)."""

    name: str
    arguments: JsonObject
    call_id: str


class Request(NamedTuple):
    """The method calls of one API request (RFC 8620 §3.3).

    `using` are the capabilities that the client opted in to, all of them known; `created_ids` maps
    creation ids to ids, or is None if the client gave none and wants none back.
    """

    using: frozenset[str]
    calls: list[Invocation]
    created_ids: dict[str, str] | None


def parse_request(body: bytes, content_type: str | None, limits: Limits, known: Collection[str]) -> Request:
    """Read and check a Request; `known` are the capabilities of this server.

    Raises `RequestError`: ``notJSON``, ``notRequest``, ``unknownCapability`` or ``limit``
    (RFC 8620 §3.6.1). Properties of the Request object that we do not know are ignored (RFC 8620 §3.3).
    """
    if content_type != "application/json" and not _is_json_type(content_type):
        raise RequestError("notJSON", 400, "The content type of a request is application/json.")
    return check_request(read_object(body, limits), limits, known)


def read_object(body: bytes, limits: Limits) -> JsonObject:
    """Read the JSON object that a request consists of.

    Raises `RequestError`: ``notJSON``, ``notRequest`` for anything but an object, or ``limit``.
    """
    if len(body) > limits.max_size_request:
        detail = f"A request is at most {limits.max_size_request} octets long."
        raise RequestError("limit", 400, detail, "maxSizeRequest")
    if _values(body) > MOST_VALUES:
        _refuse_unread(body)
    try:
        document = json.loads_strict(body)
    except json.NotJSON as error:
        raise RequestError("notJSON", 400, f"The request is not I-JSON: {error}.") from None
    if not isinstance(document, dict):
        _refuse("A request is an object.")
    return document


def check_request(document: JsonObject, limits: Limits, known: Collection[str]) -> Request:
    """Make a Request of the object that was read; `known` is as in `parse_request`.

    Raises `RequestError`: ``notRequest``, ``unknownCapability`` or ``limit``.
    """
    using = _using(document.get("using"))
    calls = _calls(document.get("methodCalls"))
    created_ids = document.get("createdIds")
    if created_ids is not None or "createdIds" in document:
        _check_created_ids(created_ids)
    unknown = using.difference(known)
    if unknown:
        detail = f"The capability {min(unknown)[:255]!r} is not known to this server."
        raise RequestError("unknownCapability", 400, detail)
    if len(calls) > limits.max_calls_in_request:
        detail = f"A request has at most {limits.max_calls_in_request} method calls."
        raise RequestError("limit", 400, detail, "maxCallsInRequest")
    return Request(using, calls, created_ids)


def _values(body: bytes) -> int:
    """Count about how many values a text holds, without reading it: that stops everything else in the process."""
    most = sum(map(body.count, _BEFORE_VALUES))
    if most <= MOST_VALUES:
        return most
    bare = _STRING.sub(b"", body)
    return sum(map(bare.count, _BEFORE_VALUES))


def _is_json_type(content_type: str | None) -> bool:
    return content_type is not None and content_type.partition(";")[0].strip().lower() == "application/json"


def _using(value: Json) -> frozenset[str]:
    if not isinstance(value, list):
        _refuse("'using' is an array.")
    for uri in value:
        if not isinstance(uri, str):
            _refuse("'using' is an array of strings.")
    return frozenset(value)


def _calls(value: Json) -> list[Invocation]:
    if not isinstance(value, list):
        _refuse("'methodCalls' is an array.")
    calls = []
    for call in value:
        if not isinstance(call, list) or len(call) != 3:
            _refuse("A method call is an array of three.")
        name, arguments, call_id = call
        if not (isinstance(name, str) and isinstance(arguments, dict) and isinstance(call_id, str)):
            _refuse("A method call is a string, an object and a string.")
        calls.append(Invocation(name, arguments, call_id))
    return calls


def _check_created_ids(value: Json) -> None:
    if not isinstance(value, dict):
        _refuse("'createdIds' is an object.")
    for creation_id, record_id in value.items():
        if not (is_id(creation_id) and isinstance(record_id, str) and is_id(record_id)):
            _refuse("'createdIds' maps ids to ids.")


def _refuse_unread(body: bytes) -> NoReturn:
    """Refuse a text of too many values; one that opens more than it closes is not even JSON."""
    bare = _STRING.sub(b"", body)
    if any(bare.count(opening) != bare.count(closing) for opening, closing in ((b"[", b"]"), (b"{", b"}"))):
        raise RequestError("notJSON", 400, "The request is not I-JSON: it opens what it does not close.")
    _refuse(f"A request has at most {MOST_VALUES} values.")


def _refuse(detail: str) -> NoReturn:
    raise RequestError("notRequest", 400, detail)
