"""Subscription: a URL to which one client wants changes pushed, and how that goes (RFC 8620 §7.2)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from posthouse.kit.json import JsonObject


@dataclass(frozen=True, slots=True)
class Course:
    """How the pushes to a subscription go, as the process that makes them notes it. Times are Unix seconds.

    position: up to where the client has been told of changes; None: not even the verification was sent.
    mailed: up to where he has been sent new Emails. attempted, succeeded: when something was last sent, and
    last taken. response: what became of the last attempt, in few words. failures: how many attempts have
    failed since one succeeded, from `failing_since` on. retry: when the next one is due after a failure.
    """

    position: str | None = None
    mailed: str | None = None
    attempted: int | None = None
    succeeded: int | None = None
    response: str | None = None
    failures: int = 0
    failing_since: int | None = None
    retry: int | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One PushSubscription.

    id: its number, 0 before it has one. person, key: whose it is, and the `Caller.key` of the credential that
    made it. keys: ``p256dh`` and ``auth``. code: what the client has to send back before anything else is
    pushed. expires: the Unix second of its end, or None. types: None stands for all. email_push: an
    EmailPushConfig for each account's wire id. Its repr has nothing that is a secret.
    """

    person: int
    key: Hashable = field(repr=False)
    device: str = field(repr=False)
    url: str = field(repr=False)
    keys: tuple[str, str] | None = field(repr=False)
    code: str = field(repr=False)
    expires: int | None
    types: tuple[str, ...] | None
    email_push: JsonObject | None = field(repr=False)
    id: int = 0
    is_verified: bool = False
    course: Course = Course()
