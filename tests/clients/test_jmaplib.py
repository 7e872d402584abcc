"""jmaplib from PyPI keeps contacts as its users do; what came of it is asked by raw JMAP."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from clients.peer import Peer, PeerFailed
from posthouse.testing import Server
from posthouse.testing.client import Jmap

pytestmark = pytest.mark.peer("jmaplib")

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(60)


@pytest.fixture
def raw(plain_server: Server) -> Iterator[Jmap]:
    with closing(plain_server.client()) as client:
        yield client


@pytest.fixture
def book(raw: Jmap) -> str:
    made = raw.ask("AddressBook/set", create={"one": {"name": "Friends"}})
    return str(made["created"]["one"]["id"])


def _card(book: str, given: str, surname: str, **more: Any) -> Any:
    components = [{"kind": "given", "value": given}, {"kind": "surname", "value": surname}]
    name = {"components": components, "full": f"{given} {surname}", "isOrdered": True}
    return {"addressBookIds": {book: True}, "name": name, **more}


def _cards(raw: Jmap, *ids: str) -> Any:
    return raw.ask("ContactCard/get", ids=list(ids))["list"]


def test_it_finds_every_method_of_the_standard(jmaplib: Peer) -> None:
    wanted = [
        *(f"AddressBook/{verb}" for verb in ("get", "changes", "set")),
        *(
            f"ContactCard/{verb}"
            for verb in ("get", "changes", "query", "queryChanges", "set", "copy", "parse")
        ),
    ]
    assert wanted == jmaplib.do("supported", methods=wanted)


def test_it_keeps_address_books(jmaplib: Peer, raw: Jmap) -> None:
    before = {one["id"] for one in jmaplib.do("books")}
    made = jmaplib.do("set_books", create={"new": {"name": "Work"}}, default="#new")
    assert made["created"]["new"]["isDefault"]
    id = made["created"]["new"]["id"]
    renamed = jmaplib.do("set_books", update={id: {"name": "Bureau", "sortOrder": 3}})
    assert [id] == renamed["updated"]
    assert raw.ask("AddressBook/get")["list"] == jmaplib.do("books")
    assert "Bureau" == next(one["name"] for one in jmaplib.do("books") if one["isDefault"])
    assert [id] == jmaplib.do("set_books", destroy=[id])["destroyed"]
    assert before == {one["id"] for one in jmaplib.do("books")}


def test_a_book_with_cards_is_not_destroyed(jmaplib: Peer, book: str) -> None:
    jmaplib.do("set_cards", create={"one": _card(book, "Ann", "Bee")})
    refused = jmaplib.do("set_books", destroy=[book])["refused"]
    assert "addressBookHasContents" == refused[book]["type"]


def test_it_makes_changes_and_destroys_cards(jmaplib: Peer, raw: Jmap, book: str) -> None:
    emails = {"e1": {"address": "zoe@example.org", "contexts": {"work": True}}}
    new = _card(book, "Zoë", "Ångström", emails=emails, **{"example.com:colour": "blue"})
    made = jmaplib.do("set_cards", create={"one": new})
    id = made["created"]["one"]["id"]
    patch = {"emails/e2": {"address": "z@example.org"}, "emails/e1/contexts": None, "kind": "individual"}
    assert [id] == jmaplib.do("set_cards", update={id: patch})["updated"]
    [card] = _cards(raw, id)
    assert {"e1": {"address": "zoe@example.org"}, "e2": {"address": "z@example.org"}} == card["emails"]
    assert "blue" == card["example.com:colour"]
    assert [id] == jmaplib.do("set_cards", destroy=[id])["destroyed"]
    assert [] == _cards(raw, id)


def test_what_is_no_card_is_refused_by_its_path(jmaplib: Peer, book: str) -> None:
    wrong = _card(book, "Ann", "Bee", emails={"e": {"address": 5}})
    refused = jmaplib.do("set_cards", create={"one": wrong})["refused"]
    assert ("invalidProperties", ["emails/e/address"]) == (
        refused["one"]["type"],
        refused["one"]["properties"],
    )


def test_it_searches_while_somebody_types(jmaplib: Peer, raw: Jmap, book: str) -> None:
    create = {
        "a": _card(book, "Quentin", "Quokka"),
        "b": _card(book, "Anna", "Quokka", nicknames={"n": {"name": "Nan"}}),
        "c": _card(book, "Bob", "Ant", organizations={"o": {"name": "Quarry Ltd"}}),
    }
    ids = {key: one["id"] for key, one in jmaplib.do("set_cards", create=create)["created"].items()}
    names = ["name", "nickname", "organization", "email"]
    typed = {"operator": "OR", "conditions": [{name: "q*"} for name in names]}
    sort = [{"property": "name/given", "isAscending": True}]
    found = jmaplib.do("search", filter=typed, sort=sort, properties=["id", "name"])
    assert [ids[key] for key in "bca"] == [one["id"] for one in found["cards"]]
    assert ["Anna Quokka", "Bob Ant", "Quentin Quokka"] == found["names"]
    assert 3 == found["total"]
    assert _cards(raw, ids["b"])[0]["name"] == found["cards"][0]["name"]


def test_it_follows_changes(jmaplib: Peer, book: str) -> None:
    filter = {"inAddressBook": book}
    create = {"stays": _card(book, "Stays", "Here"), "goes": _card(book, "Goes", "Away")}
    made = jmaplib.do("set_cards", create=create)["created"]
    old = jmaplib.do("search", filter=filter, sort=[], properties=["id"])
    stays, goes = made["stays"]["id"], made["goes"]["id"]
    done = jmaplib.do(
        "set_cards",
        create={"new": _card(book, "New", "One")},
        update={stays: {"kind": "org"}},
        destroy=[goes],
    )
    comes = done["created"]["new"]["id"]
    news = jmaplib.do("news", state=old["state"], filter=filter, query_state=old["queryState"])
    assert ([comes], [goes]) == (news["created"], news["destroyed"])
    assert [(stays, "org")] == [(one["id"], one["kind"]) for one in news["updated"]]
    assert goes in news["removed"]
    assert comes in news["added"]


def test_it_sets_a_photo(jmaplib: Peer, raw: Jmap, book: str) -> None:
    blob = jmaplib.do("upload", account=raw.account, base64=b64encode(PICTURE).decode(), type="image/png")
    photo = {"p": {"kind": "photo", "blobId": blob}}
    made = jmaplib.do("set_cards", create={"one": _card(book, "With", "Photo", media=photo)})
    found = jmaplib.do("search", filter={"name": "with photo"}, sort=[], properties=["id", "media", "name"])
    assert [made["created"]["one"]["id"]] == [one["id"] for one in found["cards"]]
    assert [["p"]] == found["photos"]
    [card] = _cards(raw, made["created"]["one"]["id"])
    assert "image/png" == card["media"]["p"]["mediaType"]
    assert PICTURE == raw.download(card["media"]["p"]["blobId"])


def test_it_sees_errors_as_errors(jmaplib: Peer) -> None:
    with pytest.raises(PeerFailed, match="unsupportedFilter"):
        jmaplib.do("search", filter={"nosuch": "x"}, sort=[], properties=["id"])
