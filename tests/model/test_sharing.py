"""Sharing through random histories: nobody is told of what is hidden from him, and everybody of what is not.

People of a domain make things, share them, take that back, join a group and leave it. Visitors call every method that
there is, with ids of all that was ever made. Each answer is held against `village.eyes`, a model that knows only what
the owner sees and who was granted what.
"""

from __future__ import annotations

import hashlib
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bakery import naive
from bakery.kitchen import OpenStore
from posthouse.kit.json import Json, JsonObject
from posthouse.model import blobid
from posthouse.model.caller import wire_principal
from village import eyes
from village.eyes import FAMILIES, ITEMS, RIGHTS, TYPES, Grants, Objects, Truth
from village.village import ANNA, BOB, CARL, COUNCIL, DORA, NAMES, Village, home, wire

seeds = st.integers(0, 2**32)

PEOPLE: Final = (ANNA, BOB, CARL)
OWNERS: Final = (ANNA, BOB, COUNCIL)
"""Whose accounts are visited."""
GRANTEES: Final = (ANNA, BOB, CARL, COUNCIL)
TOPICS: Final = ("tea", "milk", "salt")
KEYWORDS: Final = ("$seen", "$flagged", "$draft", "blue")
DATES: Final = tuple(f"202{year}-01-01T00:00:00Z" for year in range(4))
STATES: Final = ("state", "oldState", "newState", "queryState", "oldQueryState", "newQueryState")
NEVER: Final = 1_900_000
"""Ids from here on were never given."""
REFUSALS: Final = {
    *("forbidden", "notFound", "invalidProperties", "alreadyExists", "invalidPatch", "singleton"),
    *("mailboxHasChild", "mailboxHasEmail", "addressBookHasContents", "forbiddenToSend", "forbiddenFrom"),
    *("blobNotFound", "willDestroy", "overQuota"),
}
_SECRET: Final = re.compile(r"zq\d+z")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+")

Pair = tuple[int, int]
"""A visitor, and the owner of the account that he visits."""
Call = tuple[str, JsonObject]


@dataclass(slots=True)
class Glance:
    """What a visitor cached: the states of types, what he saw, and the step at which he did."""

    step: int
    states: dict[str, str]
    view: Truth


@dataclass(slots=True)
class Results:
    """The results of a query that a visitor cached."""

    step: int
    method: str
    arguments: JsonObject
    state: str
    ids: list[str]


@dataclass(slots=True)
class Sent:
    """A message: where its secrets are told, for the model's own search."""

    message_id: str
    topic: str
    words: dict[str, str] = field(default_factory=dict)


