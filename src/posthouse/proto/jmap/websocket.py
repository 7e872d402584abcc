"""What is said over a WebSocket: the objects of the subprotocol ``jmap`` (RFC 8887 §4.3)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from posthouse.kit.json import Json, JsonObject, dumps
from posthouse.kit.limits import Limits
from posthouse.proto.jmap.errors import RequestError
from posthouse.proto.jmap.request import Request, check_request, read_object

SUBPROTOCOL: Final = "jmap"
"""The name that both sides agree on at the handshake (RFC 8887 §4.2)."""

REQUEST: Final = "Request"
ENABLE: Final = "WebSocketPushEnable"
DISABLE: Final = "WebSocketPushDisable"

_LONGEST_ID: Final = 1024  # characters of what a client has us echo
_MOST_TYPES: Final = 1000  # names of types that we keep while a connection lives


class Message(NamedTuple):
    """What a client sent: the object, its ``@type``, which may be anything, and its ``id`` if it has one."""

    type: Json
    id: str | None
    document: JsonObject


class PushEnable(NamedTuple):
    """A wish to be told: of these types, None standing for all, and since which ``pushState``, if any."""

    types: Collection[str] | None
    push_state: str | None


def read_message(body: bytes, limits: Limits) -> Message:
    """Read what a client sent in one message.

    Raises `RequestError`: ``notJSON``, ``limit``, or ``notRequest`` for what is no object or has an ``id`` that
    is no string of at most 1,024 characters.
    """
    document = read_object(body, limits)
    id = document.get("id")
    if id is not None and not (isinstance(id, str) and len(id) <= _LONGEST_ID):
        raise RequestError("notRequest", 400, f"'id' is a string of at most {_LONGEST_ID} characters.")
    return Message(document.get("@type"), id, document)


def as_request(message: Message, limits: Limits, known: Collection[str]) -> Request:
    """Take a message as a Request (RFC 8887 §4.3.2). Raises `RequestError` as `check_request` does."""
    if message.type != REQUEST:
        detail = f"The '@type' of a message is {REQUEST}, {ENABLE} or {DISABLE}."
        raise RequestError("notRequest", 400, detail)
    return check_request(message.document, limits, known)


def as_push_enable(message: Message) -> PushEnable:
    """Take a message as a WebSocketPushEnable; raises `RequestError` ``notRequest`` (RFC 8887 §4.3.5.2).

    No ``dataTypes`` at all stand for all types, as null does.
    """
    types = message.document.get("dataTypes")
    if types is not None and not (isinstance(types, list) and all(isinstance(name, str) for name in types)):
        raise RequestError("notRequest", 400, "'dataTypes' is an array of strings or null.")
    if types is not None and len(types) > _MOST_TYPES:
        raise RequestError("notRequest", 400, f"'dataTypes' has at most {_MOST_TYPES} names.")
    push_state = message.document.get("pushState")
    if push_state is not None and not isinstance(push_state, str):
        raise RequestError("notRequest", 400, "'pushState' is a string.")
    return PushEnable(types, push_state)


def response(answer: bytes, id: str | None) -> tuple[bytes, memoryview]:
    """Make the message of a Response object: its pieces, so that a long answer is not copied (RFC 8887 §4.3.3).

    answer: a Response as JSON, which has at least one property.
    """
    head = b'{"@type":"Response",' if id is None else b'{"@type":"Response","requestId":%b,' % dumps(id)
    return head, memoryview(answer)[1:]


def request_error(error: RequestError, id: str | None) -> bytes:
    """Write a problem document as a message (RFC 8887 §4.3.4)."""
    named = {} if id is None else {"requestId": id}
    return dumps({"@type": "RequestError", **named, **error.problem()})


def state_change(change: JsonObject, push_state: str) -> bytes:
    """Write a StateChange object as a message (RFC 8887 §4.3.5.1)."""
    return dumps({**change, "pushState": push_state})
