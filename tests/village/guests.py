"""Guests: what visitors read, search, refresh and pry into."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy

from hypothesis.stateful import rule

from bakery import naive
from posthouse.kit.json import Json, JsonObject
from posthouse.model import blobid
from village import eyes
from village.eyes import FAMILIES, ITEMS, RIGHTS, TYPES
from village.history import Glance, Results
from village.owners import Owners
from village.scene import (
    ALL_OF_IT,
    COUNTERS,
    DATES,
    KEYWORDS,
    LETTERS,
    NEVER,
    NEW,
    OWNERS,
    PATCHES,
    PEOPLES,
    SECRET,
    TOPICS,
    Call,
    Pair,
    firsts,
    made_in,
    seeds,
    swapped,
)
from village.search import fits
from village.village import BOB, home, wire


class Guests(Owners):
    """Visitors who ask for everything."""

    def pair(self, r: random.Random) -> Pair:
        """A visitor, more often one who sees something."""
        pairs = self.pairs()
        return r.choice([*pairs, *[pair for pair in pairs if any(self.views[pair].values())] * 3])

    @rule(seed=seeds)
    def visit(self, seed: int) -> None:
        """A visitor gets all there is: just what the model says he sees."""
        pair = self.pair(random.Random(seed))
        calls = [(f"{type}/get", ALL_OF_IT if type == "Email" else {}) for type in TYPES]
        calls += [("VacationResponse/get", {}), ("EmailSubmission/get", {})]
        for name, answer, _ in self.asked(pair, *calls):
            type = name.split("/")[0]
            expected = self.views[pair].get(type, {})
            assert expected == {one["id"]: one for one in answer["list"]}, (pair, type)
            assert [] == answer["notFound"]
        for type in TYPES:
            ids = [id for id in self.ever[pair[1]] if id[0] == LETTERS[type] and len(id) < 9]
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
        expected = {id for id in view[type] if fits(type, id, arguments["filter"], view)}
        ids = whole["ids"]
        collapse = arguments.get("collapseThreads")
        if collapse:
            [[_, flat, _]] = self.asked(pair, (method, {**arguments, "collapseThreads": False}))
            assert list({view[type][id]["threadId"]: id for id in flat["ids"][::-1]}.values())[
                ::-1
            ] == ids or (firsts(flat["ids"], view) == ids)
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
        word = r.choice([*TOPICS, *(SECRET.findall(text) or ["x"])])
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
                    self.uploads[pair].update(made_in(arguments["blobIds"], answer))
            strange = self.stranger_ids(pair, [calls, created_ids])
            if strange:
                other_ids = swapped(created_ids, strange)
                other = self.asked(pair, *swapped(calls, strange), created_ids=other_ids)
                back = {never: id for id, never in strange.items()}
                for call, one, another in zip(calls, answers, swapped(other, back), strict=True):
                    assert one == another, ("differs", pair, call, one, another)

    def any_call(self, r: random.Random, pair: Pair) -> Call:
        """A call of any method of the registry that changes nothing, be it that it must not."""
        name = r.choice(sorted(self.village.registry.methods))
        _, _, verb = self.village.registry.methods[name]
        kind, _, _ = name.partition("/")
        ids = [*self.ids(r, pair[1], 4)]
        if not verb:
            return name, self.own_arguments(r, name, pair, ids)
        own = [id for id in ids if id[:1] == LETTERS.get(kind)] or ids
        states = [*(r.choice(self.glances[pair]).states.values()), "0", "u0", "u5"]
        place = r.choice([{}, {"accountId": home(pair[0])}]) if kind in PEOPLES else {}
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
                return {"create": {"k": NEW.get(type, {})}}
            case 1 if type not in RIGHTS and type not in ITEMS:
                mine = [id for id in ids if not id.startswith("p")]
                return {"destroy": [*mine, "singleton"]}
        patch = r.choice([{"id": "x"}, *PATCHES.get(type, [])])
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
