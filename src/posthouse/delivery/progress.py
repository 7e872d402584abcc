"""Progress: how a letter fares from attempt to attempt, and what its sender is told (RFC 5321 §4.5.4.1, RFC 3461).

Theory of operation. Each recipient is ``queued`` until an attempt ends with an answer that lasts. An attempt that
ends otherwise makes the letter due again, later and later, until `PATIENCE` is over. What the sender is told follows
from the states alone: `reports` gives what was not told yet, and whoever writes that down queues the notification in
the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.proto.smtp.reply import Reply

PATIENCE: Final = 5 * 86_400
"""Seconds after its release in which a letter is tried (RFC 5321 §4.5.4.1)."""
LATE: Final = 4 * 3600
"""Seconds after which the sender is told that it takes long."""
_FIRST_PAUSE: Final = 300
_LONGEST_PAUSE: Final = 2 * 3600
_SPACES: Final = re.compile(r"\s+")
_LONGEST_REPLY: Final = 1000

Action: TypeAlias = Literal["failed", "delayed", "delivered", "relayed"]
"""What is told of a recipient (RFC 3464 §2.3.3)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one recipient in an attempt.

    reply: of the host that was asked, or ours where none answered. host: its name; None: it was us. is_final: whether
    it is in a mail store of ours. notifies: whether the host will tell the sender itself what he asked for (RFC 3461).
    """

    reply: Reply
    host: str | None = None
    is_final: bool = False
    notifies: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be told to the sender of a letter, of some of its recipients."""

    action: Action
    recipients: Sequence[Recipient]


def answered(recipient: Recipient, answer: Answer, now: int) -> None:
    """Note what became of a recipient; now: Unix seconds."""
    reply = answer.reply
    recipient.reply = line(reply)
    recipient.host = answer.host
    recipient.tried = now
    if reply.is_positive:
        recipient.state = "delivered" if answer.is_final else "relayed"
        recipient.told = answer.notifies
    elif not reply.is_temporary:
        recipient.state = "failed"


def line(reply: Reply) -> str:
    """Write a reply in one line of plain text, as clients are shown it (RFC 8621 §7)."""
    text = _SPACES.sub(" ", "".join(one if one.isprintable() else " " for one in reply.text)).strip()
    return " ".join(filter(None, (str(reply.code), reply.enhanced, text)))[:_LONGEST_REPLY]


def give_up(letter: Letter, now: int) -> None:
    """Let those who could not be reached for too long count as failed."""
    if now < letter.released + PATIENCE:
        return
    for recipient in letter.waiting:
        recipient.state = "failed"
        recipient.reply = f"554 5.4.7 given up after {PATIENCE // 86_400} days; last: {recipient.reply}"[
            :_LONGEST_REPLY
        ]


def pause(tries: int, share: float) -> int:
    """Give for how many seconds a letter rests after so many attempts; share: from 0 to 1, adds up to a tenth."""
    seconds = min(_FIRST_PAUSE * 2 ** min(tries - 1, 10), _LONGEST_PAUSE)
    return int(seconds * (1 + share / 10))


def reports(letter: Letter, now: int) -> list[Report]:
    """Give what its sender is to be told now and wants to hear, and note that he was (RFC 3461 §4.1, §5.2).

    Of a letter with the null return path nothing is ever told (RFC 5321 §4.5.5).
    """
    found: dict[Action, list[Recipient]] = {"failed": [], "delivered": [], "relayed": [], "delayed": []}
    is_late = bool(letter.waiting) and not letter.late and now >= letter.released + LATE
    for one in letter.recipients:
        action: Action = "delayed" if one.state == "queued" else one.state
        if one.state == "queued":
            if is_late and _wants(one, "DELAY"):
                found[action].append(one)
        elif not one.told:
            one.told = True
            if _wants(one, "FAILURE" if one.state == "failed" else "SUCCESS"):
                found[action].append(one)
    letter.late = letter.late or is_late
    if not letter.mail_from:
        return []
    return [Report(action, recipients) for action, recipients in found.items() if recipients]


def _wants(recipient: Recipient, what: str) -> bool:
    """Say whether the sender wants to be told; who said nothing hears of what goes wrong."""
    return what != "SUCCESS" if recipient.notify is None else what in recipient.notify