class Sharing(RuleBasedStateMachine):
    """Two domains through a random history."""

    open_store: OpenStore

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.village = Village(self.open_store, Path(self._folder.name))
        self.truth: dict[int, Truth] = {}
        self.grants: defaultdict[int, Grants] = defaultdict(dict)
        self.subscribed: defaultdict[Pair, dict[str, bool]] = defaultdict(dict)
        self.views: dict[Pair, Truth] = {}
        self.parents: dict[Pair, dict[str, str | None]] = {}
        self.states: dict[Pair, dict[str, str]] = {}
        self.levels: dict[Pair, Mapping[str, int]] = {}
        self.moved: defaultdict[Pair, dict[tuple[str, str], int]] = defaultdict(dict)
        """The step at which what a visitor sees of an object, or of a whole type (id ""), was another last."""
        self.voided: defaultdict[Pair, int] = defaultdict(int)
        self.glances: defaultdict[Pair, list[Glance]] = defaultdict(list)
        self.results: defaultdict[Pair, list[Results]] = defaultdict(list)
        self.ever: defaultdict[int, set[str]] = defaultdict(set)
        """All ids that were ever in an account, blobs included."""
        self.uploads: defaultdict[Pair, set[str]] = defaultdict(set)
        self.sent: list[Sent] = []
        self.step = 0
        self.secrets = 0
        self.log: list[object] = []

    def teardown(self) -> None:
        self.village.close()
        self._folder.cleanup()

    # -- who --

    def pairs(self) -> list[Pair]:
        """Each visitor with each account in which he is one."""
        return [
            (person, owner)
            for person in PEOPLE
            for owner in OWNERS
            if owner not in self.village.principals(person)
        ]

    def owner_as(self, owner: int) -> int:
        """The person who acts for an owner: Carl never leaves the group."""
        return CARL if owner == COUNCIL else owner

    def secret(self) -> str:
        self.secrets += 1
        return f"zq{self.secrets}z"

    # -- the truth --

    def look(self, *owners: int) -> None:
        """Read the truth of some accounts as their owners see it, and hold it against what was granted."""
        for owner in owners:
            person, account = self.owner_as(owner), wire(owner)
            calls: list[Call] = [
                (f"{type}/get", {"accountId": account} | (_ALL_OF_IT if type == "Email" else {}))
                for type in (*TYPES, "VacationResponse", "EmailSubmission")
            ]
            answered = self.village.answer(person, *calls)["methodResponses"]
            truth = {
                method.split("/")[0]: {one["id"]: one for one in answer["list"]}
                for method, answer, _ in answered
            }
            self.truth[owner] = truth
            grants = self.grants[owner]
            for type, id in list(grants):
                if id not in truth[type]:
                    del grants[type, id]
            for type in RIGHTS:
                for id, one in truth[type].items():
                    assert eyes.shares_told(type, grants.get((type, id), {})) == one["shareWith"], (type, id)
            for type, objects in truth.items():
                self.ever[owner].update(() if type == "VacationResponse" else objects)
                self.ever[owner].update(_blobs(list(objects.values())))

    def view(self, pair: Pair) -> Truth:
        person, owner = pair
        through = self.village.principals(person)
        return eyes.seen(self.truth[owner], self.grants[owner], through, self.subscribed[pair])

    # -- what must hold --

    def settle(self, *owners: int) -> None:
        """Hold all that visitors are told of after a step against what they see now and saw before it."""
        self.step += 1
        self.look(*owners)
        for pair in self.pairs():
            before, now = self.views.get(pair), self.view(pair)
            still = self._note_moves(pair, before, now)
            # A Mailbox that moves from one hidden Mailbox to another is told of: where it is, it tells not.
            parents = {id: self.truth[pair[1]]["Mailbox"][id]["parentId"] for id in now["Mailbox"]}
            if parents != self.parents.get(pair):
                self.parents[pair] = parents
                self.moved[pair]["Mailbox", ""] = self.step
                still = lambda family, still=still: "Mailbox" not in family and still(family)  # noqa: E731
            states = self.states_of(pair)
            levels = self.village.levels(*pair)
            assert levels.keys() <= {*TYPES, "EmailDelivery", "Principal"}, levels
            for family in FAMILIES:
                if before is not None and still(family) and self.voided[pair] < self.step:
                    for type in family:
                        assert self.states[pair][type] == states[type], ("state", pair, type, self.log[-1])
                        assert self.levels[pair].get(type) == levels.get(type), ("level", pair, type)
            for type in TYPES:
                if not any(now[one] for family in FAMILIES if type in family for one in family):
                    assert type not in levels, (pair, type, levels)
            self.views[pair], self.states[pair], self.levels[pair] = now, states, levels
            self.glances[pair].append(Glance(self.step, states, now))

    def _note_moves(self, pair: Pair, before: Truth | None, now: Truth) -> Callable[[Collection[str]], bool]:
        """Note what a visitor sees changed; gives what says whether types are as they were."""
        changed: set[str] = set()
        for type in TYPES:
            old = {} if before is None else before[type]
            for id in old.keys() | now[type].keys():
                if old.get(id) != now[type].get(id):
                    self.moved[pair][type, id] = self.step
                    changed.add(type)
        for type in changed:
            self.moved[pair][type, ""] = self.step
        return lambda family: changed.isdisjoint(family)

    def states_of(self, pair: Pair) -> dict[str, str]:
        person, owner = pair
        calls = [(f"{type}/get", {"accountId": wire(owner), "ids": []}) for type in TYPES]
        answered = self.village.answer(person, *calls)["methodResponses"]
        return {type: answer["state"] for type, (_, answer, _) in zip(TYPES, answered, strict=True)}

    def void(self, owner: int, principals: Collection[int]) -> None:
        """Note that what is open to some Principals may be another from this step on."""
        for person in PEOPLE:
            if not self.village.principals(person).isdisjoint(principals):
                self.voided[person, owner] = self.step + 1

    def asked(
        self,
        pair: Pair,
        *calls: Call,
        created_ids: dict[str, str] | None = None,
        then: Callable[[list[list[Json]]], None] = lambda answers: None,
    ) -> list[list[Json]]:
        """Make calls as a visitor on one account, and look for what he must not be told.

        then: told of the answers before the truth is looked at again.
        """
        person, owner = pair
        given = [(name, {"accountId": wire(owner)} | arguments) for name, arguments in calls]
        before, hidden_ids = self.views[pair], set(self.ever[owner])
        response = self.village.answer(person, *deepcopy(given), created_ids=created_ids)
        self.log.append((NAMES[person], NAMES[owner], given, response["methodResponses"]))
        answers: list[list[Json]] = response["methodResponses"]
        then(answers)
        if any(one[0].partition("/")[2] in _WRITES for one in given):
            self.look(*OWNERS)
        now = self.view(pair)
        told = "\n".join(eyes.strings([answers, response.get("createdIds")], STATES))
        asked = "\n".join(eyes.strings([given, created_ids]))
        open_to_him = self.open_digests(pair)
        read = [
            self.village.bytes_of(blob.digest).decode()
            for token in _TOKEN.findall(asked)
            if (blob := blobid.decode(token)) is not None and blob.digest in open_to_him
        ]
        allowed = [asked, *read, *self.uploads[pair], *map(_text, (before, now)), *self._beside(pair, given)]
        for name, answer, _ in answers:
            assert answer.get("type") != "serverFail", self.log[-1]
            if name.endswith("hanges"):
                allowed += [id for _, id in self.moved[pair]]  # what he saw once
        allowed_text = "\n".join(allowed)
        leaked = set(_SECRET.findall(told)) - set(_SECRET.findall(allowed_text))
        assert not leaked, ("secrets", leaked, self.log[-1])
        tokens = hidden_ids.intersection(_TOKEN.findall(told))
        leaked = tokens - set(_TOKEN.findall(allowed_text))
        assert not leaked, ("ids", leaked, self.log[-1])
        return answers

    def _beside(self, pair: Pair, calls: Iterable[Call]) -> Iterator[str]:
        """What a visitor sees of another account that is a party to a copy."""
        person, _ = pair
        for _, arguments in calls:
            wires = {arguments["accountId"], arguments.get("fromAccountId")} - {wire(pair[1])}
            for owner in OWNERS:
                if wire(owner) in wires:
                    other = (person, owner)
                    visits = owner not in self.village.principals(person)
                    yield _text(self.view(other) if visits else self.truth[owner])

    def stranger_ids(self, pair: Pair, value: Json) -> dict[str, str]:
        """Map the hidden ids in a value to such that never were."""
        open_ids = {id for objects in self.views[pair].values() for id in objects}
        open_digests = self.open_digests(pair)
        tokens = {token for text in eyes.strings(value) for token in _TOKEN.findall(text)}
        strange: dict[str, str] = {}
        for at, id in enumerate(sorted(tokens & self.ever[pair[1]])):
            blob = blobid.decode(id)
            if blob is None:
                if id not in open_ids:
                    strange[id] = f"{id[0]}{NEVER + 1 + at}"
            elif blob.digest not in open_digests:
                digest = hashlib.sha256(id.encode()).digest()
                where = blob.range
                strange[id] = (
                    blobid.encode(digest)
                    if where is None
                    else blobid.encode_part(digest, where.offset, where.length, where.encoding)
                )
        return strange

    def open_digests(self, pair: Pair) -> set[bytes]:
        """The blobs that a visitor may read: what he sees keeps them, or he gave them himself."""
        found = {
            *_blobs([list(objects.values()) for objects in self.views[pair].values()]),
            *self.uploads[pair],
        }
        return {blob.digest for id in found if (blob := blobid.decode(id)) is not None}

    # -- what owners do --

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
        """Let an owner change his things, or with whom he shares them."""
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
        act = r.choice(acts)
        act(r, owner)
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
        if _applied_set(inside, patch, "mailboxIds"):
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
        parents = [None, *(one for one in boxes if id not in _above(one, boxes))]
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

    # -- what visitors ask --

    def pair(self, r: random.Random) -> Pair:
        """A visitor, more often one who sees something."""
        pairs = self.pairs()
        return r.choice([*pairs, *[pair for pair in pairs if any(self.views[pair].values())] * 3])

    @rule(seed=seeds)
    def visit(self, seed: int) -> None:
        """A visitor gets all there is: just what the model says he sees."""
        pair = self.pair(random.Random(seed))
        calls = [(f"{type}/get", _ALL_OF_IT if type == "Email" else {}) for type in TYPES]
        calls += [("VacationResponse/get", {}), ("EmailSubmission/get", {})]
        for name, answer, _ in self.asked(pair, *calls):
            type = name.split("/")[0]
            expected = self.views[pair].get(type, {})
            assert expected == {one["id"]: one for one in answer["list"]}, (pair, type)
            assert [] == answer["notFound"]
        for type in TYPES:
            ids = [id for id in self.ever[pair[1]] if id[0] == _LETTERS[type] and len(id) < 9]
            view = self.views[pair][type]
            [[_, answer, _]] = self.asked(pair, (f"{type}/get", {"ids": ids, "properties": ["id"]}))
            assert [id for id in ids if id in view] == [one["id"] for one in answer["list"]]
            assert {id for id in ids if id not in view} == set(answer["notFound"])

    @rule(seed=seeds)
    def open_blobs(self, seed: int) -> None:
        """A visitor downloads what he sees or gave himself, and nothing else."""
        r = random.Random(seed)
        pair = self.pair(r)
        person, owner = pair
        open_to_him = self.open_digests(pair)
        every = sorted(id for id in self.ever[owner] if len(id) > 20)
        for blob in r.sample(every, min(len(every), 12)):
            found = self.village.download(person, wire(owner), blob)
            named = blobid.decode(blob)
            assert named is not None
            is_open = named.digest in open_to_him
            assert is_open == (found is not None), (pair, blob, found)

    @rule(seed=seeds)
    def search(self, seed: int) -> None:
        """A visitor asks queries: the results are those of the model, the order is that of the owner."""
        r = random.Random(seed)
        pair = self.pair(r)
        for _ in range(6):
            type = r.choice(["Email", "Email", "Mailbox", "ContactCard"])
            arguments: JsonObject = {
                "filter": self.filter(r, type, pair[1], 2),
                "sort": self.sorting(r, type),
            }
            if type == "Email" and r.random() < 0.3:
                arguments["collapseThreads"] = True
            self.query(r, pair, type, arguments)

    def query(self, r: random.Random, pair: Pair, type: str, arguments: JsonObject) -> None:
        method, view = f"{type}/query", self.views[pair]
        [[name, whole, _]] = self.asked(pair, (method, {**arguments, "calculateTotal": True}))
        assert method == name, whole
        expected = {id for id in view[type] if _fits(type, id, arguments["filter"], view)}
        ids = whole["ids"]
        collapse = arguments.get("collapseThreads")
        if collapse:
            [[_, flat, _]] = self.asked(pair, (method, {**arguments, "collapseThreads": False}))
            assert list({view[type][id]["threadId"]: id for id in flat["ids"][::-1]}.values())[
                ::-1
            ] == ids or (_firsts(flat["ids"], view) == ids)
            assert expected == set(flat["ids"]), (pair, type, arguments)
        else:
            assert expected == set(ids), (pair, type, arguments, view[type])
        assert len(ids) == len(set(ids)) == whole["total"], (pair, arguments, whole)
        sort = arguments["sort"]
        if sort and not any("InThread" in by["property"] or by["property"] == "parentId" for by in sort):
            owners = self.village.ask(self.owner_as(pair[1]), method, wire(pair[1]), sort=sort)["ids"]
            assert [id for id in owners if id in ids] == ids, (pair, arguments)
        position, limit = r.randint(0, 3), r.randint(1, 4)
        [[_, page, _]] = self.asked(pair, (method, {**arguments, "position": position, "limit": limit}))
        assert ids[position : position + limit] == page["ids"], (pair, arguments)
        if ids:
            [[_, page, _]] = self.asked(pair, (method, {**arguments, "anchor": ids[-1], "limit": 1}))
            assert (len(ids) - 1, [ids[-1]]) == (page["position"], page["ids"])
        self.results[pair].append(Results(self.step, type, arguments, whole["queryState"], ids))

    def filter(self, r: random.Random, type: str, owner: int, depth: int) -> JsonObject | None:
        """A filter of any form, about what is there or was, hidden or not."""
        if depth and r.random() < 0.35:
            parts = [self.filter(r, type, owner, depth - 1) or {} for _ in range(r.randint(1, 3))]
            return {"operator": r.choice(["AND", "OR", "NOT"]), "conditions": parts}
        if r.random() < 0.15:
            return None
        boxes = [id for id in self.ever[owner] if id[0] == "m" and len(id) < 9] + [f"m{NEVER}"]
        books = [id for id in self.ever[owner] if id[0] == "b" and len(id) < 9] + [f"b{NEVER}"]
        boxes.sort(), books.sort()
        text = "\n".join(eyes.strings([list(objects.values()) for objects in self.truth[owner].values()]))
        word = r.choice([*TOPICS, *(_SECRET.findall(text) or ["x"])])
        choices: dict[str, dict[str, Json]] = {
            "Email": {
                "inMailbox": r.choice(boxes),
                "inMailboxOtherThan": r.sample(boxes, r.randint(1, min(6, len(boxes)))),
                "before": r.choice(DATES),
                "after": r.choice(DATES),
                "allInThreadHaveKeyword": r.choice(KEYWORDS),
                "someInThreadHaveKeyword": r.choice(KEYWORDS),
                "noneInThreadHaveKeyword": r.choice(KEYWORDS),
                "hasKeyword": r.choice(KEYWORDS),
                "notKeyword": r.choice(KEYWORDS),
                "hasAttachment": r.random() < 0.5,
                "minSize": r.choice([0, 500, 600]),
                "maxSize": r.choice([0, 560, 600]),
                "header": ["X-Secret", word],
                **dict.fromkeys(("text", "from", "to", "cc", "subject", "body"), word),
            },
            "Mailbox": {
                "parentId": r.choice([None, *boxes]),
                "name": word,
                "role": r.choice(["inbox", "junk", None]),
                "hasAnyRole": r.random() < 0.5,
                "isSubscribed": r.random() < 0.5,
            },
            "ContactCard": {
                "inAddressBook": r.choice(books),
                "uid": word,
                "hasMember": word,
                "kind": r.choice(["group", "individual"]),
                "createdBefore": r.choice(DATES),
                "createdAfter": r.choice(DATES),
                **dict.fromkeys(("text", "name", "name/given", "note"), word),
            },
        }
        names = r.sample(list(choices[type]), r.choice([1, 1, 2]))
        return {name: choices[type][name] for name in names}

    def sorting(self, r: random.Random, type: str) -> list[JsonObject]:
        sorts = list(self.village.registry.types[type].sorts)
        names = r.sample(sorts, r.randint(0, min(2, len(sorts))))
        return [
            {"property": name, "isAscending": r.random() < 0.5}
            | ({"keyword": r.choice(KEYWORDS)} if name.endswith("Keyword") else {})
            for name in names
        ]

    @rule(seed=seeds)
    def refresh(self, seed: int) -> None:
        """A visitor brings what he cached up to date, in pages of any size."""
        r = random.Random(seed)
        pair = self.pair(r)
        for glance in r.sample(self.glances[pair], min(len(self.glances[pair]), 4)):
            for type in TYPES:
                self.refresh_type(r, pair, type, glance)
        for results in r.sample(self.results[pair], min(len(self.results[pair]), 6)):
            self.refresh_query(pair, results)

    def refresh_type(self, r: random.Random, pair: Pair, type: str, glance: Glance) -> None:
        state, most = glance.states[type], r.choice([1, 2, 100])
        known, updated, only = set(glance.view[type]), set(), set(COUNTERS)
        while True:
            [[name, page, _]] = self.asked(
                pair, (f"{type}/changes", {"sinceState": state, "maxChanges": most})
            )
            if name == "error":
                assert "cannotCalculateChanges" == page["type"], page
                assert self.voided[pair] > glance.step or not self.views[pair][type], (pair, type, page)
                return
            created, destroyed = set(page["created"]), set(page["destroyed"])
            # What went and came again may be told as new, and what came and went as gone.
            assert all(
                self.moved[pair][type, id] > glance.step for id in (created & known) | (destroyed - known)
            )
            assert set(page["updated"]) <= known | created, (pair, type, page)
            known = known - destroyed | created
            updated |= set(page["updated"])
            if page.get("updatedProperties") is None and page["updated"]:
                only = set()
            if state == page["newState"]:
                assert not (created or destroyed or page["updated"]), (pair, type, page)
            state = page["newState"]
            if not page["hasMoreChanges"]:
                break
        view, moved = self.views[pair][type], self.moved[pair]
        assert view.keys() == known, (pair, type)
        assert self.states[pair][type] == state
        for id in glance.view[type].keys() & view.keys():
            differ = {name for name in view[id] if view[id][name] != glance.view[type][id].get(name)}
            if differ:
                assert id in updated, (pair, type, id, differ)
                assert differ <= only or not only, (pair, type, id, differ)
        family = next(family for family in FAMILIES if type in family)
        items = type in ITEMS
        for id in updated:
            # A Thread is told of as its Emails move, also from one Mailbox that is seen to another.
            which = [(type, id)] if items else [(one, "") for one in family]
            steps = [moved.get(one, 0) for one in which]
            assert max(steps) > glance.step, (
                "told of what is hidden",
                pair,
                type,
                id,
                glance.step,
                self.log[-3:],
            )

    def refresh_query(self, pair: Pair, results: Results) -> None:
        type, view = results.method, self.views[pair]
        [[name, answer, _]] = self.asked(
            pair, (f"{type}/queryChanges", {**results.arguments, "sinceQueryState": results.state})
        )
        if name == "error":
            assert "cannotCalculateChanges" == answer["type"], answer
            is_local = "isSubscribed" not in str(results.arguments)
            assert self.voided[pair] > results.step or not view[type] or not is_local, (pair, results, answer)
            return
        [[_, now, _]] = self.asked(pair, (f"{type}/query", results.arguments))
        assert now["ids"] == naive.after_changes(results.ids, answer), (pair, results, answer)
        seen_once = {id for one, id in self.moved[pair] if one == type}
        assert set(answer["removed"]) <= seen_once, (pair, answer)

    # -- what visitors pry --

    @rule(seed=seeds)
    def pry(self, seed: int) -> None:
        """A visitor calls any method with any ids; one that is hidden is as one that never was."""
        r = random.Random(seed)
        pair = self.pair(r)
        for _ in range(8):
            calls = [self.any_call(r, pair) for _ in range(r.choice([1, 1, 3]))]
            created_ids = {"k": r.choice(sorted(self.ever[pair[1]]))} if r.random() < 0.3 else None
            truth = deepcopy(self.truth)
            answers = self.asked(pair, *calls, created_ids=created_ids)
            self.look(*OWNERS)
            assert truth == self.truth, ("changed", pair, self.log[-1])
            for (_, arguments), (name, answer, _) in zip(calls, answers, strict=True):
                if name.endswith("/parse"):
                    self.uploads[pair].update(_made(arguments["blobIds"], answer))
            strange = self.stranger_ids(pair, [calls, created_ids])
            if strange:
                other_ids = _swapped(created_ids, strange)
                other = self.asked(pair, *_swapped(calls, strange), created_ids=other_ids)
                back = {never: id for id, never in strange.items()}
                for call, one, another in zip(calls, answers, _swapped(other, back), strict=True):
                    assert one == another, ("differs", pair, call, one, another)

    def any_call(self, r: random.Random, pair: Pair) -> Call:
        """A call of any method of the registry that changes nothing, be it that it must not."""
        name = r.choice(sorted(self.village.registry.methods))
        _, _, verb = self.village.registry.methods[name]
        kind, _, _ = name.partition("/")
        ids = [*self.ids(r, pair[1], 4)]
        if not verb:
            return name, self.own_arguments(r, name, pair, ids)
        own = [id for id in ids if id[:1] == _LETTERS.get(kind)] or ids
        states = [*(r.choice(self.glances[pair]).states.values()), "0", "u0", "u5"]
        place = r.choice([{}, {"accountId": home(pair[0])}]) if kind in _PEOPLES else {}
        arguments: dict[str, Callable[[], JsonObject]] = {
            "get": lambda: {"ids": r.choice([ids, own, None])},
            "changes": lambda: {"sinceState": r.choice(states), "maxChanges": r.choice([None, 1, 7])},
            "query": lambda: self.any_query(r, pair, kind, own),
            "queryChanges": lambda: {
                **self.any_query(r, pair, kind, own, whole=True),
                "sinceQueryState": r.choice(states),
                "upToId": r.choice([None, *own]),
            },
            "set": lambda: self.any_set(r, kind, own),
            "copy": lambda: {
                "accountId": wire(pair[0]),
                "fromAccountId": wire(pair[1]),
                "create": {"k": {"id": r.choice(own), "mailboxIds": {f"m{NEVER}": True}}},
            },
        }
        return name, place | arguments[verb]()

    def ids(self, r: random.Random, owner: int, most: int) -> list[str]:
        every = sorted(self.ever[owner])
        return [*r.sample(every, min(most, len(every))), r.choice([f"{x}{NEVER}" for x in "mtebd"])]

    def any_query(
        self, r: random.Random, pair: Pair, type: str, ids: list[str], whole: bool = False
    ) -> JsonObject:
        declared = self.village.registry.types[type]
        if type in ("Email", "Mailbox", "ContactCard"):
            filter = self.filter(r, type, pair[1], 2)
        else:
            values = [
                ids,
                ids[0],
                r.choice(DATES),
                "Mailbox",
                wire(pair[1]),
                [wire(BOB)],
                "anna",
                "individual",
            ]
            name = r.choice(sorted(declared.filters))
            kind = declared.filters[name].kind or declared.properties[declared.filters[name].on[0]].kind
            filter = {name: r.choice([one for one in values if kind.accepts(one)] or [None])}
        asked: JsonObject = {"filter": filter, "sort": self.sorting(r, type)}
        for argument in declared.arguments.get("query", ()):
            asked[argument.name] = r.random() < 0.5
        if not whole:
            asked |= {"anchor": r.choice([None, *ids]), "limit": r.choice([None, 2]), "calculateTotal": True}
        return asked

    def any_set(self, r: random.Random, type: str, ids: list[str]) -> JsonObject:
        """A change that no visitor may make, whatever was granted."""
        match r.randint(0, 2):
            case 0 if type not in RIGHTS and type not in ITEMS:
                return {"create": {"k": _NEW.get(type, {})}}
            case 1 if type not in RIGHTS and type not in ITEMS:
                mine = [id for id in ids if not id.startswith("p")]
                return {"destroy": [*mine, "singleton"]}
        patch = r.choice([{"id": "x"}, *_PATCHES.get(type, [])])
        return {"update": dict.fromkeys([*ids, "#k", "singleton"][: r.randint(1, 6)], patch)}

    def own_arguments(self, r: random.Random, name: str, pair: Pair, ids: list[str]) -> JsonObject:
        blobs = [id for id in sorted(self.ever[pair[1]]) if len(id) > 20]
        blobs = r.sample(blobs, min(3, len(blobs)))
        emails = [id for id in sorted(self.ever[pair[1]]) if id[0] == "e"]
        own = wire(pair[0])
        arguments: dict[str, JsonObject] = {
            "Core/echo": {},
            "PushSubscription/get": {},
            "PushSubscription/set": {"destroy": ids},
            "Blob/copy": {"fromAccountId": r.choice([wire(pair[1]), f"a{NEVER}"]), "blobIds": blobs}
            | ({"accountId": own} if r.random() < 0.5 else {}),
            "Email/import": {"emails": {"k": {"blobId": r.choice(blobs), "mailboxIds": {f"m{NEVER}": True}}}},
            "Email/parse": {
                "blobIds": blobs,
                "properties": r.choice([None, ["subject", "blobId", "headers"]]),
            },
            "ContactCard/parse": {"blobIds": blobs},
            "SearchSnippet/get": {
                "emailIds": r.sample(emails, min(4, len(emails))),
                "filter": {r.choice(["text", "body", "subject"]): r.choice(TOPICS)},
            },
        }
        return arguments[name]

    # -- what visitors attempt --

    @rule(seed=seeds)
    def attempt(self, seed: int) -> None:
        """A visitor changes things: just what he may, and nothing that he does not see."""
        r = random.Random(seed)
        pair = self.pair(r)
        acts = [
            *[self.attempt_email] * 4,
            *(self.attempt_draft, self.attempt_import, self.attempt_throw_away, self.attempt_copy),
            *[self.attempt_box] * 3,
            *(self.attempt_new_box, self.attempt_drop_box),
            *(self.attempt_share, self.attempt_share, self.attempt_book, self.attempt_drop_book),
            *(self.attempt_card, self.attempt_new_card, self.attempt_drop_card),
        ]
        act = r.choice(acts)
        self.log.append((act.__name__, NAMES[pair[0]], NAMES[pair[1]]))
        act(r, pair)
        self.settle(*OWNERS)

    def tried(
        self,
        pair: Pair,
        may: bool,
        method: str,
        then: Callable[[JsonObject], None] = lambda answer: None,
        **arguments: Any,
    ) -> bool:
        """Make a change of one object, which must be made or refused; says whether it was made.

        then: told of the answer of one that was made, before the truth is looked at again.
        """
        owner = pair[1]
        before, view = deepcopy(self.truth), self.views[pair]
        strange = self.stranger_ids(pair, arguments)
        own = (method, arguments)
        if not may and strange and "fromAccountId" not in arguments:
            other = self.asked(pair, _swapped([own], strange)[0])
        else:
            other = None

        def note(answers: list[list[Json]]) -> None:
            if not _refusals(answers[0][1]):
                then(answers[0][1])

        [[name, answer, _], *_] = answers = self.asked(pair, own, then=note)
        after = self.truth
        assert method == name, (pair, own, answer)
        refused = _refusals(answer)
        context = (pair, may, own, answer, self.log[-3:])
        assert may == (not refused), context
        if refused:
            assert refused[0]["type"] in REFUSALS, context
            assert before == after, context
            if other is not None:
                back = {never: id for id, never in strange.items()}
                assert answers == _swapped(other, back), ("refusals differ", pair, own, answers, other)
            return False
        for type, objects in before[owner].items():
            for id, old in objects.items():
                self.untouched(pair, view, type, id, old, context)
        return True

    def untouched(
        self, pair: Pair, view: Truth, type: str, id: str, old: JsonObject, context: object
    ) -> None:
        """What a visitor does not see is as it was, but for what is counted and listed of what he sees."""
        now = self.truth[pair[1]][type].get(id)
        if id not in view.get(type, {}):
            loose = {*eyes.COUNTERS, "isDefault", "emailIds"}
            assert now is not None or type == "Thread", (type, id, context)
            if now is not None:
                assert {k: v for k, v in old.items() if k not in loose} == {
                    k: v for k, v in now.items() if k not in loose
                }, (type, id, context)
        elif type in ITEMS:
            within = ITEMS[type][0]
            hidden = old[within].keys() - view[type][id][within].keys()
            assert now is not None or not hidden, (type, id, context)
            assert now is None or hidden <= now[within].keys(), (type, id, context)

    def pool(self, r: random.Random, owner: int, letter: str) -> str:
        every = sorted(id for id in self.ever[owner] if id[0] == letter and len(id) < 9)
        return r.choice([*every * 3, f"{letter}{NEVER}"])

    def mine(self, pair: Pair, type: str, id: str) -> set[str]:
        """The rights of a visitor on a container."""
        return set(eyes.held(self.grants[pair[1]], type, id, self.village.principals(pair[0])))

    def with_right(self, pair: Pair, type: str, right: str) -> list[str]:
        """The containers on which a visitor has a right."""
        return [id for id in self.views[pair][type] if right in self.mine(pair, type, id)]

    def all_have(self, pair: Pair, type: str, ids: Iterable[str], right: str) -> bool:
        return all(right in self.mine(pair, type, id) for id in ids)

    def attempt_email(self, r: random.Random, pair: Pair) -> None:
        view = self.views[pair]
        id = self.pool(r, pair[1], "e")
        if view["Email"] and r.random() < 0.8:
            id = r.choice(list(view["Email"]))
        known = view["Email"].get(id, {"mailboxIds": {}, "keywords": {}})
        boxes = [
            self.pool(r, pair[1], "m") if r.random() < 0.3 else r.choice([*view["Mailbox"], "m1"])
            for _ in "abc"
        ]
        patch: JsonObject = r.choice(
            [
                {f"mailboxIds/{boxes[0]}": True},
                {f"mailboxIds/{boxes[0]}": True, f"mailboxIds/{(*known['mailboxIds'], boxes[1])[0]}": None},
                {f"mailboxIds/{boxes[0]}": None},
                {"mailboxIds": dict.fromkeys(boxes[: r.randint(0, 3)], True)},
                {f"keywords/{r.choice(KEYWORDS)}": r.choice([True, None])},
                {"keywords": dict.fromkeys(r.sample(KEYWORDS, r.randint(0, 2)), True)},
            ]
        )
        inside = known["mailboxIds"].keys()
        boxes_now = _applied_set(known["mailboxIds"], patch, "mailboxIds")
        words_now = _applied_set(known["keywords"], patch, "keywords")
        changed = words_now ^ known["keywords"].keys()
        may = id in view["Email"] and bool(boxes_now)
        may = may and boxes_now - inside <= view["Mailbox"].keys()
        may = may and self.all_have(pair, "Mailbox", boxes_now - inside, "mayAddItems")
        may = may and self.all_have(pair, "Mailbox", inside - boxes_now, "mayRemoveItems")
        if "$seen" in changed:
            may = may and self.all_have(pair, "Mailbox", inside, "maySetSeen")
        if changed - {"$seen"}:
            may = may and self.all_have(pair, "Mailbox", inside, "maySetKeywords")
        old = self.truth[pair[1]]["Email"].get(id)
        if self.tried(pair, may, "Email/set", update={id: patch}) and old is not None:
            now = self.truth[pair[1]]["Email"][id]
            assert boxes_now | (old["mailboxIds"].keys() - inside) == now["mailboxIds"].keys(), (
                pair,
                id,
                patch,
            )
            assert words_now == now["keywords"].keys()

    def some_boxes(self, r: random.Random, pair: Pair) -> tuple[JsonObject, bool]:
        """Mailboxes for a new Email, and whether it may be put there."""
        open_to_him = self.with_right(pair, "Mailbox", "mayAddItems")
        view = self.views[pair]
        boxes = [
            self.pool(r, pair[1], "m") if r.random() < 0.2 else r.choice(open_to_him or ["m1"])
            for _ in range(r.choice([1, 1, 2]))
        ]
        return dict.fromkeys(boxes, True), self.all_have(pair, "Mailbox", boxes, "mayAddItems")

    def attempt_draft(self, r: random.Random, pair: Pair) -> None:
        """Make an Email that follows any message, hidden or not."""
        boxes, may = self.some_boxes(r, pair)
        follows = r.choice(self.sent)
        draft = {
            "mailboxIds": boxes,
            "subject": follows.topic,
            "inReplyTo": [follows.message_id],
            "bodyStructure": {"type": "text/plain", "partId": "1"},
            "bodyValues": {"1": {"value": self.secret()}},
        }
        self.tried(pair, may, "Email/set", create={"k": draft})

    def attempt_import(self, r: random.Random, pair: Pair) -> None:
        boxes, may = self.some_boxes(r, pair)
        _, data = self.message(r, r.choice(self.sent))
        blob = self.village.upload(pair[0], wire(pair[1]), data)
        self.uploads[pair].add(blob)
        named = sorted(id for id in self.ever[pair[1]] if id[0] == "b" and len(id) > 20)
        if r.random() < 0.3:
            blob = r.choice(named)
            found = blobid.decode(blob)
            may = may and found is not None and found.digest in self.open_digests(pair)
        self.tried(pair, may, "Email/import", emails={"k": {"blobId": blob, "mailboxIds": boxes}})

    def attempt_throw_away(self, r: random.Random, pair: Pair) -> None:
        view = self.views[pair]
        id = r.choice([self.pool(r, pair[1], "e"), *view["Email"]])
        known = view["Email"].get(id)
        may = known is not None and self.all_have(pair, "Mailbox", known["mailboxIds"], "mayRemoveItems")
        self.tried(pair, may, "Email/set", destroy=[id])

    def attempt_copy(self, r: random.Random, pair: Pair) -> None:
        """Copy an Email from the visited account, or to it, perhaps moving it."""
        person, owner = pair
        view = self.views[pair]
        if r.random() < 0.5:
            id = r.choice([self.pool(r, owner, "e"), *view["Email"]])
            copy = {
                "id": id,
                "mailboxIds": {next(iter(self.truth.get(person, {}).get("Mailbox", {"m1": 0}))): True},
            }
            self.tried(
                pair,
                id in view["Email"],
                "Email/copy",
                accountId=wire(person),
                fromAccountId=wire(owner),
                create={"k": copy},
            )
        elif person in self.truth and self.truth[person]["Email"]:
            boxes, may = self.some_boxes(r, pair)
            copy = {"id": r.choice(list(self.truth[person]["Email"])), "mailboxIds": boxes}
            self.tried(pair, may, "Email/copy", fromAccountId=wire(person), create={"k": copy})

    def attempt_box(self, r: random.Random, pair: Pair) -> None:
        view, boxes = self.views[pair]["Mailbox"], self.truth[pair[1]]["Mailbox"]
        id = r.choice([self.pool(r, pair[1], "m"), *[*view] * 3])
        mine = self.mine(pair, "Mailbox", id)
        match r.randint(0, 4):
            case 0:
                name = r.choice([self.secret(), *(box["name"] for box in boxes.values())])
                may = "mayRename" in mine or (bool(mine) and boxes[id]["name"] == name)
                twins = {other for other, box in boxes.items() if box["name"] == name} - {id}
                may = may and not any(boxes[id]["parentId"] == boxes[twin]["parentId"] for twin in twins)
                self.tried(pair, may, "Mailbox/set", update={id: {"name": name}})
            case 1:
                parent = r.choice([None, self.pool(r, pair[1], "m"), *view])
                may = id in view and (
                    parent == view[id]["parentId"]
                    or ("mayRename" in mine and "mayCreateChild" in self.mine(pair, "Mailbox", parent or ""))
                )
                if may and parent is not None and parent != view[id]["parentId"]:
                    may = id not in _above(parent, boxes) and not any(
                        box["name"] == boxes[id]["name"] and box["parentId"] == parent
                        for box in boxes.values()
                    )
                self.tried(pair, may, "Mailbox/set", update={id: {"parentId": parent}})
            case 2:
                self.tried(pair, False, "Mailbox/set", update={id: {"sortOrder": 1000 + r.randint(0, 9)}})
            case 3:
                role = r.choice(["flagged", "all", "memos"])
                self.tried(pair, False, "Mailbox/set", update={id: {"role": role}})
            case _:
                self.subscribe(r, pair, "Mailbox", id)

    def subscribe(self, r: random.Random, pair: Pair, type: str, id: str) -> None:
        wants = r.random() < 0.6
        may = id in self.views[pair][type]

        def note(answer: JsonObject) -> None:
            self.subscribed[pair][id] = wants

        self.tried(pair, may, f"{type}/set", note, update={id: {"isSubscribed": wants}})

    def attempt_new_box(self, r: random.Random, pair: Pair) -> None:
        view, boxes = self.views[pair]["Mailbox"], self.truth[pair[1]]["Mailbox"]
        open_to_him = self.with_right(pair, "Mailbox", "mayCreateChild")
        parent = r.choice([None, self.pool(r, pair[1], "m"), *view, *open_to_him * 5])
        siblings = [box["name"] for box in boxes.values() if box["parentId"] == parent]
        name = r.choice([self.secret(), *(siblings or [self.secret()])])
        may = parent is not None and "mayCreateChild" in self.mine(pair, "Mailbox", parent)
        may = may and not any(box["name"] == name and box["parentId"] == parent for box in boxes.values())
        shares = dict(self.grants[pair[1]].get(("Mailbox", parent or ""), {}))

        def note(answer: JsonObject) -> None:
            id = answer["created"]["k"]["id"]
            self.grants[pair[1]]["Mailbox", id] = shares
            self.subscribed[pair][id] = True
            self.void(pair[1], shares)

        self.tried(pair, may, "Mailbox/set", note, create={"k": {"name": name, "parentId": parent}})

    def attempt_drop_box(self, r: random.Random, pair: Pair) -> None:
        truth, view = self.truth[pair[1]], self.views[pair]
        id = r.choice([self.pool(r, pair[1], "m"), *[*view["Mailbox"]] * 2])
        empties = r.random() < 0.7
        mine = self.mine(pair, "Mailbox", id)
        is_full = any(id in email["mailboxIds"] for email in truth["Email"].values())
        may = "mayDelete" in mine and not any(box["parentId"] == id for box in truth["Mailbox"].values())
        may = may and (not is_full or (empties and "mayRemoveItems" in mine))
        shares = set(self.grants[pair[1]].get(("Mailbox", id), {}))
        if self.tried(pair, may, "Mailbox/set", destroy=[id], onDestroyRemoveEmails=empties):
            self.void(pair[1], shares)

    def attempt_share(self, r: random.Random, pair: Pair) -> None:
        """Share what others own with anybody, or take that back."""
        _, owner = pair
        type = r.choice(["Mailbox", "AddressBook"])
        view, letter = self.views[pair][type], _LETTERS[type]
        sharers = [id for id in view if "mayShare" in self.mine(pair, type, id)]
        id = r.choice([self.pool(r, owner, letter), *view, *sharers * 3])
        mine = self.mine(pair, type, id)
        who = r.choice([*GRANTEES, *GRANTEES, DORA, 77])
        rights = self.rights(r, type)
        grants = self.grants[owner]
        before = dict(grants.get((type, id), {}))
        after = {one: held for one, held in {**before, who: rights}.items() if held}
        patch: JsonObject = {"shareWith": eyes.shares_told(type, {**before, who: rights})}
        if before and "mayShare" in mine and r.random() < 0.5:
            patch = {f"shareWith/{wire_principal(who)}": eyes.told(type, rights) if rights else None}
        may = id in view and "mayShare" in mine
        if id in view and not may and patch == {"shareWith": None}:
            may, after = True, before  # it is what he sees already
        elif rights:
            may = may and who in GRANTEES and who != owner and rights <= mine | before.get(who, frozenset())
        if may and owner in before:
            may = False

        def note(answer: JsonObject) -> None:
            grants[type, id] = after
            if before != after:
                self.void(owner, {who})

        self.tried(pair, may, f"{type}/set", note, update={id: patch})

    def attempt_book(self, r: random.Random, pair: Pair) -> None:
        view = self.views[pair]["AddressBook"]
        id = r.choice([self.pool(r, pair[1], "b"), *[*view] * 3])
        if r.random() < 0.3:
            return self.subscribe(r, pair, "AddressBook", id)
        if r.random() < 0.2:
            self.tried(pair, False, "AddressBook/set", create={"k": {"name": self.secret()}})
            return None
        patch = r.choice(
            [{"name": self.secret()}, {"description": self.secret()}, {"sortOrder": 1000 + r.randint(0, 99)}]
        )
        self.tried(
            pair, "mayWrite" in self.mine(pair, "AddressBook", id), "AddressBook/set", update={id: patch}
        )
        return None

    def attempt_drop_book(self, r: random.Random, pair: Pair) -> None:
        truth, view = self.truth[pair[1]], self.views[pair]
        id = r.choice([self.pool(r, pair[1], "b"), *[*view["AddressBook"]] * 2])
        empties = r.random() < 0.7
        mine = self.mine(pair, "AddressBook", id)
        is_full = any(id in card["addressBookIds"] for card in truth["ContactCard"].values())
        may = "mayDelete" in mine and (not is_full or (empties and "mayWrite" in mine))
        shares = set(self.grants[pair[1]].get(("AddressBook", id), {}))
        if self.tried(pair, may, "AddressBook/set", destroy=[id], onDestroyRemoveContents=empties):
            self.void(pair[1], shares)

    def attempt_new_card(self, r: random.Random, pair: Pair) -> None:
        view, cards = self.views[pair], self.truth[pair[1]]["ContactCard"]
        open_to_him = self.with_right(pair, "AddressBook", "mayWrite")
        books = [
            r.choice([self.pool(r, pair[1], "b"), *view["AddressBook"], *open_to_him * 5])
            for _ in range(r.choice([1, 1, 2]))
        ]
        card = {**self.card(r), "addressBookIds": dict.fromkeys(books, True)}
        may = self.all_have(pair, "AddressBook", books, "mayWrite")
        if cards and r.random() < 0.3:
            card["uid"] = r.choice(list(cards.values())).get("uid", "x")
            may = False
        self.tried(pair, may, "ContactCard/set", create={"k": card})

    def attempt_card(self, r: random.Random, pair: Pair) -> None:
        view, cards = self.views[pair], self.truth[pair[1]]["ContactCard"]
        id = r.choice([self.pool(r, pair[1], "d"), *[*view["ContactCard"]] * 3])
        known = view["ContactCard"].get(id, {"addressBookIds": {}})["addressBookIds"]
        book = r.choice([self.pool(r, pair[1], "b"), *[*view["AddressBook"]] * 3])
        patch: JsonObject = r.choice(
            [
                {"notes": {"N": {"note": self.secret()}}},
                {"uid": r.choice([self.secret(), *(card["uid"] for card in cards.values())])},
                {f"addressBookIds/{book}": r.choice([True, None])},
                {"addressBookIds": {book: True}},
            ]
        )
        books = _applied_set(known, patch, "addressBookIds")
        may = id in view["ContactCard"] and bool(books) and books - known.keys() <= view["AddressBook"].keys()
        may = may and self.all_have(pair, "AddressBook", books ^ known.keys(), "mayWrite")
        if "notes" in patch:
            may = may and self.all_have(pair, "AddressBook", known, "mayWrite")
        if "uid" in patch:
            holder = next((one for one, card in cards.items() if card["uid"] == patch["uid"]), id)
            is_same = id in cards and cards[id]["uid"] == patch["uid"]
            may = may and holder == id and (is_same or self.all_have(pair, "AddressBook", known, "mayWrite"))
        self.tried(pair, may, "ContactCard/set", update={id: patch})

    def attempt_drop_card(self, r: random.Random, pair: Pair) -> None:
        view = self.views[pair]
        id = r.choice([self.pool(r, pair[1], "d"), *view["ContactCard"]])
        known = view["ContactCard"].get(id)
        may = known is not None and self.all_have(pair, "AddressBook", known["addressBookIds"], "mayWrite")
        self.tried(pair, may, "ContactCard/set", destroy=[id])

    # -- strangers --

    @rule(seed=seeds)
    def come_from_elsewhere(self, seed: int) -> None:
        """Nothing of a domain is there for people of another, whatever they call."""
        r = random.Random(seed)
        pair = self.pair(r)
        owner = pair[1]
        for _ in range(4):
            name, arguments = self.any_call(r, pair)
            if name in ("Core/echo", "PushSubscription/get", "PushSubscription/set"):
                continue
            account = r.choice([wire(owner), home(pair[0])])
            call = (name, arguments | {"accountId": account})
            [[kind, answer, _]] = self.village.answer(DORA, call)["methodResponses"]
            assert ("error", "accountNotFound") == (kind, answer["type"]), (call, answer)
        town = home(DORA)
        asked = self.village.answer(
            DORA,
            ("Principal/get", {"accountId": town, "ids": [wire_principal(one) for one in NAMES]}),
            ("Principal/query", {"accountId": town}),
            ("Principal/query", {"accountId": town, "filter": {"accountIds": [wire(one) for one in NAMES]}}),
        )["methodResponses"]
        own = wire_principal(DORA)
        assert [own] == [one["id"] for one in asked[0][1]["list"]]
        assert [[own], [own]] == [asked[1][1]["ids"], asked[2][1]["ids"]]
        session = self.village.session(DORA)
        assert {wire(DORA), town} == session["accounts"].keys()


