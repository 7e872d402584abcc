"""Address lists: mailboxes and groups out of From, To and their kind (RFC 5322 §3.4, RFC 8621 §4.1.2.3)."""

from __future__ import annotations

import re
from typing import TypedDict

from posthouse.formats.mime.encodedword import decode_words
from posthouse.formats.mime.header import unfold
from posthouse.formats.mime.parameter import closing_parentheses


class EmailAddress(TypedDict):
    """EmailAddress (RFC 8621 §4.1.2.3)."""

    name: str | None
    email: str


class EmailAddressGroup(TypedDict):
    """EmailAddressGroup (RFC 8621 §4.1.2.4)."""

    name: str | None
    addresses: list[EmailAddress]


# The common mailbox, its name of plain words or one quoted string without escapes, and the comma after it.
_PLAIN_ADDRESS = r"[^\s\"()<>,:;@\[\]\\\x00-\x1f\x7f]++@[^\s\"()<>,:;@\[\]\\\x00-\x1f\x7f]++"
_SIMPLE = re.compile(
    r"\s*+(?:\"([^\"\\]*+)\"\s*+|([^\"()<>,:;@\[\]\\]++))?"
    rf"<({_PLAIN_ADDRESS})>\s*+(?:,|\Z)"
    rf"|\s*+({_PLAIN_ADDRESS})\s*+(?:,|\Z)"
)
_TOKEN = re.compile(r"\s+|\"(?:[^\"\\]|\\.)*+\"|\[[^\]\[<>,\s]*+\]|[^\s\"()<>,:;\[\]]+|.", re.S)
_QUOTED_PAIR = re.compile(r"\\(.)", re.S)
_ROUTE = re.compile(r"\A(?:@[^@:,]*+,?)++:")
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def as_addresses(raw: str) -> list[EmailAddress]:
    """Read a value in Addresses form: every mailbox, in groups or not (RFC 8621 §4.1.2.3).

    Best effort: what is no address, as in a half-written draft, becomes an ``email`` as it stands.
    """
    simple = _simple(raw)
    if simple is not None:
        return simple
    return [address for group in as_grouped_addresses(raw) for address in group["addresses"]]


def as_grouped_addresses(raw: str) -> list[EmailAddressGroup]:
    """Read a value in GroupedAddresses form; neighbours outside of groups share one of name null.

    (RFC 8621 §4.1.2.4.) A group inside a group ends the outer one.
    """
    simple = _simple(raw)
    if simple is not None:
        return [{"name": None, "addresses": simple}] if simple else []
    return _Reader(unfold(raw)).read()


def _simple(raw: str) -> list[EmailAddress] | None:
    """Read a list of nothing but common mailboxes, as most are; None if there is anything else in it."""
    text = unfold(raw)
    addresses: list[EmailAddress] = []
    at = 0
    while at < len(text):
        match = _SIMPLE.match(text, at)
        if match is None:
            return None
        quoted, plain, angle, bare = match.groups()
        name = ""
        if quoted:
            name = _CONTROL.sub("", quoted).strip()
        elif plain:
            name = _CONTROL.sub("", decode_words(_SPACES.sub(" ", plain).strip())).strip()
        addresses.append({"name": name or None, "email": angle or bare})
        at = match.end()
    return addresses


class _Word:
    """A word of a phrase or address: as written, as meant, and whether white space stood before it."""

    __slots__ = ("is_quoted", "meaning", "spaced", "written")

    def __init__(self, written: str, meaning: str, spaced: bool, is_quoted: bool) -> None:
        self.written = written
        self.meaning = meaning
        self.spaced = spaced
        self.is_quoted = is_quoted


