"""Letters that programs send: newsletters, receipts, lists, builds, bookings, invitations and spam.

Each function in `MILLS` makes one conversation from a number, which varies it, and its moment.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from posthouse.app.sample import media
from posthouse.app.sample.letter import File, Letter, as_html
from posthouse.app.sample.person import PEOPLE, Person

_HOUR = 3600
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Moment:
    """What a mill works from: who owns the mailbox and their friend, Unix seconds, a number and chance."""

    owner: Person
    friend: Person
    at: int
    number: int
    chance: random.Random

    def message_id(self, domain: str, turn: int = 0) -> str:
        """Return a message id that no other moment has."""
        return f"{self.number:05d}.{turn}.{self.at:x}@{domain}"


Mill: TypeAlias = Callable[[Moment], list[Letter]]

_NEWSLETTERS = (
    (
        Person("The Post Road", "letters@postroad.example"),
        "#7a3b1d",
        (
            (
                "A bridge of ropes, rebuilt every June",
                "Four villages, one thousand metres of grass cord and a "
                "rule "
                "that nobody may skip the singing.",
            ),
            (
                "The last sorting carriage",
                "For 140 years letters were sorted on the night train. We rode "
                "along on "
                "the final trip and brought sandwiches.",
            ),
            ("Why stamps have teeth", "Before 1850 you needed scissors. Then an Irishman had enough of it."),
            ("How far is a day's ride?", "Thirty miles if the horse is good, forty if the inn is."),
        ),
    ),
    (
        Person("Kitchen Letters", "hello@kitchenletters.example"),
        "#2f6b3c",
        (
            (
                "Pears, thyme and a hot oven",
                "Forty minutes, five ingredients. The trick is the pinch of salt.",
            ),
            ("Bread for people with jobs", "Mix it at night, forget it, bake it before the shower."),
            ("A soup that fixes Mondays", "Lentils, lemon and more cumin than you think is polite."),
            ("What to do with green tomatoes", "Chutney, of course. But have you tried them fried?"),
        ),
    ),
    (
        Person("Sternwarte Aktuell", "post@sternwarte.example"),
        "#1f2f66",
        (
            ("Saturn im Fernrohr", "Am Freitag ab 21 Uhr öffnen wir die Kuppel. Bei Wolken gibt es Kakao."),
            ("Die Perseiden kommen", "Bis zu hundert Sternschnuppen in der Stunde. Decken mitbringen!"),
            ("Ein Komet für Frühaufsteher", "Tief im Osten, kurz vor der Dämmerung, mit grünlichem Schweif."),
        ),
    ),
)

_SHOPS = (
    (
        Person("Blaue Tinte Papeterie", "rechnung@blauetinte.example"),
        "EUR",
        (("Notebook, dotted, A5", 1490), ("Ink, midnight blue, 50 ml", 1250), ("Envelopes, 25 pieces", 690)),
    ),
    (
        Person("Green Lane Grocers", "orders@greenlane.example"),
        "GBP",
        (("Vegetable box, medium", 1650), ("Eggs, one dozen", 420), ("Honey from the heath", 780)),
    ),
    (
        Person("Wheelhouse Cycles", "shop@wheelhouse.example"),
        "EUR",
        (("Inner tube 28 inch", 790), ("Brake pads, pair", 1480), ("Bell, brass", 1990)),
    ),
    (
        Person("Folio Books", "service@foliobooks.example"),
        "EUR",
        (("The Summer Book", 1100), ("Atlas of Remote Islands", 2800), ("A Month in the Country", 1050)),
    ),
)

_TOPICS = (
    (
        "Release candidate 2 is out",
        "The second candidate is on the mirror. Please try it with your oldest "
        "mailbox and "
        "tell us what breaks. If nothing does by Sunday, this becomes the release.",
    ),
    (
        "How do you test time zones?",
        "Our tests fail for one hour each autumn. Apart from giving up on "
        "summer time, "
        "what do people do about this?",
    ),
    (
        "Proposal: drop the old index format",
        "It was replaced two years ago, and reading it costs us 400 "
        "lines. I would "
        "remove it in the next major version, with a converter for those who skipped releases.",
    ),
    (
        "[PATCH] parser: accept an empty group",
        "From section 3.4 of RFC 5322 a group may have no members. "
        "We refused "
        'it. The patch has a test with "Undisclosed recipients:;".',
    ),
    (
        "Documentation sprint on Saturday",
        "Ten to four, online or at the library. We want to get through "
        "the how-to "
        "pages. No experience needed, a fresh pair of eyes is the best tool we have.",
    ),
    (
        "Memory grows during import",
        "I see about 2 MB for each thousand messages, and it never goes down. "
        "Is that the "
        "cache? Version, settings and a graph below.",
    ),
)

_SPAM = (
    (
        "You have (1) unclaimed parcel",
        "Dear costumer, your parcel is waiting at our depot. Pay the small "
        "fee of 1.99 to "
        "release it today: http://parcel.invalid/pay",
    ),
    (
        "CONGRATULATIONS!!! You won",
        "Your address was drawn from 2,500,000. Send your full name, age and "
        "bank to claim "
        "850,000.00 dollars from our lottery.",
    ),
    (
        "Re: Your invoice #88213",
        "Please see the attached invoice and enable the content to view it. Kind regards, Accounting",
    ),
    ("Cheap w4tches, best qual1ty", "Swiss replica, 90% off, this week only. http://watches.invalid"),
    (
        "Make your website number one",
        "Hi, I looked at your website and found many errors. We put you on "
        "page one of "
        "all search engines within 7 days, guaranteed.",
    ),
)

_TRIPS = (
    ("Linz", "Wien", "RJ 543"),
    ("Wien", "Graz", "IC 255"),
    ("Paris", "Lyon", "TGV 6607"),
    ("Porto", "Lisboa", "AP 124"),
    ("Sevilla", "Madrid", "AVE 2081"),
    ("Kraków", "Gdańsk", "EIP 3504"),
    ("London", "Leeds", "1D14"),
)

_ANSWERS = (
    "Thanks, that helps a lot.",
    "I will have a look tonight.",
    "Works for me!",
    "Let me check and come back to you.",
    "Ha, exactly what I thought.",
    "Could you send me the file again? The last page is missing.",
    "Great work, everybody.",
    "I am out on Friday, Monday would be fine.",
)

_DRAFTS = (
    (
        "Ideas for the talk",
        "- start with the horses\n- then the one slide with numbers\n- do not explain "
        "what a cache "
        "is\n- end with the inn at",
    ),
    ("Re: Summer plans", "Hi all,\n\nI have been thinking about the week in August, and"),
    (
        "Letter to the council about the crossing",
        "Dear Sir or Madam,\n\nI write about the crossing at Mill Lane, where",
    ),
)


def _newsletter(moment: Moment) -> list[Letter]:
    sender, colour, stories = _NEWSLETTERS[moment.number % len(_NEWSLETTERS)]
    domain = sender.address.partition("@")[2]
    issue = 40 + moment.number
    chosen = moment.chance.sample(stories, 3)
    rows = "".join(
        f'<tr><td style="padding:16px 24px"><h2 style="margin:0 0 8px;color:{colour};font:600 20px '
        f'Georgia,serif">'
        f'{title}</h2>\n<p style="margin:0;font:16px/1.5 Georgia,serif;color:#333">{story}</p>\n'
        f'<p style="margin:8px 0 0"><a href="https://{domain}/{issue}/{place}" '
        f'style="color:{colour}">Read on</a></p>'
        "</td></tr>\n"
        for place, (title, story) in enumerate(chosen, 1)
    )
    html = (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Issue</title></head>\n'
        '<body style="margin:0;background:#f4f1ea">\n<table role="presentation" width="100%"><tr><td '
        'align="center">\n'
        '<table role="presentation" width="600" style="background:#fff;border-collapse:collapse">\n'
        f'<tr><td style="background:{colour};color:#fff;padding:24px;font:700 28px '
        f'Georgia,serif">{sender.name}'
        f' <span style="font-weight:400;font-size:16px">No. {issue}</span></td></tr>\n{rows}'
        '<tr><td style="padding:24px;font:13px sans-serif;color:#777">You get this because you asked for it. '
        f'<a href="https://{domain}/leave">Leave</a></td></tr>\n</table></td></tr></table></body></html>'
    )
    text = "\n\n".join(f"{title.upper()}\n{story}" for title, story in chosen)
    return [
        Letter(
            sender=sender,
            to=(moment.owner,),
            subject=f"{chosen[0][0]} (No. {issue})",
            at=moment.at,
            mailbox=("Newsletters",),
            text=text,
            html=html,
            message_id=moment.message_id(domain),
            headers=(
                ("List-Id", f"{sender.name} <news.{domain}>"),
                ("List-Unsubscribe", f"<https://{domain}/leave>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
                ("Precedence", "bulk"),
            ),
        )
    ]


def _receipt(moment: Moment) -> list[Letter]:
    shop, currency, goods = _SHOPS[moment.number % len(_SHOPS)]
    bought = [(name, cents, moment.chance.randint(1, 3)) for name, cents in moment.chance.sample(goods, 2)]
    total = sum(cents * count for _, cents, count in bought)
    order = 20000 + moment.number * 7
    lines = [f"{count} x {name}: {currency} {cents * count / 100:.2f}" for name, cents, count in bought]
    text = "\n".join(
        [
            "Hello Robin,",
            "",
            "thank you for your order. This is what we packed for you:",
            "",
            *lines,
            "",
            f"Total: {currency} {total / 100:.2f}",
            "",
            "The invoice is attached. It should be with you in two days.",
        ]
    )
    invoice = media.pdf(
        [shop.name, f"Invoice {order}", "", *lines, "", f"Total {currency} {total / 100:.2f}"]
    )
    return [
        Letter(
            sender=shop,
            to=(moment.owner,),
            subject=f"Your order {order} is on its way",
            at=moment.at,
            mailbox=("Receipts",),
            text=text,
            html=as_html(text),
            flowed=moment.number % 2 == 0,
            files=(File(f"Invoice {order}.pdf", "application/pdf", invoice),),
            message_id=moment.message_id(shop.address.partition("@")[2]),
        )
    ]


def _list_thread(moment: Moment) -> list[Letter]:
    subject, opening = _TOPICS[moment.number % len(_TOPICS)]
    members = moment.chance.sample(
        [PEOPLE[name] for name in ("ines", "tomasz", "amara", "mateo", "sam", "dana")], 3
    )
    everyone = Person("Posthouse development", "dev@lists.posthouse.example")
    letters: list[Letter] = []
    for turn, author in enumerate((*members, members[0])[: moment.chance.randint(2, 4)]):
        said = opening if turn == 0 else f"> {opening[:60]}\n[...]\n\n{moment.chance.choice(_ANSWERS)}"
        letters.append(
            Letter(
                sender=author,
                to=(everyone,),
                at=moment.at + turn * moment.chance.randint(_HOUR, 9 * _HOUR),
                subject=f"{'Re: ' if turn else ''}[posthouse-dev] {subject}",
                mailbox=("Lists",),
                flowed=turn % 2 == 0,
                text=f"{said}\n\n{author.name.split()[0]}\n\n-- \nposthouse-dev, the list for those who "
                f"build it",
                message_id=moment.message_id(author.address.partition("@")[2], turn),
                references=tuple(letter.message_id for letter in letters),
                headers=(
                    ("List-Id", "Posthouse development <dev.lists.posthouse.example>"),
                    ("List-Post", "<mailto:dev@lists.posthouse.example>"),
                    ("List-Unsubscribe", "<mailto:dev-leave@lists.posthouse.example>"),
                    ("List-Archive", "<https://lists.posthouse.example/dev/>"),
                ),
            )
        )
    return letters


def _build(moment: Moment) -> list[Letter]:
    passed = moment.chance.random() < 0.8
    seconds = moment.chance.randint(180, 420)
    result = "passed" if passed else "FAILED"
    failure = "" if passed else "tests/unit/test_import.py  FAILED: expected 400 messages, found 399\n"
    log = "\n".join(f"tests/unit/test_{name}.py  ok" for name in ("changes", "ids", "query", "threads"))
    text = (
        f"Build {4100 + moment.number} of main {result} in {seconds // 60} min {seconds % 60} s.\n\n{log}\n"
        f"{failure}\n"
        f"Details: https://ci.posthouse.example/builds/{4100 + moment.number}"
    )
    return [
        Letter(
            sender=Person("Posthouse CI", "ci@posthouse.example"),
            to=(moment.owner,),
            at=moment.at,
            text=text,
            subject=f"[ci] Build {4100 + moment.number} {result}",
            mailbox=("Projects", "Posthouse"),
            message_id=moment.message_id("ci.posthouse.example"),
            headers=(("Auto-Submitted", "auto-generated"),),
            files=()
            if passed
            else (File("test-import.log", "text/plain", f"{log}\nexpected 400, found 399\n".encode()),),
        )
    ]


def _trip(moment: Moment) -> list[Letter]:
    start, end, train = _TRIPS[moment.number % len(_TRIPS)]
    leaves = (moment.at // _DAY + 14) * _DAY + 8 * _HOUR + moment.number % 6 * _HOUR
    day = f"{datetime.fromtimestamp(leaves, UTC):%d.%m.%Y, %H:%M}"
    price = 1900 + moment.number * 130 % 6000
    code = f"{moment.number * 7919 % 900000 + 100000}"
    text = (
        f"Your journey is booked.\n\n{start} - {end}\nTrain {train}, {day}\nCarriage 24, seat 61, window\n\n"
        f"Booking code: {code}\nPaid: EUR {price / 100:.2f}\n\nHave a good journey!"
    )
    ticket = media.pdf(["Ticket", f"{train}  {day}", "Carriage 24, seat 61", f"Booking code {code}"])
    event = media.ics(
        f"{code}@rail.example",
        f"{train} {start} - {end}",
        start,
        leaves,
        190,
        "tickets@rail.example",
        moment.owner.address,
    )
    return [
        Letter(
            sender=Person("Continental Rail", "tickets@rail.example"),
            to=(moment.owner,),
            at=moment.at,
            text=text,
            subject=f"Ticket {start} → {end}, {day[:10]}",
            mailbox=("Travel",),
            files=(
                File(f"Fahrkarte {start} → {end}.pdf", "application/pdf", ticket),
                File("journey.ics", "text/calendar; charset=utf-8", event.encode()),
            ),
            message_id=moment.message_id("rail.example"),
        )
    ]


def _invitation(moment: Moment) -> list[Letter]:
    host = PEOPLE[("sam", "ines", "amara")[moment.number % 3]]
    subject = ("Planning for the quarter", "Review of the import", "Coffee and bugs")[moment.number % 3]
    day = moment.at // _DAY + 4
    start = (day - max((day + 3) % 7 - 4, 0)) * _DAY + 14 * _HOUR  # never at a weekend; day 0 was a Thursday
    event = media.ics(
        f"{moment.number}@meet.example",
        subject,
        "The small room",
        start,
        60,
        host.address,
        moment.owner.address,
    )
    when = f"{datetime.fromtimestamp(start, UTC):%A, %d %B at %H:%M}"
    text = f"Hi Robin,\n\nplease join: {subject}, {when}.\n\nIn the small room."
    invite = Letter(
        sender=host,
        to=(moment.owner,),
        cc=(moment.friend,),
        subject=f"Invitation: {subject}",
        at=moment.at,
        mailbox=("Inbox",),
        text=text,
        html=as_html(text),
        calendar=event,
        message_id=moment.message_id("meet.example"),
    )
    answer = Letter(
        sender=moment.owner,
        to=(host,),
        subject=f"Accepted: {subject}",
        at=moment.at + 2 * _HOUR,
        mailbox=("Sent",),
        text="I will be there.",
        message_id=moment.message_id("example.org", 1),
        references=(invite.message_id,),
        keywords=frozenset({"$seen"}),
        arrived=False,
    )
    return [invite, answer] if moment.number % 2 else [invite]


def _photo(moment: Moment) -> list[Letter]:
    sender = (PEOPLE["mum"], PEOPLE["dana"], moment.friend)[moment.number % 3]
    what = ("The view from the hill this evening", "Look who came for breakfast", "First snow!")[
        moment.number // 3 % 3
    ]
    mark = moment.message_id("photo.example")
    html = f'<html><body><p>{what}</p><p><img src="cid:{mark}" alt="{what}" width="480"></p></body></html>'
    return [
        Letter(
            sender=sender,
            to=(moment.owner,),
            subject=what,
            at=moment.at,
            mailbox=("Family",),
            text=what,
            html=html,
            files=(File("evening.png", "image/png", media.png(moment.number * 23 % 256), content_id=mark),),
            message_id=mark,
            headers=(("X-Mailer", "Pocket Mail 4.2"),),
        )
    ]


def _notice(moment: Moment) -> list[Letter]:
    sender, subject, text = (
        (
            Person("City Library", "noreply@library.example"),
            "Two books are due on Friday",
            "Dear Robin Vale,\n\nplease bring back or renew by Friday:\n\n  The Summer Book\n  A Field Guide "
            "to Clouds\n\nOpening "
            "hours: Tuesday to Saturday, 10 to 18.",
        ),
        (
            Person("Parcel Service", "track@parcel.example"),
            "Your parcel comes today",
            "Your parcel arrives today between 11:20 and 13:20. If nobody is in, we leave it with the "
            "neighbour you named.",
        ),
        (
            Person("Savings Bank", "statements@bank.example"),
            "Your statement is ready",
            "Dear customer,\n\nyour statement for the last month is attached. We will never ask you for your "
            "password.",
        ),
        (
            Person("Town Swimming Club", "info@swim.example"),
            "Pool closed on Wednesday",
            "Hello swimmers,\n\nthe pool is closed this Wednesday for repairs. Training moves to the lake, "
            "weather permitting. "
            "Bring a warm hat.",
        ),
    )[moment.number % 4]
    table = "date,what,amount\n2026-01-02,Bakery,-4.20\n2026-01-03,Salary,2210.00\n2026-01-05,Rent,-740.00\n"
    files = (
        File("statement.pdf", "application/pdf", media.pdf(["Statement", "Balance EUR 1,465.80"])),
        File("Umsätze.csv", "text/csv; charset=utf-8", table.encode()),
    )
    return [
        Letter(
            sender=sender,
            to=(moment.owner,),
            subject=subject,
            at=moment.at,
            mailbox=("Inbox",),
            text=text,
            files=files if "statement" in subject else (),
            headers=(("Auto-Submitted", "auto-generated"),),
            message_id=moment.message_id(sender.address.partition("@")[2]),
        )
    ]


def _spam(moment: Moment) -> list[Letter]:
    subject, text = _SPAM[moment.number % len(_SPAM)]
    sender = Person("Customer Service", f"info{moment.number}@offers{moment.number}.example")
    return [
        Letter(
            sender=sender,
            to=(moment.owner,),
            subject=subject,
            at=moment.at,
            mailbox=("Junk",),
            text=text,
            html=f'<html><body><center><font color="red"><b>{subject}</b></font><p>{text}</p></center></body></html>',
            keywords=frozenset({"$junk"}),
            headers=(("X-Spam-Score", "11.4"),),
            message_id=moment.message_id(sender.address.partition("@")[2]),
        )
    ]


def _draft(moment: Moment) -> list[Letter]:
    subject, text = _DRAFTS[moment.number % len(_DRAFTS)]
    return [
        Letter(
            sender=moment.owner,
            to=(moment.friend,),
            subject=subject,
            at=moment.at,
            mailbox=("Drafts",),
            text=text,
            keywords=frozenset({"$draft", "$seen"}),
            message_id=moment.message_id("example.org"),
            arrived=False,
        )
    ]


MILLS: tuple[Mill, ...] = (
    _newsletter,
    _receipt,
    _list_thread,
    _build,
    _photo,
    _notice,
    _trip,
    _list_thread,
    _newsletter,
    _spam,
    _build,
    _invitation,
    _receipt,
    _list_thread,
    _notice,
    _draft,
)
"""Each makes one conversation; they take turns in this order."""
