"""Header fields as bytes: each form of RFC 8621 §4.1.2 written, encoded and folded.

No value can begin another field: line breaks and NUL are refused in raw values, and in all others they are
dropped, turned into spaces or encoded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from posthouse.formats.mime.address import EmailAddress, EmailAddressGroup
from posthouse.formats.mime.encodedword import encode_words
from posthouse.kit.clock import parse_date

HeaderValue = str | Sequence[str] | Sequence[EmailAddress] | Sequence[EmailAddressGroup]
"""The value of a field in any form: what the reading functions of the form return."""

_LINE = 78  # RFC 5322 §2.1.1
_LONGEST_WORD = 900  # a line must not pass 998 octets, and a word cannot be folded
_NAME = re.compile(r"[!-9;-~]+")
_FOLD = re.compile(r"\r\n(?=[ \t]*[^ \t\r\n])[ \t]")
_WORD = re.compile(r"([ \t]*)([^ \t]+)")
_BREAKS = re.compile(r"[\r\n]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+)*")
_ADDR_SPEC = re.compile(
    r"(?:[^\s\"()<>,:;@\[\]\\]+|\"(?:[^\"\\]|\\.)*\")@(?:[^\s\"()<>,:;@\[\]\\]+|\[[^\s\"()<>,;@\[\]\\]*\])"
)
_NOT_IN_BRACKETS = re.compile(r"[\s<>\x00-\x1f\x7f-\x9f]")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_Words = list[tuple[str, str]]
"""Words of a value, each after the white space at which the line may be folded (none: it may not)."""


def write_field(name: str, form: str, value: HeaderValue) -> bytes:
    """Write one header field with its final line break.

    :param form: a name of `header.FORMS`; whether the field allows it is the caller's to check.
    :raises ValueError: the name is no field name, the value cannot be written, or is of another form.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"no header field name: {name!r}")
    if form == "Raw":
        return _raw(name, _text_value(value))
    if form == "Text":
        words = _text(_text_value(value), len(name) + 2)
    elif form == "Date":
        words = [(" ", _date(_text_value(value)))]
    elif isinstance(value, str):
        raise ValueError(f"the form {form} takes a list")
    elif form == "Addresses":
        words = _listed([_mailbox(_address(item)) for item in value])
    elif form == "GroupedAddresses":
        words = _listed([words for item in value for words in _group(item)])
    elif form == "MessageIds":
        words = [(" ", _bracketed(item)) for item in value]
    elif form == "URLs":
        words = _listed([[(" ", _bracketed(item))] for item in value])
    else:
        raise ValueError(f"no form of header fields: {form!r}")
    return fold(name, words)


def fold(name: str, words: _Words) -> bytes:
    """Join words to a field whose lines keep to 78 characters where they can be folded (RFC 5322 §2.2.3)."""
    pieces = [f"{name}:"]
    column = len(name) + 1
    for index, (space, word) in enumerate(words):
        # The first word stays beside the name: a first line without content is lost on some readers.
        if index and space and column + len(space) + len(word) > _LINE:
            pieces.append("\r\n")
            column = 0
        pieces += (space, word)
        column += len(space) + len(word)
    return "".join((*pieces, "\r\n")).encode("utf-8", "replace")


def _text_value(value: HeaderValue) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("this form takes a string")


def _raw(name: str, value: str) -> bytes:
    """Write a value as it is; it may be folded, and hold nothing else that ends a line."""
    rest = _FOLD.sub("", value)
    if "\r" in rest or "\n" in rest or "\0" in rest:
        raise ValueError(f"line break or NUL in the value of {name}")
    return f"{name}:{value}\r\n".encode("utf-8", "replace")


def _text(value: str, column: int) -> _Words:
    """Write unstructured text: from the first to the last word that needs it in encoded-words."""
    text = _CONTROL.sub("", _BREAKS.sub(" ", value))
    if not text:
        return [(" ", "")]
    words: _Words = _WORD.findall(text)
    outer_space = text[0] in " \t" or text[-1] in " \t"
    unfit = [index for index, (_, word) in enumerate(words) if not _is_plain(word)]
    if outer_space:
        return _encoded(text, column)
    words[0] = (" ", words[0][1])
    if not unfit:
        return words
    first, last = unfit[0], unfit[-1] + 1
    middle = "".join(space + word for space, word in words[first:last])[len(words[first][0]) :]
    before = words[:first]
    column += sum(len(space) + len(word) for space, word in before)
    encoded = _encoded(middle, column)
    encoded[0] = (words[first][0], encoded[0][1])
    return [*before, *encoded, *words[last:]]


def _is_plain(word: str) -> bool:
    return word.isascii() and "=?" not in word and len(word) <= _LONGEST_WORD


def _encoded(text: str, column: int) -> _Words:
    return [(" ", word) for word in encode_words(text, _LINE - 2 - column)]


def _phrase(name: str, column: int = 0) -> _Words:
    """Write a display name: plain words, a quoted string, or encoded-words."""
    name = _CONTROL.sub("", _BREAKS.sub(" ", name)).replace("\t", " ").strip(" ")
    if not name.isascii() or any(len(word) > 70 for word in name.split(" ")):
        return _encoded(name, column)
    if not _ATOMS.fullmatch(name) or "=?" in name:
        name = _quoted(name)
    return [(space or " ", word) for space, word in _WORD.findall(name)]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _address(item: object) -> EmailAddress:
    """Check the shape of an address, which a list of another form lacks."""
    if isinstance(item, dict) and isinstance(item.get("email"), str):
        name = item.get("name")
        if name is None or isinstance(name, str):
            return EmailAddress(name=name, email=item["email"])
    raise ValueError("no EmailAddress")


def _mailbox(address: EmailAddress) -> _Words:
    """Write one mailbox; an email that is no address is written so that it is read back."""
    email = _CONTROL.sub("", address["email"]).replace("\t", " ").strip(" ")
    if not _ADDR_SPEC.fullmatch(email) and not (email and _ATOMS.fullmatch(email) and "=?" not in email):
        email = _quoted(email)
    name = _phrase(address["name"]) if address["name"] and address["name"].strip() else []
    if name or email == '""':
        return [*name, (" ", f"<{email}>")]
    return [(" ", email)]


def _group(item: object) -> list[_Words]:
    """Write a group, or the mailboxes of one without a name each for itself."""
    if not isinstance(item, dict) or not isinstance(item.get("addresses"), list):
        raise ValueError("no EmailAddressGroup")
    name = item.get("name")
    mailboxes = [_mailbox(_address(one)) for one in item["addresses"]]
    if name is None:
        return mailboxes
    if not isinstance(name, str):
        raise ValueError("no EmailAddressGroup")
    words = [*_phrase(name), ("", ":"), *_listed(mailboxes), ("", ";")]
    return [words]


def _listed(items: list[_Words]) -> _Words:
    """Join items by commas."""
    words: _Words = []
    for item in items:
        if words:
            space, word = words[-1]
            words[-1] = (space, word + ",")
        words += item
    return words


def _bracketed(item: object) -> str:
    if not isinstance(item, str) or not item or len(item) > _LONGEST_WORD or _NOT_IN_BRACKETS.search(item):
        raise ValueError("no message id or URL that can stand in brackets")
    return f"<{item}>"


def _date(value: str) -> str:
    moment = parse_date(value)
    if moment is None:
        raise ValueError("no date")
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S %z}"