COUNTERS: Final = eyes.COUNTERS
_WRITES: Final = ("set", "import", "copy", "parse")
_LETTERS: Final = {
    **{"Mailbox": "m", "Thread": "t", "Email": "e", "AddressBook": "b", "ContactCard": "d", "Identity": "i"},
    **{"EmailSubmission": "s", "Principal": "p", "ShareNotification": "n"},
}
_PEOPLES: Final = ("Principal", "ShareNotification")
_ALL_OF_IT: Final = {
    "properties": [
        *(
            "id",
            "blobId",
            "threadId",
            "mailboxIds",
            "keywords",
            "size",
            "receivedAt",
            "messageId",
            "inReplyTo",
        ),
        *("references", "sender", "from", "to", "cc", "bcc", "replyTo", "subject", "sentAt", "hasAttachment"),
        *("preview", "headers", "bodyStructure", "textBody", "htmlBody", "attachments", "bodyValues"),
    ],
    "fetchAllBodyValues": True,
}
_NEW: Final = {
    "Identity": {"email": "anna@a.example"},
    "EmailSubmission": {"identityId": "i1", "emailId": "e1"},
    "Principal": {"name": "x"},
}
_PATCHES: Final[dict[str, list[JsonObject]]] = {
    "Identity": [{"name": "x"}, {"textSignature": "y"}],
    "VacationResponse": [{"isEnabled": True}, {"subject": "x"}],
    "Mailbox": [{"totalEmails": 1000}, {"myRights/mayShare": None}],
    "AddressBook": [{"isDefault": None}, {"myRights": None}],
    "Email": [{"subject": "x"}, {"shareWith": {"p7": {}}}, {"threadId": "t1"}],
}


