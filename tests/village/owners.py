"""Owners: what people do with what is theirs, and with whom they share it."""

from __future__ import annotations

import random
from typing import Any

from hypothesis.stateful import initialize, rule

from posthouse.kit.json import JsonObject
from posthouse.model.caller import wire_principal
from village import eyes
from village.eyes import RIGHTS
from village.history import History, Sent
from village.scene import (
    DATES,
    GRANTEES,
    KEYWORDS,
    OWNERS,
    TOPICS,
    and_above,
    members_after,
    seeds,
)
from village.village import ANNA, BOB, COUNCIL, NAMES, wire


class Owners(History):
    """Owners who make, change, share and destroy things."""

    @initialize(seed=seeds)
    def begin(self, seed: int) -> None:
        """Begin with some things in each account."""
        r = random.Random(seed)
        for owner in OWNERS:
            self.truth[owner] = {}
            self.look(owner)
            for act in (self.make_box, self.make_box, self.make_box, self.make_book, self.make_book):
                act(r, owner)
                self.look(owner)
            for act in (*[self.deliver] * 4, *[self.make_card] * 3):
                act(r, owner)
                self.look(owner)
            for _ in range(6):
                self.share(r, owner)
                self.look(owner)
        self.log.append("begun")
        self.settle(*OWNERS)

    @rule(seed=seeds)
    def live(self, seed: int) -> None:
        """Let an owner change his things, and with whom he shares them."""
        r = random.Random(seed)
        owner = r.choice(OWNERS)
        acts = [
            *[self.deliver] * 3,
            *[self.sort] * 5,
            *[self.share] * 5,
            *(self.make_box, self.change_box, self.change_box, self.drop_box, self.throw_away),
            *(self.make_book, self.make_card, self.change_card, self.change_card, self.drop_card),
            *(self.change_book, self.drop_book, self.change_own),
        ]
        for _ in range(r.randint(1, 3)):
            r.choice(acts)(r, owner)
            self.settle(owner)

    @rule(seed=seeds)
    def move_in(self, seed: int) -> None:
        """Let somebody join the group, or leave it."""
        r = random.Random(seed)
        if r.random() < 0.6:
            return
        person = r.choice([ANNA, BOB])
        joins = person not in self.village.members
        self.village.join(person, joins)
        self.log.append(("joins" if joins else "leaves", NAMES[person]))
        for owner in OWNERS:
            self.void(owner, [person])
        gone = (person, COUNCIL)
        self.views.pop(gone, None)
        self.glances[gone], self.results[gone] = [], []
        self.settle(*OWNERS)

    def do(self, owner: int, type: str, **arguments: Any) -> JsonObject:
        self.log.append((NAMES[owner], type, arguments))
        return self.village.set(self.owner_as(owner), type, wire(owner), **arguments)

    def some(self, r: random.Random, owner: int, type: str, most: int = 2) -> JsonObject:
        ids = list(self.truth[owner][type])
        return dict.fromkeys(r.sample(ids, min(len(ids), r.randint(1, most))), True)

    def message(self, r: random.Random, follows: Sent | None = None) -> tuple[Sent, bytes]:
        topic = r.choice(TOPICS) if follows is None else follows.topic
        sent = Sent(f"{self.secret()}@x.example", topic)
        words = {name: self.secret() for name in ("from", "to", "cc", "body", "file", "header")}
        lines = [
            f"From: {words['from']} <{words['from']}@x.example>",
            f"To: {words['to']}@x.example",
            f"Cc: {words['cc']}@x.example",
            f"Subject: {'Re: ' if follows else ''}{topic}",
            f"Message-ID: <{sent.message_id}>",
            *([f"References: <{follows.message_id}>"] if follows else []),
            f"X-Secret: {words['header']}",
            "MIME-Version: 1.0",
            'Content-Type: multipart/mixed; boundary="b"',
            "",
            "--b",
            "Content-Type: text/plain",
            "",
            f"{topic} {words['body']}",
            "--b",
            f'Content-Type: text/x-note; name="{words["file"]}"',
            f'Content-Disposition: attachment; filename="{words["file"]}"',
            "",
            self.secret(),
            "--b--",
            "",
        ]
        self.sent.append(sent)
        return sent, "\r\n".join(lines).encode()

    def deliver(self, r: random.Random, owner: int) -> None:
        """A message comes, which may follow any other one."""
        follows = r.choice(self.sent) if self.sent and r.random() < 0.6 else None
        _, data = self.message(r, follows)
        person = self.owner_as(owner)
        blob = self.village.upload(person, wire(owner), data)
        email = {
            "blobId": blob,
            "mailboxIds": self.some(r, owner, "Mailbox", 3),
            "keywords": dict.fromkeys(r.sample(KEYWORDS, r.randint(0, 2)), True),
            "receivedAt": r.choice(DATES),
        }
        answered = self.village.ask(person, "Email/import", wire(owner), emails={"k": email})
        assert answered["created"], answered

    def sort(self, r: random.Random, owner: int) -> None:
        """Put an Email elsewhere, or mark it."""
        emails = list(self.truth[owner]["Email"])
        if not emails:
            return
        id = r.choice(emails)
        self.do(owner, "Email", update={id: self.email_patch(r, self.truth[owner]["Email"][id], owner)})

    def email_patch(self, r: random.Random, known: JsonObject, owner: int) -> JsonObject:
        boxes = list(self.truth[owner]["Mailbox"])
        if r.random() < 0.5:
            keyword = r.choice(KEYWORDS)
            return {f"keywords/{keyword}": None if keyword in known["keywords"] else True}
        if r.random() < 0.5:
            return {"mailboxIds": self.some(r, owner, "Mailbox", 3)}
        inside = known["mailboxIds"]
        patch: JsonObject = {f"mailboxIds/{r.choice(boxes)}": True}
        if inside and r.random() < 0.6:
            patch |= {f"mailboxIds/{r.choice(list(inside))}": None}
        if members_after(inside, patch, "mailboxIds"):
            return patch
        return {"mailboxIds": self.some(r, owner, "Mailbox", 3)}

    def throw_away(self, r: random.Random, owner: int) -> None:
        emails = list(self.truth[owner]["Email"])
        self.do(owner, "Email", destroy=r.sample(emails, min(1, len(emails))))

    def make_box(self, r: random.Random, owner: int) -> None:
        parent = r.choice([None, *self.truth[owner]["Mailbox"]])
        self.do(owner, "Mailbox", create={"k": {"name": self.secret(), "parentId": parent}})

    def change_box(self, r: random.Random, owner: int) -> None:
        boxes = self.truth[owner]["Mailbox"]
        id = r.choice(list(boxes))
        parents = [None, *(one for one in boxes if id not in and_above(one, boxes))]
        patch = r.choice(
            [
                {"name": self.secret()},
                {"parentId": r.choice(parents)},
                {"sortOrder": r.randint(0, 100)},
                {"isSubscribed": r.random() < 0.5},
                {"role": r.choice([None, "junk"])},
            ]
        )
        if patch.get("role") and any(box["role"] == "junk" for box in boxes.values()):
            return
        self.do(owner, "Mailbox", update={id: patch})

    def drop_box(self, r: random.Random, owner: int) -> None:
        boxes = self.truth[owner]["Mailbox"]
        leaves = [id for id in boxes if not any(box["parentId"] == id for box in boxes.values())]
        if len(boxes) < 5 or r.random() < 0.5:
            return
        gone = r.choice(leaves)
        self.void(owner, self.grants[owner].get(("Mailbox", gone), {}))
        self.do(owner, "Mailbox", destroy=[gone], onDestroyRemoveEmails=True)

    def make_book(self, r: random.Random, owner: int) -> None:
        self.do(owner, "AddressBook", create={"k": {"name": self.secret()}})

    def change_book(self, r: random.Random, owner: int) -> None:
        id = r.choice(list(self.truth[owner]["AddressBook"]))
        patch = r.choice([{"name": self.secret()}, {"description": self.secret()}, {"sortOrder": 7}])
        self.do(owner, "AddressBook", update={id: patch})

    def drop_book(self, r: random.Random, owner: int) -> None:
        books = list(self.truth[owner]["AddressBook"])
        if len(books) < 3 or r.random() < 0.5:
            return
        gone = r.choice(books)
        self.void(owner, self.grants[owner].get(("AddressBook", gone), {}))
        self.do(owner, "AddressBook", destroy=[gone], onDestroyRemoveContents=True)

    def card(self, r: random.Random) -> JsonObject:
        card: JsonObject = {
            "uid": self.secret(),
            "name": {"components": [{"kind": "given", "value": self.secret()}]},
            "notes": {"N": {"note": f"{r.choice(TOPICS)} {self.secret()}"}},
            "created": r.choice(DATES),
        }
        if r.random() < 0.3:
            card["media"] = {"M": {"kind": "logo", "uri": f"data:text/plain,{self.secret()}"}}
        if r.random() < 0.3:
            card |= {"kind": "group", "members": {self.secret(): True}}
        return card

    def make_card(self, r: random.Random, owner: int) -> None:
        card = {"addressBookIds": self.some(r, owner, "AddressBook"), **self.card(r)}
        self.do(owner, "ContactCard", create={"k": card})

    def change_card(self, r: random.Random, owner: int) -> None:
        cards = list(self.truth[owner]["ContactCard"])
        if cards:
            books = self.some(r, owner, "AddressBook")
            patch = r.choice([{"addressBookIds": books}, {"notes": {"N": {"note": self.secret()}}}])
            self.do(owner, "ContactCard", update={r.choice(cards): patch})

    def drop_card(self, r: random.Random, owner: int) -> None:
        cards = list(self.truth[owner]["ContactCard"])
        self.do(owner, "ContactCard", destroy=r.sample(cards, min(1, len(cards))))

    def change_own(self, r: random.Random, owner: int) -> None:
        """Change what is never shared, or only with who may send."""
        if r.random() < 0.5:
            self.do(owner, "VacationResponse", update={"singleton": {"subject": self.secret()}})
        else:
            id = r.choice(list(self.truth[owner]["Identity"]))
            self.do(owner, "Identity", update={id: {"textSignature": self.secret()}})

    def rights(self, r: random.Random, type: str) -> frozenset[str]:
        names = RIGHTS[type]
        match r.randint(0, 7):
            case 0:
                return frozenset()
            case 1:
                return frozenset(names)
            case 2:
                return frozenset((eyes.READ[type],))
            case 3:
                return frozenset(r.sample(names, r.randint(1, 3)))
            case _:
                return frozenset((eyes.READ[type], *r.sample(names, r.randint(1, len(names)))))

    def share(self, r: random.Random, owner: int) -> None:
        type = r.choice(["Mailbox", "Mailbox", "AddressBook"])
        id = r.choice(list(self.truth[owner][type]))
        shares = dict(self.grants[owner].get((type, id), {}))
        if r.random() < 0.2:
            changed, shares = set(shares), {}
            patch: JsonObject = {"shareWith": None}
        else:
            who = r.choice([one for one in GRANTEES if one != owner])
            rights = self.rights(r, type)
            changed = {who} if rights != shares.get(who, frozenset()) else set()
            shares |= {who: rights}
            patch = {f"shareWith/{wire_principal(who)}": eyes.told(type, rights) if rights else None}
            if not rights and who not in self.grants[owner].get((type, id), {}):
                return
            if not self.grants[owner].get((type, id)):
                patch = {"shareWith": {wire_principal(who): eyes.told(type, rights)}}
        self.do(owner, type, update={id: patch})
        self.grants[owner][type, id] = {one: rights for one, rights in shares.items() if rights}
        self.void(owner, changed)
