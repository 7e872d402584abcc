"""Notice: one message to a push service, and the request that carries it (RFC 8620 §7.2, RFC 8030 §5)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from posthouse.kit.json import JsonObject, dumps
from posthouse.model.subscription import Subscription
from posthouse.model.type import Type
from posthouse.proto.webpush import coding, header, key
from posthouse.proto.webpush.header import Urgency
from posthouse.proto.webpush.message import LONGEST_PAYLOAD, encrypt

LONGEST: Final = LONGEST_PAYLOAD
"""Octets of a message; also of one that is not encrypted, for it is easier to know one number."""

_KEPT: Final = 7 * 86_400  # seconds that a push service keeps what a device does not fetch
_CODE_KEPT: Final = 3600
_TOPIC: Final = 24  # octets, 32 characters
_TYPE_STATE: Final = len('"":{},')  # octets of an account's entry besides its id and states
_STATE: Final = len('"":"",')


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent, for how many seconds it is kept, how urgent it is, and which one before it it replaces."""

    content: bytes
    ttl: int = _KEPT
    urgency: Urgency = "normal"
    topic: str | None = None


def verification(subscription: Subscription, type: Type) -> Notice:
    """Write the PushVerification, which asks the client to send the code back (RFC 8620 §7.2.2)."""
    content: JsonObject = {
        "@type": "PushVerification",
        "pushSubscriptionId": type.wire(subscription.id),
        "verificationCode": subscription.code,
    }
    return Notice(dumps(content), ttl=_CODE_KEPT)


def state_changes(changed: Mapping[str, JsonObject], subscription: Subscription) -> list[Notice]:
    """Write StateChange objects that a push service takes, one unless there are very many accounts.

    One that a device has not fetched yet is replaced by the next with the same accounts and types, and by no
    other: so each type that changed is told, and in its newest state. The topic tells the push service nothing.
    """
    return [
        Notice(
            dumps({"@type": "StateChange", "changed": part}),
            topic=_topic(subscription.code, [(account, *sorted(part[account])) for account in sorted(part)]),
        )
        for part in _parts(changed)
    ]


def request(
    notice: Notice, subscription: Subscription, authorization: str, ends: int | None, now: int
) -> tuple[bytes, dict[str, str]]:
    """Write the body and the header fields of the request.

    ends: the Unix second from which the subscription is no more, or None; nothing is kept beyond it.
    """
    ttl = notice.ttl if ends is None else max(0, min(notice.ttl, ends - now))
    headers = {
        "Content-Type": "application/json",
        "Authorization": authorization,
        **header.fields(ttl=ttl, urgency=notice.urgency, topic=notice.topic),
    }
    if subscription.keys is None:
        return notice.content, headers
    receiver = key.read(*subscription.keys)
    return encrypt(notice.content, receiver), {**headers, "Content-Encoding": coding.NAME}


def _topic(secret: str, told: Collection[tuple[str, ...]]) -> str:
    digest = sha256(dumps([secret, [*told]])).digest()
    return urlsafe_b64encode(digest[:_TOPIC]).decode()


def _parts(changed: Mapping[str, JsonObject]) -> Iterator[dict[str, JsonObject]]:
    """Cut a map of accounts to the states of types so that each part fits into a message."""
    empty = len(dumps({"@type": "StateChange", "changed": {}}))
    part: dict[str, JsonObject] = {}
    octets = empty
    for account, states in changed.items():
        for name, state in states.items():
            more = _STATE + len(dumps(name)) + len(state)
            more += 0 if account in part else _TYPE_STATE + len(account)
            if part and octets + more > LONGEST:
                yield part
                part, octets = {}, empty
                more += _TYPE_STATE + len(account)
            part.setdefault(account, {})[name] = state
            octets += more
    if part:
        yield part
