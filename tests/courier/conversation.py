"""A session with a driver that grants everything, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from posthouse.proto.smtp.event import Auth, AuthResponse, Chunk, Done, Event, MailFrom, RcptTo, StartTls
from posthouse.proto.smtp.limits import Limits
from posthouse.proto.smtp.peer import Role
from posthouse.proto.smtp.reply import Reply
from posthouse.proto.smtp.service import Service
from posthouse.proto.smtp.session import Session

GRANTED = Reply(250, "2.0.0", "yes")


def session(role: Role = "smtp", *, is_secure: bool = False, **named: Any) -> Session:
    limits = Limits(**named.pop("limits", {}))
    return Session(Service(role=role, hostname="mx.example", limits=limits, **named), is_secure=is_secure)


@dataclass
class Conversation:
    """Feeds a session, grants what it asks, and keeps its events and replies."""

    session: Session = field(default_factory=session)
    events: list[Event] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    replies_to_message: list[Reply] = field(default_factory=lambda: [GRANTED])

    def say(self, *pieces: bytes) -> list[int]:
        """Feed pieces, and give the codes of what was replied."""
        for piece in pieces:
            self.session.feed(piece)
            self.run()
        return codes(self.session.take())

    def run(self) -> None:
        while (event := self.session.next()) is not None:
            self.events.append(event)
            match event:
                case RcptTo() if str(event.address) in self.refused:
                    self.session.answer(Reply(550, "5.1.1", "no"))
                case MailFrom() | RcptTo():
                    self.session.answer(GRANTED)
                case Done():
                    self.session.settle(self.replies_to_message)
                case StartTls():
                    self.session.answer(Reply(220, "2.0.0", "go on"))
                case Auth() | AuthResponse():
                    self.session.answer(Reply(235, "2.7.0", "welcome"))
                case _:
                    pass

    @property
    def content(self) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, Chunk))


def codes(output: bytes) -> list[int]:
    """Give the code of each reply."""
    lines = output.decode("ascii").split("\r\n")
    assert "" == lines.pop()
    return [int(line[:3]) for line in lines if line[3] == " "]


def whole(events: Iterable[Event]) -> list[Event | bytes]:
    """Join the pieces of each message that was completed, and drop those of others."""
    joined: list[Event | bytes] = []
    pieces: list[bytes] = []
    for event in events:
        if isinstance(event, Chunk):
            assert event.data
            pieces.append(event.data)
            continue
        if isinstance(event, Done):
            joined.append(b"".join(pieces))
        pieces = []
        joined.append(event)
    return joined
