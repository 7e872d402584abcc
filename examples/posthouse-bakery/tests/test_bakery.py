"""The bakery on a real server, as a client sees it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from posthouse.testing import Server
from posthouse.testing.client import Jmap


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server without mail."""
    with Server(messages=0) as server:
        yield server


@pytest.fixture
def client(server: Server, request: pytest.FixtureRequest) -> Jmap:
    """A user whom no other test knows."""
    return server.client(server.add_account(f"{request.node.name}@bakery.example").name)


def shelf(client: Jmap, name: str = "top") -> str:
    """Put up a shelf."""
    return str(client.ask("Shelf/set", create={"s": {"name": name}})["created"]["s"]["id"])


def bake(client: Jmap, on: str, name: str = "bun", **values: object) -> str:
    """Bake a cake."""
    cake = {"name": name, "bakedAt": "2024-01-01T00:00:00Z", "shelfIds": {on: True}, **values}
    return str(client.ask("Cake/set", create={"c": cake})["created"]["c"]["id"])


def test_the_session_tells_of_the_bakery(client: Jmap) -> None:
    account = client.session["accounts"][client.account]
    assert account["accountCapabilities"]["https://bakery.example/jmap"] == {"maxSizeShelfName": 100}


def test_cakes_are_found_by_shelf_and_by_words(client: Jmap) -> None:
    top, low = shelf(client), shelf(client, "low")
    lemon, plum = bake(client, top, "lemon tart"), bake(client, low, "plum tart")
    assert client.ask("Cake/query", filter={"onShelf": top})["ids"] == [lemon]
    assert client.ask("Cake/query", filter={"text": "plum"})["ids"] == [plum]
    assert sorted(client.ask("Cake/query", filter={"text": "tart"})["ids"]) == sorted([lemon, plum])


def test_a_shelf_counts_its_cakes_and_stays_while_it_has_some(client: Jmap) -> None:
    top = shelf(client)
    cake = bake(client, top)
    assert client.ask("Shelf/get", ids=[top])["list"][0]["totalCakes"] == 1
    refused = client.ask("Shelf/set", destroy=[top])["notDestroyed"][top]
    assert refused["type"] == "shelfHasCakes"
    client.ask("Cake/set", destroy=[cake])
    assert client.ask("Shelf/set", destroy=[top])["destroyed"] == [top]


def test_an_order_is_billed(client: Jmap) -> None:
    top = shelf(client)
    cake = bake(client, top, price=3)
    bake(client, top, price=4)
    order = client.ask("Cake/get", ids=[cake])["list"][0]["orderId"]
    assert client.ask("Order/bill", orderId=order)["total"] == 7


def test_a_colleague_sees_the_shelf_that_is_shared_with_him_and_no_other(server: Server) -> None:
    anna, bob = (
        server.client(server.add_account(f"{name}@sharing.example").name) for name in ("anna", "bob")
    )
    owner = bob.session["accounts"][bob.account]["accountCapabilities"][
        "urn:ietf:params:jmap:principals:owner"
    ]
    top, low = shelf(anna), shelf(anna, "low")
    lemon, _ = bake(anna, top, "lemon tart"), bake(anna, low, "plum tart")
    anna.ask("Shelf/set", update={top: {"shareWith": {owner["principalId"]: {"mayRead": True}}}})

    hers = {"accountId": anna.account}
    (_, shelves, _), (_, cakes, _), (_, refused, _) = bob.call(
        ("Shelf/get", {**hers, "ids": None}),
        ("Cake/query", {**hers, "filter": {"text": "tart"}}),
        ("Cake/set", {**hers, "update": {lemon: {"tags/eaten": True}}}),
    )
    assert [one["id"] for one in shelves["list"]] == [top]
    assert [name for name, held in shelves["list"][0]["myRights"].items() if held] == ["mayRead"]
    assert cakes["ids"] == [lemon]
    assert refused["notUpdated"][lemon]["type"] == "forbidden"
