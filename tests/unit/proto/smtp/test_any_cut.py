"""However a stream of octets is cut, it says the same; and that is what a plain reading of it says."""

from __future__ import annotations

import itertools
import re

from hypothesis import example, given
from hypothesis import strategies as st

from courier.conversation import Conversation, session, whole

LINE = 60
SIZE = 200

_PIECES = st.sampled_from(
    [
        b"EHLO a\r\n",
        b"HELO a\r\n",
        b"MAIL FROM:<a@b.example>\r\n",
        b"mail from:<>\r\n",
        b"RCPT TO:<c@d.example>\r\n",
        b"RCPT TO:<no@d.example>\r\n",
        b"RCPT TO:nonsense\r\n",
        b"DATA\r\n",
        b"DATA\n",
        b"BDAT 5\r\nhello",
        b"BDAT 4\r\na\r\nb",
        b"BDAT 2\r\na\r",
        b"BDAT 2 LAST\r\n\nb",
        b"BDAT 7 LAST\r\nA:b\r\n\r\n",
        b"BDAT 0 LAST\r\n",
        b"BDAT 150\r\n" + b"x" * 150,
        b"BDAT x\r\n",
        b".\r\n",
        b"\r\n.\r\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"..\r\n",
        b".x\r\n",
        b"A: b\r\n",
        b"\r\n",
        b"\r",
        b"\n",
        b".",
        b"NOOP\r\n",
        b"RSET\r\n",
        b"QUIT\r\n",
        b"what?\r\n",
        b"GET / HTTP/1.1\r\n",
        b"\xff\x00\r\n",
        b"y" * 59 + b"\r\n",
        b"y" * 58 + b"\r\n",
        b"z" * 100,
    ]
)
STREAMS = st.lists(st.one_of(_PIECES, st.binary(max_size=5)), max_size=40).map(b"".join)
# one in which the octets of a message are sure to come
MESSAGES = st.lists(_PIECES, max_size=12).map(
    lambda pieces: b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n" + b"".join(pieces)
)


def conversation() -> Conversation:
    limits = {"line": LINE, "size": SIZE, "header": 40, "errors": 6, "idle": 5, "recipients": 3}
    return Conversation(session(limits=limits), refused={"no@d.example"})


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


@given(st.one_of(STREAMS, MESSAGES), st.lists(st.integers(0, 2**20), max_size=30))
def test_the_same_octets_say_the_same_however_they_are_cut(data: bytes, places: list[int]) -> None:
    at_once, in_pieces, one_by_one = conversation(), conversation(), conversation()
    expected = at_once.say(data)
    assert expected == in_pieces.say(*cut(data, places))
    assert expected == one_by_one.say(*(data[at : at + 1] for at in range(len(data))))
    assert whole(at_once.events) == whole(in_pieces.events) == whole(one_by_one.events)