class _Reader:
    """Reads one address list, token by token; each token is looked at once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.groups: list[EmailAddressGroup] = []
        self.in_group = False
        self.restart()

    def restart(self) -> None:
        """Forget the mailbox read so far."""
        self.words: list[_Word] = []
        self.angle: list[_Word] | None = None
        self.in_angle = False
        self.comment: str | None = None

    def read(self) -> list[EmailAddressGroup]:
        """Read the list."""
        text = self.text
        closing = closing_parentheses(text) if "(" in text else {}
        last_quote = text.rfind('"')
        at = 0
        spaced = False
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                break
            token = match[0]
            end = match.end()
            if token.isspace():
                spaced = True
                at = end
                continue
            if token == "(" and at in closing:
                end = closing[at] + 1
                self.comment = text[at + 1 : end - 1]
                spaced = True
                at = end
                continue
            if token == '"' and last_quote > at:
                # No quoted string begins here, so none begins later: the rest is read without quotes,
                # else each of many open quotes would be tried to the end.
                text = text[:at] + text[at:].replace('"', " ")
                end = at + 1
            else:
                self.token(token, spaced)
            spaced = False
            at = end
        self.end_mailbox()
        return self.groups

    def token(self, token: str, spaced: bool) -> None:
        """Take one token that is neither white space nor a comment."""
        if token == "<" and not self.in_angle:
            self.in_angle = True
            self.angle = []
        elif token == ">":
            self.in_angle = False
        elif token == "," and not self._in_route():
            self.end_mailbox()
        elif token == ";":
            self.end_mailbox()
            self.in_group = False
        elif token == ":" and not self.in_angle:
            self.begin_group()
        elif token != '"':
            is_quoted = len(token) > 1 and token[0] == '"'
            meaning = _QUOTED_PAIR.sub(r"\1", token[1:-1]) if is_quoted else token
            into = self.angle if self.in_angle and self.angle is not None else self.words
            into.append(_Word(token, meaning, spaced, is_quoted))

    def _in_route(self) -> bool:
        """Tell whether a comma parts the hosts of an obsolete source route ``<@a,@b:user@c>``."""
        return (
            self.in_angle and bool(self.angle) and self.angle is not None and self.angle[0].written[:1] == "@"
        )

    def begin_group(self) -> None:
        """Take what was read as the name of a group."""
        name = _phrase(self.words) or self.comment
        self.restart()
        self.in_group = True
        self.groups.append({"name": name or "", "addresses": []})

    def end_mailbox(self) -> None:
        """Add the mailbox read so far, if there is any, to the group that is open."""
        address = self.mailbox()
        self.restart()
        if address is None:
            return
        if not self.in_group and (not self.groups or self.groups[-1]["name"] is not None):
            self.groups.append({"name": None, "addresses": []})
        self.groups[-1]["addresses"].append(address)

    def mailbox(self) -> EmailAddress | None:
        """Make an address of the words read so far, or None of nothing."""
        comment = _clean(decode_words(_QUOTED_PAIR.sub(r"\1", self.comment))) if self.comment else None
        if self.angle is not None:
            name = _phrase(self.words) or comment
            email = _ROUTE.sub("", _joined(self.angle))
            return {"name": name or None, "email": email} if name or email else None
        words = self.words
        if not words:
            return None
        *others, last = words
        others_have_at = any("@" in word.written and not word.is_quoted for word in others)
        if others and not others_have_at and last.spaced and not last.is_quoted and "@" in last.written[1:-1]:
            return {"name": _phrase(others) or None, "email": last.written}
        if others_have_at or ("@" in last.written and not last.is_quoted):
            return {"name": comment or None, "email": _joined(words)}
        return {"name": comment or None, "email": _phrase(words)}


def _joined(words: list[_Word]) -> str:
    """Write the words of an address; the white space that may stand around its signs goes (RFC 5322 §4.4)."""
    if len(words) == 1 and words[0].is_quoted:
        return _CONTROL.sub("", words[0].meaning).strip()  # no address, but quoted as if it were a name
    pieces: list[str] = []
    for word in words:
        if word.spaced and pieces and pieces[-1][-1] not in ".@" and word.written[0] not in ".@":
            pieces.append(" ")
        pieces.append(word.written)
    return _CONTROL.sub("", "".join(pieces))


def _phrase(words: list[_Word]) -> str:
    """Write the words of a phrase as they are meant; encoded-words count outside of quotes only."""
    pieces: list[str] = []
    atoms: list[str] = []
    for word in words:
        space = " " if word.spaced and (pieces or atoms) else ""
        if word.is_quoted:
            pieces += (decode_words("".join(atoms)), space, word.meaning)
            atoms = []
        else:
            atoms += (space, word.meaning)
    pieces.append(decode_words("".join(atoms)))
    return _CONTROL.sub("", "".join(pieces)).strip()


def _clean(text: str) -> str:
    return _CONTROL.sub("", _SPACES.sub(" ", text)).strip()
