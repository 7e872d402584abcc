"""A deterministic corpus of mail: message *i* of a corpus is the same bytes on every machine.

A message has 25 kB in the mean, two of three have an HTML body, one of eight has attachments. The texts are
paragraphs drawn from a pool that is made once, so that making a message costs less than reading it.
Every message of a corpus has a ``receivedAt`` of its own, by which a checker can tell it.
"""

from __future__ import annotations

import base64
import quopri
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

RARE, COMMON = "zanzibarite", "mirabelline"
"""Words of one body in a thousand, and of one in five; no other text has them."""

OWNER = ("Bench Owner", "owner@bench.example")

_END = 1_790_000_000  # Unix seconds of the newest message
_SPACING = 900  # seconds between two messages
_LONGEST_THREAD = 60

_MAILBOXES = (
    ("Inbox", 0.55),
    ("Archive", 0.15),
    ("Sent", 0.12),
    ("Lists", 0.10),
    ("Receipts", 0.05),
    ("Trash", 0.03),
)
_KEYWORDS = (("$seen", 0.85), ("$flagged", 0.04), ("$answered", 0.12), ("project-x", 0.03))
_PEOPLE = (
    ("Ingrid Sørensen", "ingrid@nordlys.example"),
    ("Alice Carter", "alice@carter.example"),
    ("José García", "jose@correo.example"),
    ("佐藤 花子", "hanako@mail.example"),
    ("Дмитрий Иванов", "dmitri@pochta.example"),
    ("Zoë Müller", "zoe@post.example"),
    ("Build Robot", "noreply@builds.example"),
    ("Web Shop", "orders@shop.example"),
    ("", "plain@address.example"),
)
_TOPICS = (
    "Quarterly planning {n}",
    "Invoice {n}",
    "Release {n} checklist",
    "Besprechung über Vertrag {n}",
    "プロジェクト{n}の進捗",
    "Отчёт за неделю {n}",
    "Build {n} failed",
    "Résumé du projet {n}",
    "Lunch on Friday {n}?",
)
_FOREIGN = (
    "Können wir das Gespräch auf nächsten Dienstag verschieben? Schöne Grüße aus Köln.",
    "会議は来週の火曜日に変更されました。よろしくお願いいたします。",
    "Встреча перенесена на следующий вторник, пожалуйста, подтвердите участие.",
    "Le café est fermé à cause des élections, désolé pour la gêne occasionnée.",
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message and how it lies in its account; `seconds` is its ``receivedAt`` in Unix seconds."""

    index: int
    thread: int
    subject: str
    sender: tuple[str, str]
    receiver: tuple[str, str]
    seconds: int
    mailboxes: tuple[str, ...]
    keywords: tuple[str, ...]
    text: str
    has_attachment: bool
    raw: bytes


class Corpus:
    """Messages 0 to ``size - 1``, the oldest first. Other seeds give other messages and threads."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._seed = seed
        self._threads: list[int] = []
        self._parents: list[int | None] = []
        self._plan()

    def _plan(self) -> None:
        """Let half of the messages answer a recent one; a thread stops growing at some length."""
        draw = random.Random(f"threads {self._seed} {self.size}")
        lengths: list[int] = []
        for index in range(self.size):
            parent = None if index == 0 or draw.random() < 0.5 else max(0, index - draw.randint(1, 60))
            if parent is not None and lengths[self._threads[parent]] >= _LONGEST_THREAD:
                parent = None
            if parent is None:
                lengths.append(0)
                self._threads.append(len(lengths) - 1)
            else:
                self._threads.append(self._threads[parent])
            lengths[self._threads[index]] += 1
            self._parents.append(parent)

    def message(self, index: int) -> Message:
        """Make one message."""
        draw = random.Random(f"message {self._seed} {index}")
        thread, parent = self._threads[index], self._parents[index]
        topic = random.Random(f"topic {self._seed} {thread}").choice(_TOPICS).format(n=thread)
        subject = topic if parent is None else f"Re: {topic}"
        home = draw.choices([name for name, _ in _MAILBOXES], [share for _, share in _MAILBOXES])[0]
        mailboxes = (home, "Receipts") if home in ("Inbox", "Archive") and draw.random() < 0.02 else (home,)
        someone = draw.choice(_PEOPLE)
        sender, receiver = (OWNER, someone) if home == "Sent" else (someone, OWNER)
        seconds = _END - (self.size - index) * _SPACING + draw.randint(0, _SPACING - 1)
        paragraphs = draw.choices(_paragraphs(), k=draw.choice((1, 2, 3, 4, 6, 10)))
        if draw.random() < 0.1:
            paragraphs.append(draw.choice(_FOREIGN))
        for word, share in ((RARE, 0.001), (COMMON, 0.2)):
            if draw.random() < share:
                paragraphs.append(f"Consider the {word} here.")
        text = "\r\n\r\n".join(paragraphs)
        attached = draw.choice((1, 1, 2)) if draw.random() < 0.12 else 0
        kind, content = _body(paragraphs, text, draw)
        if attached:
            kind, content = _with_attachments(kind, content, attached, draw)
        head = [
            f"Return-Path: <{sender[1]}>",
            f"Received: from relay{draw.randint(1, 9)}.bench.example by mx.bench.example with ESMTPS"
            f"\r\n\tid {draw.getrandbits(48):x}; {_date(seconds)}",
            f"Date: {_date(seconds - 30)}",
            f"From: {_address(sender)}",
            f"To: {_address(receiver)}",
            f"Subject: {_words(subject)}",
            f"Message-ID: {self._message_id(index)}",
            "MIME-Version: 1.0",
        ]
        if parent is not None:
            head += [f"In-Reply-To: {self._message_id(parent)}", f"References: {self._message_id(parent)}"]
        keywords = tuple(word for word, share in _KEYWORDS if draw.random() < share)
        raw = "\r\n".join([*head, kind]).encode() + b"\r\n\r\n" + content
        return Message(
            index, thread, subject, sender, receiver, seconds, mailboxes, keywords, text, bool(attached), raw
        )

    def _message_id(self, index: int) -> str:
        return f"<{index}.{self._seed}.{self.size}@bench.example>"


def _body(paragraphs: list[str], text: str, draw: random.Random) -> tuple[str, bytes]:
    """Give the Content-Type header and the content: plain text, or with HTML beside it."""
    plain = quopri.encodestring(text.encode(), quotetabs=False)
    head = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    if draw.random() < 0.35:
        return head, plain
    ornament = _ornament() if draw.random() < 0.6 else ""
    rows = "".join(f'<p style="margin:0 0 1em">{paragraph}</p>\r\n' for paragraph in paragraphs)
    html = f"<html><head><style>p {{color: #333}}</style></head><body>{rows}{ornament}</body></html>"
    content = (
        f"--=alt\r\n{head}\r\n\r\n".encode()
        + plain
        + b"\r\n--=alt\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + html.encode()
        + b"\r\n--=alt--\r\n"
    )
    return 'Content-Type: multipart/alternative; boundary="=alt"', content


def _with_attachments(kind: str, content: bytes, count: int, draw: random.Random) -> tuple[str, bytes]:
    pieces = [b"--=mix\r\n", kind.encode(), b"\r\n\r\n", content]
    for number in range(count):
        size = draw.choice((8_000, 30_000, 70_000, 200_000))
        start = draw.randrange(1000)
        pieces.append(
            b'\r\n--=mix\r\nContent-Type: application/pdf; name="report%d.pdf"\r\n'
            b"Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n" % number
        )
        pieces.append(_noise()[start * 78 : start * 78 + size // 78 * 78])
    pieces.append(b"--=mix--\r\n")
    return 'Content-Type: multipart/mixed; boundary="=mix"', b"".join(pieces)


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")


def _words(text: str) -> str:
    if text.isascii():
        return text
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _address(person: tuple[str, str]) -> str:
    name, address = person
    return f"{_words(name)} <{address}>" if name else address


@cache
def _paragraphs() -> list[str]:
    """A pool of paragraphs of words whose frequencies fall as those of a language do."""
    draw = random.Random("paragraphs")
    onsets = [*"bcdfghjklmnprstvw", "br", "ch", "cl", "dr", "fl", "gr", "pl", "sh", "st", "th"]
    codas = ["", *"nrstlm", "ck", "nd", "st", "ng"]
    syllables = [onset + vowel + coda for onset in onsets for vowel in "aeiou" for coda in codas]
    words = list({"".join(draw.choices(syllables, k=draw.choice((1, 2, 2, 3)))): None for _ in range(12_000)})
    weights = [1 / (rank + 3) for rank in range(len(words))]
    return [
        " ".join(draw.choices(words, weights, k=draw.randint(20, 90))).capitalize() + "." for _ in range(3000)
    ]


@cache
def _ornament() -> str:
    """The tables and styles that newsletters wrap around their words."""
    row = '<tr><td style="padding:0 4px;border:1px solid #eee" width="50%"><img src="cid:x" alt=""></td></tr>'
    return "<table>" + row * 140 + "</table>"


@cache
def _noise() -> bytes:
    return base64.encodebytes(random.Random("noise").randbytes(300_000)).replace(b"\n", b"\r\n")