@given(st.one_of(STREAMS, MESSAGES))
@example(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n..\r\n...\r\n.a\r\n.\r\nQUIT\r\n")
@example(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n.\r\nMAIL FROM:<a@b.example>\r\n")
@example(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\n.\r\n.\r\n")
@example(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT 3\r\na\r\nBDAT 2 LAST\r\n\n\r\n")
def test_a_plain_reading_says_the_same(data: bytes) -> None:
    limits = {"line": LINE, "errors": 10**6, "idle": 10**6, "recipients": 3}
    talk = Conversation(session(limits=limits), refused={"no@d.example"})
    codes = talk.say(data)
    messages = [event for event in whole(talk.events) if isinstance(event, bytes)]
    assert Plain(data).read() == (messages, codes)


class Ended(Exception):
    """There is no more to read."""


class Plain:
    """Reads a whole stream that is all at hand, with no care for speed, and without the limits."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.messages: list[bytes] = []
        self.codes: list[int] = []
        self.has_hello = False
        self.forget()

    def forget(self) -> None:
        self.has_sender, self.recipients, self.refused, self.chunks = False, 0, 0, b""
        self.has_chunks = False

    def read(self) -> tuple[list[bytes], list[int]]:
        try:
            while True:
                self.command(self.line())
        except Ended:
            return self.messages, self.codes

    def end(self, code: int) -> Ended:
        self.codes.append(code)
        return Ended()

    def line(self) -> str | None:
        line, found, self.data = self.data.partition(b"\n")
        if not found:
            raise Ended
        if not line.endswith(b"\r"):
            raise self.end(521)
        if len(line) >= LINE:
            return None
        if b"\r" in line[:-1]:
            raise self.end(521)
        try:
            return line[:-1].decode()
        except UnicodeDecodeError:
            return None

    def command(self, line: str | None) -> None:
        verb, _, rest = (line or "?").partition(" ")
        rest = rest.rstrip(" \t")
        match verb.upper():
            case "EHLO" | "HELO" if re.fullmatch(r" *[!-~]+", rest):
                self.has_hello = True
                self.forget()
                self.codes.append(250)
            case "EHLO" | "HELO":
                self.codes.append(501)
            case "NOOP":
                self.codes.append(250)
            case "RSET" if not rest:
                self.forget()
                self.codes.append(250)
            case "QUIT" if not rest:
                raise self.end(221)
            case "GET":
                raise self.end(521)
            case "MAIL" if not self.has_hello or self.has_sender:
                self.codes.append(503)
            case "MAIL" if rest.lower().lstrip() in ("from:<>", "from:<a@b.example>"):
                self.has_sender = True
                self.codes.append(250)
            case "RCPT" if not self.has_sender or self.has_chunks:
                self.codes.append(503)
            case "RCPT" if rest in ("TO:<c@d.example>", "TO:<no@d.example>") and self.recipients >= 3:
                self.codes.append(452)
            case "RCPT" if rest == "TO:<c@d.example>":
                self.recipients += 1
                self.codes.append(250)
            case "RCPT" if rest == "TO:<no@d.example>":
                self.refused += 1
                self.codes.append(550)
            case "RCPT":
                self.refused += 1
                self.codes.append(501)
            case "DATA" | "RSET" | "QUIT" if rest:
                self.codes.append(501)
            case "DATA" if not self.recipients:
                self.codes.append(554 if self.refused else 503)
            case "DATA" if self.has_chunks:
                self.codes.append(503)
            case "DATA":
                self.codes.append(354)
                self.dotted()
            case "BDAT":
                self.chunk(rest)
            case "MAIL":
                self.codes.append(501)
            case _:
                self.codes.append(500)

    def dotted(self) -> None:
        """Read lines up to the dot, each of which ends in CRLF and holds neither."""
        lines = []
        while not self.data.startswith(b".\r\n"):
            line = re.match(rb"[^\r\n]*", self.data)
            assert line is not None
            rest = self.data[line.end() :]
            if rest in (b"", b"\r"):
                raise Ended
            if not rest.startswith(b"\r\n"):
                raise self.end(554)
            lines.append(line[0].removeprefix(b".") + b"\r\n")
            self.data = rest[2:]
        self.data = self.data[3:]
        self.finish(b"".join(lines))

    def chunk(self, rest: str) -> None:
        found = re.fullmatch(r" *(\d+)( +LAST)? *", rest, re.IGNORECASE | re.ASCII)
        if found is None:
            raise self.end(501)
        length = int(found[1])
        octets, self.data = self.data[:length], self.data[length:]
        if self.recipients:
            self.has_chunks = True
            self.chunks += octets
            is_complete = len(octets) == length
            seen = self.chunks if is_complete and found[2] else self.chunks.removesuffix(b"\r")
            if re.search(rb"(?<!\r)\n|\r(?!\n)", seen):
                raise self.end(554)
        if len(octets) < length:
            raise Ended
        if not self.recipients:
            self.codes.append(554 if self.refused else 503)
        elif found[2]:
            self.finish(self.chunks)
        else:
            self.codes.append(250)

    def finish(self, content: bytes) -> None:
        self.messages.append(content)
        self.codes.append(250)
        self.forget()
