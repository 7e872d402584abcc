"""Attempts: what visitors try to change, and whether they may."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from hypothesis.stateful import rule

from posthouse.kit.json import Json, JsonObject
from posthouse.model import blobid
from posthouse.model.caller import wire_principal
from village import eyes
from village.eyes import ITEMS, Truth
from village.guests import Guests
from village.history import Sent
from village.scene import (
    GRANTEES,
    KEYWORDS,
    LETTERS,
    NEVER,
    OWNERS,
    REFUSALS,
    Pair,
    and_above,
    members_after,
    refusals_of,
    seeds,
    swapped,
)
from village.village import DORA, NAMES, wire


class Attempts(Guests):
    """Visitors who change what they may, and try what they may not."""

    @rule(seed=seeds)
    def attempt(self, seed: int) -> None:
        """A visitor changes things: just what he may, and nothing that he does not see."""
        r = random.Random(seed)
        pair = self.pair(r)
        acts = [
            *[self.attempt_email] * 4,
            *(self.attempt_draft, self.attempt_import, self.attempt_throw_away, self.attempt_copy),
            *[self.attempt_box] * 3,
            *(self.attempt_new_box, self.attempt_drop_box, self.attempt_drop_box),
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
            other = self.asked(pair, swapped([own], strange)[0])
        else:
            other = None

        def note(answers: list[list[Json]]) -> None:
            if not refusals_of(answers[0][1]):
                then(answers[0][1])

        [[name, answer, _], *_] = answers = self.asked(pair, own, then=note)
        after = self.truth
        assert method == name, (pair, own, answer)
        refused = refusals_of(answer)
        context = (pair, may, own, answer, self.log[-3:])
        assert may == (not refused), context
        if refused:
            assert refused[0]["type"] in REFUSALS, context
            assert before == after, context
            if other is not None:
                back = {never: id for id, never in strange.items()}
                assert answers == swapped(other, back), ("refusals differ", pair, own, answers, other)
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
        unseen = self.truth[pair[1]]["Email"].get(id, known)["mailboxIds"].keys() - known["mailboxIds"].keys()
        boxes = r.sample(sorted(unseen), r.randint(0, min(1, len(unseen)))) + [
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
        boxes_now = members_after(known["mailboxIds"], patch, "mailboxIds")
        words_now = members_after(known["keywords"], patch, "keywords")
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
        boxes = [
            self.pool(r, pair[1], "m") if r.random() < 0.2 else r.choice(open_to_him or ["m1"])
            for _ in range(r.choice([1, 1, 2]))
        ]
        return dict.fromkeys(boxes, True), self.all_have(pair, "Mailbox", boxes, "mayAddItems")

    def hidden_message(self, r: random.Random, pair: Pair) -> Sent:
        """Any message, more often one that is hidden."""
        view, truth = self.views[pair]["Email"], self.truth[pair[1]]["Email"]
        hidden = {id for email in truth.keys() - view.keys() for id in truth[email]["messageId"] or ()}
        chosen = [one for one in self.sent if one.message_id in hidden]
        return r.choice(chosen if chosen and r.random() < 0.8 else self.sent)

    def attempt_draft(self, r: random.Random, pair: Pair) -> None:
        """Make an Email that follows any message, hidden or not."""
        boxes, may = self.some_boxes(r, pair)
        follows = self.hidden_message(r, pair)
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
        _, data = self.message(r, self.hidden_message(r, pair))
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
                    may = id not in and_above(parent, boxes) and not any(
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
        open_to_him = self.with_right(pair, "Mailbox", "mayDelete")
        id = r.choice([self.pool(r, pair[1], "m"), *view["Mailbox"], *open_to_him * 5])
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
        view, letter = self.views[pair][type], LETTERS[type]
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
        books = members_after(known, patch, "addressBookIds")
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
