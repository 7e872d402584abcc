"""Contacts through random histories, held against plain dictionaries: an open type whose texts change."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from copy import deepcopy
from functools import cmp_to_key
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bakery import naive
from bakery.kitchen import OpenStore
from posthouse.kit.json import JsonObject
from posthouse.store import candidates, find
from posthouse.store.txn import Transaction
from rolodex.rolodex import Rolodex

DATES = [f"202{year}-01-01T00:00:00Z" for year in range(4)]
GIVEN, SURNAMES = ["Ann", "bob", "Eve"], ["Bee", "ant"]
WORDS = ["tea", "coffee", "milk"]
KINDS = ["org", "group", "individual"]
SORTS = ["created", "updated", "name/given", "name/surname"]
seeds = st.integers(0, 2**32)


def part(card: JsonObject, kind: str) -> str | None:
    components = card.get("name", {}).get("components", [])
    return next((one["value"] for one in components if one["kind"] == kind), None)


def texts(card: JsonObject) -> dict[str, str]:
    """The words of a card by filter, in lower case."""
    name = [one["value"] for one in card.get("name", {}).get("components", [])]
    note = [one["note"] for one in card.get("notes", {}).values()]
    vendor = [card[name] for name in card if name.startswith("example.com:")]
    found = {"name": name, "note": note, "text": name + note + vendor}
    return {key: f" {' '.join(words).lower()} " for key, words in found.items()}


def has_words(text: str, wanted: str) -> bool:
    """Whether a text has each word, of one with a star its beginning."""
    return all(
        f" {word[:-1] if word.endswith('*') else word + ' '}" in text for word in wanted.lower().split()
    )


TESTS: dict[str, Callable[[JsonObject, Any], bool]] = {
    "inAddressBook": lambda card, value: value in card["addressBookIds"],
    "hasMember": lambda card, value: value in card.get("members", {}),
    "uid": lambda card, value: card.get("uid") == value,
    "kind": lambda card, value: card.get("kind", "individual") == value,
    "createdBefore": lambda card, value: card["created"] < value,
    "createdAfter": lambda card, value: card["created"] >= value,
    **{
        name: lambda card, value, name=name: has_words(texts(card)[name], value)  # type: ignore[misc]
        for name in ("name", "note", "text")
    },
}
VALUES: dict[str, Callable[[JsonObject], str | None]] = {
    "created": lambda card: card["created"],
    "updated": lambda card: card["updated"],
    "name/given": lambda card: part(card, "given"),
    "name/surname": lambda card: part(card, "surname"),
}


def query(cards: naive.Objects, asked: JsonObject) -> list[str]:
    """What a query must find, in order; what lacks a value comes first."""
    fits = [
        card
        for card in cards.values()
        if all(TESTS[name](card, value) for name, value in asked["filter"].items())
    ]
    sort: list[JsonObject] = asked["sort"]
    if [by["property"] for by in sort] in (["name/given"], ["name/surname"]):
        other_part = {"name/given": "name/surname", "name/surname": "name/given"}[sort[0]["property"]]
        sort = [*sort, sort[0] | {"property": other_part}]

    def compare(one: JsonObject, other: JsonObject) -> int:
        for by in sort:
            values = [VALUES[by["property"]](card) for card in (one, other)]
            left, right = ((value is not None, (value or "").lower()) for value in values)
            if left != right:
                return (-1 if left < right else 1) * (1 if by["isAscending"] else -1)
        rises = (
            sort[0]["isAscending"] if sort else not {"inAddressBook", "hasMember"} & asked["filter"].keys()
        )
        return (naive.number(one["id"]) - naive.number(other["id"])) * (1 if rises else -1)

    return [card["id"] for card in sorted(fits, key=cmp_to_key(compare))]


class Contacts(RuleBasedStateMachine):
    """One account through a random history."""

    open_store: OpenStore

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.rolodex = Rolodex(self.open_store, Path(self._folder.name))
        self.cards: naive.Objects = {}
        self.books = [self.rolodex.default]
        self.cached: list[tuple[str, set[str]]] = [("0", set())]
        self.queries: list[tuple[JsonObject, str, list[str]]] = []
        self.uids = 0

    def teardown(self) -> None:
        self.rolodex.close()
        self._folder.cleanup()

    # -- what is chosen --

    def some_books(self, r: random.Random) -> JsonObject:
        return dict.fromkeys(r.sample(self.books, r.randint(1, len(self.books))), True)

    def uid(self) -> str:
        self.uids += 1
        return f"u{self.uids}"

    def name(self, r: random.Random) -> JsonObject:
        parts = [("given", r.choice(GIVEN)), ("surname", r.choice(SURNAMES))]
        return {
            "components": [{"kind": kind, "value": value} for kind, value in r.sample(parts, r.randint(1, 2))]
        }

    def new(self, r: random.Random) -> JsonObject:
        optional: JsonObject = {
            "uid": self.uid(),
            "name": self.name(r),
            "notes": {"n": {"note": r.choice(WORDS)}},
            "example.com:x": r.choice(WORDS),
            "kind": "org",
        }
        chosen = {name: optional[name] for name in r.sample(list(optional), r.randint(0, 5))}
        if r.random() < 0.3:
            chosen |= {"kind": "group", "members": {f"u{r.randint(1, 5)}": True}}
        dates = {"created": r.choice(DATES), "updated": r.choice(DATES)}
        return {"@type": "Card", "version": "2.0", "addressBookIds": self.some_books(r), **dates, **chosen}

    def patch(self, r: random.Random, old: JsonObject) -> JsonObject:
        choices: list[JsonObject] = [
            {"name": self.name(r)},
            {"name": None},
            {"uid": self.uid()},
            {"uid": None},
            {"notes": {"n": {"note": r.choice(WORDS)}}},
            {"example.com:x": r.choice([None, *WORDS])},
            {"addressBookIds": self.some_books(r)},
            {"created": r.choice(DATES)},
        ]
        if "notes" in old:
            choices += [{"notes/n/note": r.choice(WORDS)}, {"notes": None}]
        if "members" in old:
            choices += [{f"members/u{r.randint(1, 5)}": r.choice([True, None])}, {"members": None}]
        patch: JsonObject = {}
        for one in r.sample(choices, r.randint(0, 3)):
            [path] = one
            if not any(path.split("/")[0] == other.split("/")[0] for other in patch):
                patch |= one
        return patch

    def asked(self, r: random.Random) -> JsonObject:
        values: dict[str, list[str]] = {
            "inAddressBook": self.books,
            "hasMember": ["u1", "u2", "x"],
            "uid": ["u1", "u2", "u3", "U1"],
            "kind": KINDS,
            "createdBefore": DATES,
            "createdAfter": DATES,
            "name": [*GIVEN, *SURNAMES],
            "note": WORDS,
            "text": [*WORDS, "ann", "c*", "e*", "tea ann"],
        }
        names = r.sample(list(values), r.choice([0, 1, 1, 2]))
        sort = [
            {"property": name, "isAscending": r.random() < 0.5}
            for name in r.sample(SORTS, r.choice([0, 1, 1, 2]))
        ]
        if r.random() < 0.3:  # what is calculated from the words alone
            names, sort = [r.choice(["name", "note", "text"])], []
        return {"filter": {name: r.choice(values[name]) for name in names}, "sort": sort}

    # -- what happens --

    @initialize(seed=seeds)
    def begin(self, seed: int) -> None:
        """Begin with some books and cards."""
        self.books += [self.rolodex.book(name) for name in ("b", "c")]
        r = random.Random(seed)
        self.change({f"k{at}": self.new(r) for at in range(6)}, {}, [])

    @rule(seed=seeds)
    def edit(self, seed: int) -> None:
        """Make, change and destroy cards in one call; what is asked for is right, so all of it happens."""
        r = random.Random(seed)
        create = {f"k{at}": self.new(r) for at in range(r.randint(0, 3))}
        chosen = r.sample(list(self.cards), min(len(self.cards), r.randint(0, 4)))
        update = {id: self.patch(r, self.cards[id]) for id in chosen[:3]}
        self.change(create, update, chosen[3:])

    def change(self, create: JsonObject, update: JsonObject, destroy: list[str]) -> None:
        answer = self.rolodex.ask("ContactCard/set", create=create, update=update, destroy=destroy)
        assert [None] * 3 == [answer[f"not{what}"] for what in ("Created", "Updated", "Destroyed")]
        for id in destroy:
            del self.cards[id]
        for id, patch in update.items():
            self.cards[id] = patched(self.cards[id], patch) | (answer["updated"][id] or {})
        for key, told in (answer["created"] or {}).items():
            self.cards[told["id"]] = create[key] | told

    @precondition(lambda self: len(self.books) > 1)
    @rule(seed=seeds)
    def empty(self, seed: int) -> None:
        """Destroy a book with what is in it."""
        r = random.Random(seed)
        if r.random() < 0.7:
            return
        gone = r.choice(self.books)
        self.books.remove(gone)
        self.rolodex.ask("AddressBook/set", destroy=[gone], onDestroyRemoveContents=True)
        for id, card in list(self.cards.items()):
            left = {book: True for book in card["addressBookIds"] if book != gone}
            if left:
                self.cards[id] = card | {"addressBookIds": left}
            else:
                del self.cards[id]

    @rule()
    def cache(self) -> None:
        """A client caches all cards."""
        answer = self.rolodex.ask("ContactCard/get", properties=[])
        self.cached.append((answer["state"], {one["id"] for one in answer["list"]}))

    # -- what is asked --

    @rule(seed=seeds)
    def search(self, seed: int) -> None:
        """Ask queries in all ways; a client keeps the results."""
        r = random.Random(seed)
        for _ in range(15):
            asked = self.asked(r)
            expected = query(self.cards, asked)
            whole = self.rolodex.ask("ContactCard/query", **asked, calculateTotal=True)
            assert (expected, len(expected)) == (whole["ids"], whole["total"]), asked
            position, limit = r.randint(0, 3), r.randint(1, 4)
            page = self.rolodex.ask("ContactCard/query", **asked, position=position, limit=limit)
            assert expected[position : position + limit] == page["ids"], asked
            words = [{"text": r.choice([*WORDS, "a*", "b*"])} for _ in range(2)]
            either = asked | {"filter": {"operator": "OR", "conditions": words}}
            found = [
                card for card in query(self.cards, asked | {"filter": {}}) if any_of(words, self.cards[card])
            ]
            assert found == self.rolodex.ask("ContactCard/query", **either)["ids"], either
            assert found[:3] == self.rolodex.ask("ContactCard/query", **either, limit=3)["ids"], either
            self.queries.append((asked, whole["queryState"], expected))

    @precondition(lambda self: self.queries)
    @rule(seed=seeds)
    def refresh_queries(self, seed: int) -> None:
        """A client brings old results up to date by /queryChanges."""
        r = random.Random(seed)
        for asked, since, old in r.sample(self.queries, min(len(self.queries), 20)):
            answer = self.rolodex.ask("ContactCard/queryChanges", **asked, sinceQueryState=since)
            assert query(self.cards, asked) == naive.after_changes(old, answer), asked

    @rule(seed=seeds, most=st.integers(1, 5))
    def refresh_cards(self, seed: int, most: int) -> None:
        """A client brings old cards up to date by /changes, in pages of any size."""
        state, known = random.Random(seed).choice(self.cached)
        known, more = set(known), True
        while more:
            page = self.rolodex.ask("ContactCard/changes", sinceState=state, maxChanges=most)
            created, updated, destroyed = (set(page[name]) for name in ("created", "updated", "destroyed"))
            assert not created & known
            assert updated <= known
            known = known - destroyed | created
            state, more = page["newState"], page["hasMoreChanges"]
        assert self.cards.keys() == known

    # -- what is always so --

    @invariant()
    def everything_is_there(self) -> None:
        assert self.cards == {one["id"]: one for one in self.rolodex.ask("ContactCard/get")["list"]}
        books = self.rolodex.ask("AddressBook/get")["list"]
        assert set(self.books) == {one["id"] for one in books}
        assert 1 == sum(one["isDefault"] for one in books)

    @invariant()
    def properties_are_picked(self) -> None:
        for names in (["uid", "name", "updated"], ["notes", "example.com:x"]):
            found = self.rolodex.ask("ContactCard/get", properties=names)["list"]
            picked = {
                id: {name: card[name] for name in ["id", *names] if name in card}
                for id, card in self.cards.items()
            }
            assert picked == {one["id"]: one for one in found}

    @invariant()
    def every_row_follows_from_the_cards(self) -> None:
        self.rolodex.read(self.compare_rows)

    def compare_rows(self, txn: Transaction) -> None:
        database = txn._database
        members = sorted(
            (naive.number(book), naive.number(id))
            for id, card in self.cards.items()
            for book in card["addressBookIds"]
        )
        rows = database.all("SELECT value, id FROM member_contactcard_addressbookids ORDER BY value, id")
        assert members == [tuple(row) for row in rows]
        searched = {row[0] for row in database.all("SELECT rowid FROM search_contactcard")}
        assert {1 << 32 | naive.number(id) for id in self.cards} == searched
        kept = {row[0] for row in database.all("SELECT key FROM text_contactcard")}
        assert searched == kept


def any_of(conditions: list[dict[str, str]], card: JsonObject) -> bool:
    return any(TESTS[name](card, value) for one in conditions for name, value in one.items())


def patched(old: JsonObject, patch: JsonObject) -> JsonObject:
    new = deepcopy(old)
    for path, value in patch.items():
        *parents, name = path.split("/")
        inside = new
        for parent in parents:
            inside = inside[parent]
        if value is None:
            inside.pop(name, None)
        else:
            inside[name] = value
    return new


@pytest.fixture(params=["a small account", "a large account"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few cards be many, so that queries run in the ways that they do among many."""
    if request.param == "a large account":
        monkeypatch.setattr(candidates, "COMMON", 2)
        monkeypatch.setattr(find, "_FEW", 1)
        monkeypatch.setattr(find, "_NEAR", 4)


@pytest.mark.usefixtures("size")
def test_any_history(open_store: OpenStore) -> None:
    machine = type("Machine", (Contacts,), {"open_store": staticmethod(open_store)})
    # A failing history is told as it was found: making it shorter would take longer than a test may.
    phases = (Phase.explicit, Phase.generate)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=15, stateful_step_count=25, phases=phases, print_blob=False)
    )
