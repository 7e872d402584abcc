"""Parameters of MAIL and RCPT (RFC 5321 §4.1.2, RFC 3461 §4, RFC 4865 §2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from posthouse.proto.smtp.address import Address
from posthouse.proto.smtp.event import MailFrom, RcptTo
from posthouse.proto.smtp.reply import Reply

_PARAMETER: Final = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9-]*+)(?:=([!-<>-~\u00a0-\ud7ff\ue000-\U0010ffff]++))?(?: ++|\Z)"
)
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+")
_UNITEXT: Final = re.compile(r"(?:[!-*,-<>-~\u00a0-\ud7ff\ue000-\U0010ffff]|\+[0-9A-F]{2})*+")
_HEX: Final = re.compile(r"\+(..)")
_PRINTABLE: Final = re.compile(r"[ -~\u00a0-\U0010ffff]*+")
_ADDRESS_TYPE: Final = re.compile(r"[A-Za-z0-9-]{1,63}")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII | re.IGNORECASE)
_LONGEST_ENVID: Final = 100  # characters, RFC 3461 §4.4
_LONGEST_ORCPT: Final = 500  # characters, RFC 3461 §4.2
_MOST_SECONDS: Final = 999_999_999  # RFC 4865 §2


class ParameterError(Exception):
    """A parameter that cannot be taken; the argument is the `Reply`."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


def _refuse(text: str) -> ParameterError:
    return ParameterError(Reply(501, "5.5.4", text))


def mail_from(address: Address | None, rest: str, known: frozenset[str], hold: tuple[int, int]) -> MailFrom:
    """Read what follows the path of MAIL; raises `ParameterError`.

    :param rest: empty, or a space and the parameters.
    :param known: the parameters that were offered.
    :param hold: for how many seconds, and until which Unix second, a message may be held.
    """
    given = _split(rest, known)
    if "HOLDFOR" in given and "HOLDUNTIL" in given:
        raise _refuse("Use either HOLDFOR or HOLDUNTIL")
    if given.get("SMTPUTF8", ""):
        raise _refuse("SMTPUTF8 has no value")
    most_seconds, latest = hold
    read: Mapping[str, Callable[[str], Any]] = {
        "SIZE": lambda value: _number(value, 20),
        "BODY": lambda value: _word(value, "7BIT", "8BITMIME"),
        "RET": lambda value: _word(value, "FULL", "HDRS"),
        "ENVID": _envid,
        "AUTH": lambda value: "<>" if value == "<>" else _xtext(value),
        "HOLDFOR": lambda value: _at_most(_number(value, 9), most_seconds),
        "HOLDUNTIL": lambda value: _at_most(_instant(value), latest),
    }
    values = {name: read[name](value) for name, value in given.items() if name in read}
    return MailFrom(
        address,
        values.get("SIZE"),
        values.get("BODY", "7BIT"),
        "SMTPUTF8" in given,
        values.get("RET"),
        values.get("ENVID"),
        values.get("AUTH"),
        values.get("HOLDFOR"),
        values.get("HOLDUNTIL"),
    )


def rcpt_to(address: Address, rest: str, known: frozenset[str]) -> RcptTo:
    """Read what follows the path of RCPT; as `mail_from`."""
    given = _split(rest, known)
    notify = given.get("NOTIFY")
    orcpt = given.get("ORCPT")
    return RcptTo(
        address,
        None if notify is None else _notify(notify),
        None if orcpt is None else _orcpt(orcpt),
    )


def _split(rest: str, known: frozenset[str]) -> dict[str, str]:
    """Cut parameters into names in upper case and values, empty for none."""
    if rest and not rest.startswith(" "):
        raise _refuse("A space is needed before the parameters")
    text = rest.strip(" ")
    given: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            raise _refuse("The parameters cannot be read")
        name = found[1].upper()
        if name not in known:
            raise ParameterError(Reply(555, "5.5.4", "A parameter is unknown or was not offered"))
        if name in given:
            raise _refuse("A parameter is given twice")
        given[name] = found[2] or ""
        at = found.end()
    return given


def _number(value: str, digits: int) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= digits):
        raise _refuse("A number is needed")
    return int(value)


def _at_most(number: int, most: int) -> int:
    if not 0 < number <= most:
        raise _refuse("The message cannot be held for so long")
    return number


def _word(value: str, *words: str) -> str:
    if value.upper() not in words:
        raise _refuse(f"One of {', '.join(words)} is needed")
    return value.upper()


def _instant(value: str) -> int:
    """Read a date and time of UTC as a Unix second (RFC 3339 §5.6)."""
    if _INSTANT.fullmatch(value):
        try:
            return int(datetime.fromisoformat(value[:19].upper() + "+00:00").timestamp())
        except ValueError:
            pass
    raise _refuse("A date and time such as 2027-01-31T12:00:00Z is needed")


def _xtext(value: str, form: re.Pattern[str] = _XTEXT) -> str:
    """Decode xtext; what hides a control character in it is refused (RFC 3461 §4)."""
    if not value or not form.fullmatch(value):
        raise _refuse("This is no xtext")
    decoded = _HEX.sub(lambda found: chr(int(found[1], 16)), value)
    if not _PRINTABLE.fullmatch(decoded):
        raise _refuse("Control characters are not taken")
    return decoded


def _envid(value: str) -> str:
    decoded = _xtext(value)
    if len(value) > _LONGEST_ENVID or not decoded.isascii():
        raise _refuse("The envelope id is too long or not ASCII")
    return decoded


def _notify(value: str) -> frozenset[str]:
    words = value.upper().split(",")
    chosen = frozenset(words)
    allowed = {"NEVER"} if "NEVER" in chosen else {"SUCCESS", "FAILURE", "DELAY"}
    if not chosen <= allowed or len(chosen) != len(words):
        raise _refuse("NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY")
    return chosen


def _orcpt(value: str) -> str:
    kind, semicolon, address = value.partition(";")
    if not semicolon or len(value) > _LONGEST_ORCPT or not _ADDRESS_TYPE.fullmatch(kind):
        raise _refuse("ORCPT is a type, a semicolon and an address")
    return f"{kind};{_xtext(address, _UNITEXT if kind.lower() == 'utf-8' else _XTEXT)}"