def _text(value: object) -> str:
    return "\n".join(eyes.strings(value))


def _blobs(value: Json) -> Iterator[str]:
    """All ids of blobs in a value."""
    return (text for text in eyes.strings(value) if len(text) > 40 and blobid.decode(text) is not None)


def _refusals(answer: JsonObject) -> list[JsonObject]:
    """All SetErrors of an answer."""
    acts = ("notCreated", "notUpdated", "notDestroyed")
    return [error for act in acts for error in (answer.get(act) or {}).values()]


def _made(asked: Iterable[str], answer: JsonObject) -> set[str]:
    """The blobs that were made of others as they were parsed."""
    known = {blobid.decode(id).digest for id in asked if blobid.decode(id)}
    return {id for id in _blobs(answer) if blobid.decode(id).digest not in known}


def _swapped(value: Any, names: Mapping[str, str]) -> Any:
    """A value with each of some ids replaced, wherever it stands."""
    if not names:
        return value
    if isinstance(value, str):
        return _TOKEN.sub(lambda found: names.get(found[0], found[0]), value)
    if isinstance(value, (list, tuple)):
        return type(value)(_swapped(item, names) for item in value)
    if isinstance(value, dict):
        return {_swapped(name, names): _swapped(item, names) for name, item in value.items()}
    return value


