"""WebSockets as an independent client library opens them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from wire.person import Person
from wire.websocket import basic

JMAP = Subprotocol("jmap")
WEBSOCKET = "urn:ietf:params:jmap:websocket"


class Conversation:
    """An open WebSocket on which JSON values are said and heard."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def hear(self) -> Any:
        return json.loads(self.connection.recv(30))

    def request(self, person: Person, id: str, *calls: list[Any]) -> None:
        """Send a Request with these calls."""
        using = [*person.session["capabilities"]]
        self.say(**{"@type": "Request", "id": id, "using": using, "methodCalls": list(calls)})

    def enable(self, types: list[str] | None = None, **more: str) -> None:
        """Wish to be told of changes, and wait until that has been heard."""
        self.say(**{"@type": "WebSocketPushEnable", "dataTypes": types, **more})

    def code(self) -> int | None:
        """Wait for the end and give its code."""
        for _ in self.connection:
            pass
        return self.connection.protocol.close_code


Talk = Callable[..., Conversation]


@pytest.fixture
def talk() -> Iterator[Talk]:
    """Open a WebSocket for a person, as he signs in unless another Authorization is given."""
    with ExitStack() as stack:

        def opened(person: Person, authorization: str | None = None, **more: Any) -> Conversation:
            header = authorization or basic(person.user.name, person.user.password)
            opening = connect(
                person.session["capabilities"][WEBSOCKET]["url"],
                additional_headers={"Authorization": header},
                subprotocols=[JMAP],
                compression=None,
                max_size=None,
                **more,
            )
            return Conversation(stack.enter_context(opening))

        yield opened
