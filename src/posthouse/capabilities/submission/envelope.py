"""Envelope: from whom and to whom a message goes, as the client says or the message itself (RFC 8621 §7)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from posthouse.capabilities.submission import address
from posthouse.capabilities.submission.letter import Recipient
from posthouse.formats import mime
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.proto.jmap.errors import SetError

MOST_RECIPIENTS: Final = 1000
"""Recipients that one submission may have."""
LONGEST_DELAY: Final = 90 * 86_400
"""Seconds for which a submission can be held back (RFC 4865 §3)."""

_ENVID: Final = re.compile(r"[\x20-\x7e]{1,100}")  # RFC 3461 §4.4
_HOLDFOR: Final = re.compile(r"[0-9]{1,9}", re.ASCII)  # RFC 4865 §3
_ORIGINAL: Final = re.compile(r"[A-Za-z0-9-]{1,40};[\x21-\x7e\u00a1-\U0010ffff]{1,450}")  # RFC 3461 §4.2
_OF_MAIL: Final = frozenset(("HOLDFOR", "HOLDUNTIL", "RET", "ENVID", "SIZE", "BODY", "SMTPUTF8"))
"""What can be asked for with the return address; the last three are found out from the message itself."""
_OF_RCPT: Final = frozenset(("NOTIFY", "ORCPT"))
_WANTS: Final = frozenset(("SUCCESS", "FAILURE", "DELAY"))


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a message goes, ready to be queued.

    released: the Unix second at which it may go. hold: see `Letter.hold`. shown: the Envelope object of the client.
    """

    mail_from: str
    recipients: list[Recipient]
    ret: str | None
    envid: str | None
    released: int
    hold: str | None
    shown: JsonObject


def generated(email: JsonObject, identity: str, allows: Callable[[str], bool]) -> JsonObject:
    """Make the Envelope object of a message that came without one (RFC 8621 §7).

    email: its ``headers``. identity: the Identity's address. allows: says of an address whether it allows that.
    Raises SetError ``invalidEmail``.
    """
    sender = _addresses(email, "sender")
    name, author = ("sender", sender) if sender else ("from", _addresses(email, "from"))
    if len(author) > 1 or len(_values(email, name)) > 1:
        raise SetError("invalidEmail", "it is from several, so the envelope must say who sends it", [name])
    mail_from = author[0] if author and allows(author[0]) else identity
    found: dict[str, str] = {}
    for each in (one for name in ("to", "cc", "bcc") for one in _addresses(email, name)):
        read = address.read(each)
        found.setdefault(each if read is None else read.key, each)
    return {
        "mailFrom": {"email": mail_from, "parameters": None},
        "rcptTo": [{"email": each, "parameters": None} for each in found.values()],
    }


def authors(email: JsonObject) -> list[str]:
    """Give the addresses in the fields From of a message, of which there must be one (RFC 5322 §3.6.2).

    email: its ``headers``. Raises SetError ``invalidEmail``.
    """
    found = _addresses(email, "from")
    if not found or len(_values(email, "from")) != 1:
        raise SetError("invalidEmail", "a message says once whom it is from", ["from"])
    return found