def _applied_set(known: Mapping[str, object], patch: JsonObject, name: str) -> set[str]:
    """The members of a set after a patch."""
    members = set(patch.get(name, known))
    for path, value in patch.items():
        if path.startswith(f"{name}/"):
            (members.add if value else members.discard)(path.partition("/")[2])
    return members


def _above(id: str, boxes: Objects) -> list[str]:
    """A Mailbox and all that it is in."""
    found, at = [], id
    while at is not None and at in boxes:
        found.append(at)
        at = boxes[at]["parentId"]
    return found


def _firsts(ids: list[str], view: Truth) -> list[str]:
    """The first Email of each Thread."""
    found: dict[str, str] = {}
    for id in ids:
        found.setdefault(view["Email"][id]["threadId"], id)
    return list(found.values())


# -- the model's own search --


def _words_of(email: JsonObject, *names: str) -> str:
    texts = {
        **{name: _text(email[name]) for name in ("from", "to", "cc", "subject")},
        "body": email["bodyValues"][email["textBody"][0]["partId"]]["value"] if email["textBody"] else "",
        "file": _text([one["name"] for one in email["attachments"] if one["name"]]),
    }
    return f" {' '.join(_TOKEN.findall(' '.join(texts[name] for name in names or texts))).lower()} "


def _thread(email: JsonObject, view: Truth) -> list[JsonObject]:
    return [one for one in view["Email"].values() if one["threadId"] == email["threadId"]]


