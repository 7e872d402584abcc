"""Letter: a message on its way to its recipients, as it waits in the queue."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from posthouse.kit.json import JsonObject
from posthouse.model.job import Job

KIND: Final = "relay"
"""The kind of the jobs whose payloads are letters."""

State: TypeAlias = Literal["queued", "delivered", "relayed", "failed"]
"""How far it is for a recipient: to be tried, in a mail store of ours, taken by another host, or given up."""


class Recipient(msgspec.Struct, kw_only=True):
    """One of the recipients of a letter.

    email: the address as the sender wrote it. notify: when he wants to hear of it, None for as is usual (RFC 3461
    §4.1). original: the parameter ORCPT, decoded. reply: of whoever was asked last, in one line. host: who that was.
    tried: when, in Unix seconds; 0: nobody was asked. told: whether a final outcome was reported as far as he wants.
    """

    email: str
    notify: list[str] | None = None
    original: str | None = None
    state: State = "queued"
    reply: str = "250 2.0.0 waits to be sent"
    host: str | None = None
    tried: int = 0
    told: bool = False


class Letter(msgspec.Struct, kw_only=True):
    """A message on its way; what changes of it is written down before and after each attempt.

    blob: the SHA-256 of the message in hexadecimal digits. mail_from: the reverse-path; empty for the null one.
    ret, envid: what the sender asked to be told (RFC 3461 §4.3, §4.4). hold: when he wanted it to be released, as RFC
    4865 §5.1.2 writes it. fields: header fields to put before it. arrived, released: Unix seconds. tries:
    attempts that ended. late: whether the sender was told that it takes long. halted: whether an operator holds it.
    """

    blob: str
    mail_from: str
    recipients: list[Recipient]
    ret: str | None = None
    envid: str | None = None
    hold: str | None = None
    fields: dict[str, str] = {}
    arrived: int
    released: int
    tries: int = 0
    late: bool = False
    halted: bool = False

    @property
    def waiting(self) -> list[Recipient]:
        """The recipients whose outcome is not known yet."""
        return [one for one in self.recipients if one.state == "queued"]

    def payload(self) -> JsonObject:
        """Give it as the payload of a job."""
        written: JsonObject = msgspec.to_builtins(self)
        return written


def of(job: Job) -> Letter:
    """Read the letter that a job is for."""
    return msgspec.convert(job.payload, Letter)
