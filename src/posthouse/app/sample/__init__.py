"""A sample mailbox: a year of believable mail for the demo and for tests.

Purpose: `messages` makes as many messages as asked for, in the mailboxes where a person would have them.
Contract: the same arguments always give the same messages, byte for byte; people and domains are invented
(RFC 2606). May import: the standard library and ``posthouse.app.sources`` for the words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime

from posthouse.app.sample import media
from posthouse.app.sample.dialogue import Dialogue, dialogues
from posthouse.app.sample.letter import File, Letter, as_html, write
from posthouse.app.sample.mill import MILLS, Moment
from posthouse.app.sample.person import FRIEND_NAME, OWNER_NAME, PEOPLE, Person
from posthouse.app.sources.item import Path

__all__ = ["SampleMessage", "messages"]

_HOUR = 3600
_DAY = 86400
_YEAR = 365 * _DAY
_MILLS_PER_DIALOGUE = 7
_SIGNATURE = "\n\n-- \nSam Whitfield\nPosthouse, Mill Lane 4, second floor"
_WITH_HTML = {"amara", "dana", "sam"}
_FLOWED = {"robin", "ines", "mum"}

# What hangs on a conversation's first message, by its subject.
_FILES = {
    "Slow query on the big account": File(
        "trace.txt", "text/plain; charset=us-ascii", b"SCAN email\nSEARCH thread USING INDEX\ntotal 80.2 ms\n"
    ),
    "中文搜索的测试结果": File(
        "测试结果.csv", "text/csv; charset=gb18030", "词,找到\n北京,12\n邮件,40\n郵件,0\n".encode("gb18030")
    ),
    "L'exposition de samedi": File("Invitation à l'atelier.png", "image/png", media.png(200)),
    "来月の打ち合わせについて": File("地図.png", "image/png", media.png(90)),
    "Lisbon in May: trains or plane?": File(
        "trains.csv", "text/csv", b"leg,hours\nLinz-Paris,11\nParis-Irun,5\n"
    ),
    "Keys for the hut": File(
        "Hütte.pdf", "application/pdf", media.pdf(["Rotes Ventil auf", "Blaues zu lassen"])
    ),
}


@dataclass(frozen=True, slots=True)
class SampleMessage:
    """A message of the sample.

    ``mailbox``: its path; `posthouse.app.sources.role_of` tells which have a role. ``keywords``: in lower
    case. ``received_at``: Unix seconds. ``data``: the message with CRLF line ends.
    """

    mailbox: Path
    keywords: frozenset[str]
    received_at: int
    data: bytes


def messages(owner: str, friend: str, now: int, count: int = 400) -> Iterator[SampleMessage]:
    """Yield ``count`` messages of the year before ``now`` (Unix seconds), oldest first.

    ``owner`` and ``friend`` are addresses: whose mailbox it is, and who writes to them most.
    """
    chance = random.Random(f"{owner} {count}")
    people = {**PEOPLE, "robin": Person(OWNER_NAME, owner), "noor": Person(FRIEND_NAME, friend)}
    letters: list[Letter] = []
    number = 0
    while len(letters) < count:
        begun = now - _HOUR - int((_YEAR - 30 * _DAY) * chance.random() ** 1.7)
        moment = Moment(people["robin"], people["noor"], begun, number, chance)
        before = chance.getstate()
        made = _made(moment, people)
        late = made[-1].at - (now - 60)
        if late > 0:  # The same again, but earlier: quotes tell when that was written which they quote.
            chance.setstate(before)
            made = _made(replace(moment, at=moment.at - late), people)
        letters += made
        number += 1
    answered = {letter.references[-1] for letter in letters if not letter.arrived and letter.references}
    for letter in sorted(letters[:count], key=lambda letter: (letter.at, letter.message_id)):
        keywords = letter.keywords or _keywords(letter, now, chance)
        if letter.message_id in answered:
            keywords |= {"$answered", "$seen"}
        yield SampleMessage(letter.mailbox, keywords, letter.at + 3 * letter.arrived, write(letter))


def _made(moment: Moment, people: dict[str, Person]) -> list[Letter]:
    """Make the letters of the conversation or the mill whose turn it is."""
    told, turn = divmod(moment.number, _MILLS_PER_DIALOGUE + 1)
    if turn == 0 and told < len(dialogues()):
        return _tell(dialogues()[told], moment, people)
    return MILLS[(told * _MILLS_PER_DIALOGUE + turn) % len(MILLS)](moment)


def _keywords(letter: Letter, now: int, chance: random.Random) -> frozenset[str]:
    """Mark as a person would: old mail is read, of the last days about half, and a few are flagged."""
    keywords = set()
    if chance.random() < (0.97 if letter.at < now - 10 * _DAY else 0.5):
        keywords.add("$seen")
    if chance.random() < 0.05:
        keywords.add("$flagged")
    return frozenset(keywords)


def _tell(dialogue: Dialogue, moment: Moment, people: dict[str, Person]) -> list[Letter]:
    letters: list[Letter] = []
    speakers = list(dict.fromkeys(who for who, _ in dialogue.turns))
    at = moment.at
    for turn, (who, words) in enumerate(dialogue.turns):
        others = [people[other] for other in speakers if other != who] or [people["robin"]]
        if who != "robin":
            others.sort(key=lambda person: person is not people["robin"])
        text = words + _SIGNATURE if who == "sam" else words
        if letters:
            text = f"{text}\n\n{_quoted(letters[-1], dialogue.turns[turn - 1][1])}"
        attached = _FILES.get(dialogue.subject) if turn == 0 else None
        own = who == "robin"
        letters.append(
            Letter(
                sender=people[who],
                to=tuple(others[:1]),
                cc=tuple(others[1:]),
                at=at,
                subject=f"Re: {dialogue.subject}" if letters else dialogue.subject,
                mailbox=("Sent",) if own else dialogue.mailbox,
                keywords=frozenset({"$seen"}) if own else frozenset(),
                text=text,
                html=as_html(text) if who in _WITH_HTML else "",
                flowed=who in _FLOWED,
                files=(attached,) if attached else (),
                arrived=not own,
                message_id=moment.message_id(people[who].address.partition("@")[2], turn),
                references=tuple(letter.message_id for letter in letters),
            )
        )
        at += moment.chance.randint(_HOUR // 3, 20 * _HOUR)
    return letters


def _quoted(letter: Letter, words: str) -> str:
    lines = "\n".join(f"> {line}".rstrip() for line in words.split("\n"))
    return (
        f"On {format_datetime(datetime.fromtimestamp(letter.at, UTC))}, {letter.sender.name} wrote:\n{lines}"
    )