def _card_words(card: JsonObject, *names: str) -> str:
    return f" {' '.join(_TOKEN.findall(_text([card.get(name) for name in names]))).lower()} "


_Condition = Callable[[JsonObject, Any, Truth], bool]
_EMAIL: Final[dict[str, _Condition]] = {
    "inMailbox": lambda one, value, _: value in one["mailboxIds"],
    "inMailboxOtherThan": lambda one, value, _: any(id not in value for id in one["mailboxIds"]),
    "before": lambda one, value, _: one["receivedAt"] < value,
    "after": lambda one, value, _: one["receivedAt"] >= value,
    "minSize": lambda one, value, _: one["size"] >= value,
    "maxSize": lambda one, value, _: one["size"] < value,
    "allInThreadHaveKeyword": lambda one, value, view: all(
        value in x["keywords"] for x in _thread(one, view)
    ),
    "someInThreadHaveKeyword": lambda one, value, view: any(
        value in x["keywords"] for x in _thread(one, view)
    ),
    "noneInThreadHaveKeyword": lambda one, value, view: (
        not any(value in x["keywords"] for x in _thread(one, view))
    ),
    "hasKeyword": lambda one, value, _: value in one["keywords"],
    "notKeyword": lambda one, value, _: value not in one["keywords"],
    "hasAttachment": lambda one, value, _: one["hasAttachment"] == value,
    "header": lambda one, value, _: any(
        field["name"] == value[0] and value[1] in field["value"] for field in one["headers"]
    ),
    "text": lambda one, value, _: f" {value} " in _words_of(one),
    **{
        name: lambda one, value, _, name=name: f" {value} " in _words_of(one, name)  # type: ignore[misc]
        for name in ("from", "to", "cc", "subject", "body")
    },
}
_MAILBOX: Final[dict[str, _Condition]] = {
    "parentId": lambda one, value, _: one["parentId"] == value,
    "name": lambda one, value, _: value in one["name"].lower(),
    "role": lambda one, value, _: one["role"] == value,
    "hasAnyRole": lambda one, value, _: (one["role"] is not None) == value,
    "isSubscribed": lambda one, value, _: one["isSubscribed"] == value,
}
_CARD: Final[dict[str, _Condition]] = {
    "inAddressBook": lambda one, value, _: value in one["addressBookIds"],
    "uid": lambda one, value, _: one["uid"] == value,
    "hasMember": lambda one, value, _: value in one.get("members", {}),
    "kind": lambda one, value, _: one.get("kind", "individual") == value,
    "createdBefore": lambda one, value, _: one["created"] < value,
    "createdAfter": lambda one, value, _: one["created"] >= value,
    "name": lambda one, value, _: f" {value} " in _card_words(one, "name"),
    "name/given": lambda one, value, _: f" {value} " in _card_words(one, "name"),
    "note": lambda one, value, _: f" {value} " in _card_words(one, "notes"),
    "text": lambda one, value, _: f" {value} " in _card_words(one, "name", "notes"),
}
_CONDITIONS: Final = {"Email": _EMAIL, "Mailbox": _MAILBOX, "ContactCard": _CARD}


def _fits(type: str, id: str, filter: JsonObject | None, view: Truth) -> bool:
    """Whether an object, as it is seen, passes a filter (RFC 8620 §5.5)."""
    if not filter:
        return True
    if "operator" not in filter:
        one = view[type][id]
        return all(_CONDITIONS[type][name](one, value, view) for name, value in filter.items())
    held = [_fits(type, id, part, view) for part in filter["conditions"]]
    return {"AND": all(held), "OR": any(held), "NOT": not any(held)}[filter["operator"]]


def test_any_history(open_store: OpenStore) -> None:
    machine = type("Machine", (Sharing,), {"open_store": staticmethod(open_store)})
    # A failing history is told as it was found: making it shorter would take longer than a test may.
    phases = (Phase.explicit, Phase.generate)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=15, stateful_step_count=30, phases=phases, print_blob=False)
    )
