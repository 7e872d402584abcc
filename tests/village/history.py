"""History: what happened in the village so far, and what must hold for all who live there."""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine

from bakery.kitchen import OpenStore
from posthouse.kit.json import Json, JsonObject
from posthouse.model import blobid
from village import eyes
from village.eyes import FAMILIES, RIGHTS, TYPES, Grants, Truth
from village.scene import (
    ALL_OF_IT,
    NEVER,
    OWNERS,
    PEOPLE,
    SECRET,
    STATES,
    TOKEN,
    WRITES,
    Call,
    Pair,
    blobs_in,
    text_of,
)
from village.village import CARL, COUNCIL, NAMES, Village, wire


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


class History(RuleBasedStateMachine):
    """Two domains as they are, and what each visitor saw of them when."""

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
                (f"{type}/get", {"accountId": account} | (ALL_OF_IT if type == "Email" else {}))
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
                self.ever[owner].update(blobs_in(list(objects.values())))

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
        if any(one[0].partition("/")[2] in WRITES for one in given):
            self.look(*OWNERS)
        now = self.view(pair)
        told = "\n".join(eyes.strings([answers, response.get("createdIds")], STATES))
        asked = "\n".join(eyes.strings([given, created_ids]))
        open_to_him = self.open_digests(pair)
        read = [
            self.village.bytes_of(blob.digest).decode()
            for token in TOKEN.findall(asked)
            if (blob := blobid.decode(token)) is not None and blob.digest in open_to_him
        ]
        allowed = [
            asked,
            *read,
            *self.uploads[pair],
            text_of(before),
            *self._beside(pair, given),
        ]
        for name, answer, _ in answers:
            assert answer.get("type") != "serverFail", self.log[-1]
            if name.endswith("hanges"):
                allowed += [id for _, id in self.moved[pair]]  # what he saw once
        allowed_text = "\n".join(allowed)
        leaked = set(SECRET.findall(told)) - set(SECRET.findall(allowed_text + text_of(now)))
        assert not leaked, ("secrets", leaked, self.log[-1])
        # What he makes shows him nothing that was there before, such as a Thread.
        tokens = hidden_ids.intersection(TOKEN.findall(told))
        leaked = tokens - set(TOKEN.findall(allowed_text))
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
                    yield text_of(self.view(other) if visits else self.truth[owner])

    def stranger_ids(self, pair: Pair, value: Json) -> dict[str, str]:
        """Map the hidden ids in a value to such that never were."""
        open_ids = {id for objects in self.views[pair].values() for id in objects}
        open_digests = self.open_digests(pair)
        tokens = {token for text in eyes.strings(value) for token in TOKEN.findall(text)}
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
            *blobs_in([list(objects.values()) for objects in self.views[pair].values()]),
            *self.uploads[pair],
        }
        return {blob.digest for id in found if (blob := blobid.decode(id)) is not None}
