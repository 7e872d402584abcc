"""The header values that every list of messages shows, and its two dates (RFC 8621 §4.1.3)."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.formats.mime.address import EmailAddress, as_addresses
from posthouse.formats.mime.field import as_date, as_message_ids, as_seconds
from posthouse.formats.mime.header import as_text, last
from posthouse.formats.mime.message import Envelope, Message

_READERS: dict[str, tuple[str, Callable[[str], list[EmailAddress] | list[str] | str | None]]] = {
    "message-id": ("messageId", as_message_ids),
    "in-reply-to": ("inReplyTo", as_message_ids),
    "references": ("references", as_message_ids),
    "sender": ("sender", as_addresses),
    "from": ("from", as_addresses),
    "to": ("to", as_addresses),
    "cc": ("cc", as_addresses),
    "bcc": ("bcc", as_addresses),
    "reply-to": ("replyTo", as_addresses),
    "subject": ("subject", as_text),
    "date": ("sentAt", as_date),
}


def convenience(message: Message) -> Envelope:
    """Return the convenience properties of an Email (RFC 8621 §4.1.3).

    They are ``messageId inReplyTo references sender from to cc bcc replyTo subject sentAt``, in this order.
    The last field of a name counts, and a property without a field is None. The message remembers the answer,
    which is not to be changed.
    """
    if message.envelope is not None:
        return message.envelope
    values: Envelope = {key: None for key, _ in _READERS.values()}
    found: dict[str, str] = {}
    for name, _, value in message.headers:
        lower = name.lower()
        if lower in _READERS:
            found[lower] = value
    for name, value in found.items():
        key, read = _READERS[name]
        values[key] = read(value)
    message.envelope = values
    return values


def sent_date(message: Message) -> int | None:
    """Return the Date of a message as Unix seconds, or None if it has none that can be read."""
    header = last(message.headers, "date")
    return as_seconds(header.value) if header else None


def received_date(message: Message) -> int | None:
    """Return the date of the topmost Received field, the last hop, as Unix seconds (RFC 5322 §3.6.7)."""
    for name, _, value in message.headers:
        if name.lower() == "received":
            return as_seconds(value.rpartition(";")[2])
    return None