def read(given: JsonObject, now: int, allows: Callable[[str], bool]) -> Envelope:
    """Hold an Envelope object against the rules; now: Unix seconds. allows: as for `generated`.

    Raises SetError ``noRecipients``, ``tooManyRecipients``, ``invalidRecipients``, ``forbiddenMailFrom``, or
    ``invalidProperties`` for parameters that are wrong.
    """
    mail_from = given["mailFrom"]["email"]
    recipients: dict[str, Recipient] = {}
    wrong: list[str] = []
    for one in given["rcptTo"]:
        found = address.read(one["email"])
        if found is None:
            wrong.append(one["email"])
        elif found.key not in recipients:
            recipients[found.key] = _recipient(one)
    if not given["rcptTo"]:
        raise SetError("noRecipients", "nobody is to get it")
    if len(given["rcptTo"]) > MOST_RECIPIENTS:
        raise SetError("tooManyRecipients", "so many can't be sent to at once", maxRecipients=MOST_RECIPIENTS)
    if wrong:
        raise SetError("invalidRecipients", "these are no addresses", invalidRecipients=wrong)
    if mail_from and not allows(mail_from):
        raise SetError("forbiddenMailFrom", "the Identity does not allow this return address")
    parameters = _parameters(given["mailFrom"], _OF_MAIL)
    released, hold = _release(parameters, now)
    return Envelope(
        mail_from=mail_from,
        recipients=[*recipients.values()],
        ret=_one_of(parameters, "RET", ("FULL", "HDRS")),
        envid=_matching(parameters, "ENVID", _ENVID),
        released=released,
        hold=hold,
        shown=given,
    )


def _recipient(given: JsonObject) -> Recipient:
    parameters = _parameters(given, _OF_RCPT)
    notify: list[str] | None = None
    if "NOTIFY" in parameters:
        notify = (parameters["NOTIFY"] or "").upper().split(",")
        if notify != ["NEVER"] and not _WANTS.issuperset(notify):
            raise _wrong("NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY with commas between")
    return Recipient(email=given["email"], notify=notify, original=_matching(parameters, "ORCPT", _ORIGINAL))


def _parameters(given: JsonObject, known: frozenset[str]) -> dict[str, str | None]:
    """Give the parameters of an Address object by their names in capitals."""
    found = {name.upper(): value for name, value in (given.get("parameters") or {}).items()}
    unknown = found.keys() - known
    if unknown:
        raise _wrong(f"these parameters are not known here: {', '.join(sorted(unknown))[:200]}")
    return found


def _release(parameters: Mapping[str, str | None], now: int) -> tuple[int, str | None]:
    """Give when a message is to be released, and how that was asked for (RFC 4865 §4.2)."""
    if "HOLDFOR" in parameters and "HOLDUNTIL" in parameters:
        raise _wrong("only one of HOLDFOR and HOLDUNTIL can be given")
    hold: str | None = None
    released = now
    if "HOLDFOR" in parameters:
        seconds = _matching(parameters, "HOLDFOR", _HOLDFOR)
        released, hold = now + int(seconds or 0), f"for;{seconds}"
    elif "HOLDUNTIL" in parameters:
        moment = clock.parse_date(parameters["HOLDUNTIL"] or "")
        if moment is None:
            raise _wrong("HOLDUNTIL is a date and time, such as 2030-12-31T23:59:00Z")
        # A time that has passed asks for nothing.
        released, hold = max(now, math.ceil(moment.timestamp())), f"until;{parameters['HOLDUNTIL']}"
    if released > now + LONGEST_DELAY:
        raise _wrong(f"a message can be held back for {LONGEST_DELAY} seconds at most")
    return released, hold


def _one_of(parameters: Mapping[str, str | None], name: str, values: Sequence[str]) -> str | None:
    if name not in parameters:
        return None
    value = (parameters[name] or "").upper()
    if value not in values:
        raise _wrong(f"{name} is one of {', '.join(values)}")
    return value


def _matching(parameters: Mapping[str, str | None], name: str, form: re.Pattern[str]) -> str | None:
    if name not in parameters:
        return None
    value = parameters[name] or ""
    if form.fullmatch(value) is None:
        raise _wrong(f"{name} can't be {value[:100]!r}")
    return value


def _wrong(description: str) -> SetError:
    return SetError("invalidProperties", description, ["envelope"])


def _addresses(email: JsonObject, name: str) -> list[str]:
    """Give the addresses in all fields of a name."""
    return [one["email"] for value in _values(email, name) for one in mime.as_addresses(value)]


def _values(email: JsonObject, name: str) -> list[str]:
    return [field["value"] for field in email["headers"] if field["name"].lower() == name]
