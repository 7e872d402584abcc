"""People share over real HTTP: from the grant to what the other is told, and back (RFC 9670)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from posthouse.testing import Server
from wire.events import Events
from wire.person import CORE, MAIL, PRINCIPALS, Person

OWNER = "urn:ietf:params:jmap:principals:owner"
READ = {"mayReadItems": True}

_numbers = itertools.count(1)


@dataclass
class Sharer:
    """Somebody who shares, and the one with whom he does."""

    owner: Person
    guest: Person

    @property
    def account(self) -> str:
        return self.owner.account

    def principal(self, of: str) -> str:
        """The id of a Principal, by its address."""
        _, found = self.owner.call("Principal/query", filter={"email": of})
        [id] = found["ids"]
        return str(id)

    def mailbox(self, name: str) -> str:
        _, made = self.owner.call("Mailbox/set", create={"m": {"name": name}})
        return str(made["created"]["m"]["id"])

    def share(self, mailbox: str, rights: dict[str, bool] | None, principal: str = "") -> None:
        who = principal or self.principal(self.guest.user.name)
        _, answer = self.owner.call("Mailbox/set", update={mailbox: {f"shareWith/{who}": rights}})
        if answer["notUpdated"]:  # nobody had any rights in it before
            _, answer = self.owner.call("Mailbox/set", update={mailbox: {"shareWith": {who: rights}}})
        assert answer["notUpdated"] is None, answer

    def seen(self, method: str, **arguments: Any) -> Any:
        """Make a call of the guest's on the owner's account, and give its answer."""
        name, answer = self.guest.call(method, accountId=self.account, **arguments)
        assert method == name, answer
        return answer

    def session(self) -> Any:
        """The guest's Session object as it is now."""
        return self.guest.http.get("/.well-known/jmap").raise_for_status().json()

    def subscribe(self, mailbox: str) -> None:
        answer = self.seen("Mailbox/set", update={mailbox: {"isSubscribed": True}})
        assert answer["notUpdated"] is None, answer


@pytest.fixture
def sharer(sign_in: Callable[..., Person]) -> Sharer:
    return Sharer(sign_in(), sign_in())


@contextmanager
def listening(person: Person) -> Iterator[Callable[[], Any]]:
    """Let a person listen, and give what tells the next thing that he hears."""
    url = person.session["eventSourceUrl"]
    for name, value in (("types", "*"), ("closeafter", "no"), ("ping", "0")):
        url = url.replace(f"{{{name}}}", value)
    with Events(url, authorization=f"Bearer {person.user.token}") as events:
        events.welcome()

        def changed() -> Any:
            event = events.next()
            assert event is not None
            return event.data["changed"]

        yield changed


def test_what_is_shared_is_there_and_the_rest_is_not(sharer: Sharer) -> None:
    shared, hidden = sharer.mailbox("ours"), sharer.mailbox("mine")
    error = sharer.guest.error("Mailbox/get", accountId=sharer.account)
    assert "accountNotFound" == error["type"]
    sharer.share(shared, READ)
    got = sharer.seen("Mailbox/get", ids=None)
    assert [(shared, "ours", False, None)] == [
        (one["id"], one["name"], one["isSubscribed"], one["shareWith"]) for one in got["list"]
    ]
    assert [hidden] == sharer.seen("Mailbox/get", ids=[hidden])["notFound"]
    assert (
        "forbidden"
        == sharer.seen("Mailbox/set", update={shared: {"name": "his"}})["notUpdated"][shared]["type"]
    )
    sharer.share(shared, None)
    assert "accountNotFound" == sharer.guest.error("Mailbox/get", accountId=sharer.account)["type"]


def test_a_visited_account_is_in_the_session_once_something_is_subscribed(sharer: Sharer) -> None:
    mailbox = sharer.mailbox("ours")
    sharer.share(mailbox, READ)
    assert sharer.account not in sharer.session()["accounts"]
    before = sharer.session()["state"]
    sharer.subscribe(mailbox)
    session = sharer.session()
    assert before != session["state"]
    account = session["accounts"][sharer.account]
    assert (sharer.owner.user.name, False) == (account["name"], account["isPersonal"])
    capabilities = account["accountCapabilities"]
    assert capabilities["urn:ietf:params:jmap:mail"]["mayCreateTopLevelMailbox"] is False
    assert "urn:ietf:params:jmap:contacts" not in capabilities
    assert sharer.principal(sharer.owner.user.name) == capabilities[OWNER]["principalId"]
    assert session["primaryAccounts"][PRINCIPALS] == capabilities[OWNER]["accountIdForPrincipal"]
    error = sharer.guest.error("AddressBook/get", accountId=sharer.account)
    assert "accountNotSupportedByMethod" == error["type"]


def test_the_principal_of_another_says_which_of_its_accounts_are_open(sharer: Sharer) -> None:
    mailbox = sharer.mailbox("ours")
    id = sharer.principal(sharer.owner.user.name)
    _, got = sharer.guest.call("Principal/get", ids=[id])
    assert [None] == [one["accounts"] for one in got["list"]]
    sharer.share(mailbox, READ)  # not subscribed yet, so this is how it is found (RFC 9670 §1.4)
    _, got = sharer.guest.call("Principal/get", ids=[id])
    assert [[sharer.account]] == [list(one["accounts"]) for one in got["list"]]
    _, found = sharer.guest.call("Principal/query", filter={"accountIds": [sharer.account]})
    assert [id] == found["ids"]


def test_who_is_granted_something_is_notified_once(sharer: Sharer) -> None:
    mailbox = sharer.mailbox("ours")
    sharer.share(mailbox, READ)
    sharer.share(mailbox, READ | {"maySetSeen": True})
    _, got = sharer.guest.call("ShareNotification/get", ids=None)
    [notice] = got["list"]
    assert (sharer.account, "Mailbox", mailbox, "ours", None) == tuple(
        notice[name] for name in ("objectAccountId", "objectType", "objectId", "name", "oldRights")
    )
    assert ["mayReadItems", "maySetSeen"] == [name for name, has in notice["newRights"].items() if has]
    assert sharer.owner.user.name == notice["changedBy"]["email"]
    _, answer = sharer.guest.call("ShareNotification/set", destroy=[notice["id"]], create={"a": {}})
    assert [notice["id"]] == answer["destroyed"]
    assert "forbidden" == answer["notCreated"]["a"]["type"]
    assert [] == sharer.owner.call("ShareNotification/get", ids=None)[1]["list"]


def test_the_guest_is_told_of_what_he_sees_while_he_is_connected(sharer: Sharer) -> None:
    shared, hidden = sharer.mailbox("ours"), sharer.mailbox("mine")
    with listening(sharer.guest) as changed:
        sharer.share(shared, READ)
        home = sharer.guest.account_for("ShareNotification/get")
        assert {home: ["ShareNotification"]} == {account: [*types] for account, types in changed().items()}
        sharer.subscribe(shared)
        told = changed()
        assert [sharer.account] == list(told)
        assert sharer.seen("Mailbox/get", ids=[])["state"] == told[sharer.account]["Mailbox"]
        sharer.owner.call("Mailbox/set", update={hidden: {"name": "still mine"}})
        sharer.owner.call("Mailbox/set", update={shared: {"name": "still ours"}})
        state = sharer.seen("Mailbox/get", ids=[])["state"]
        assert {sharer.account: {"Mailbox": state}} == changed()


def test_a_group_is_granted_what_its_members_then_have(sharer: Sharer, server: Server) -> None:
    group = f"team{next(_numbers)}@example.org"
    server.add_group(group, sharer.guest.user.name)
    mailbox = sharer.mailbox("ours")
    sharer.share(mailbox, READ, sharer.principal(group))
    assert [mailbox] == [one["id"] for one in sharer.seen("Mailbox/get", ids=None)["list"]]
    server.leave_group(group, sharer.guest.user.name)
    assert "accountNotFound" == sharer.guest.error("Mailbox/get", accountId=sharer.account)["type"]


def test_a_group_s_account_is_open_to_its_members(sharer: Sharer, server: Server) -> None:
    group = f"team{next(_numbers)}@example.org"
    server.add_group(group, sharer.guest.user.name, sharer.owner.user.name)
    [account] = [wire for wire, one in sharer.session()["accounts"].items() if one["name"] == group]
    _, made = sharer.guest.call("Mailbox/set", accountId=account, create={"m": {"name": "plans"}})
    assert made["created"]["m"]["myRights"]["mayDelete"]
    names = {one["name"] for one in sharer.owner.call("Mailbox/get", accountId=account)[1]["list"]}
    assert "plans" in names
    [identity] = sharer.owner.call("Identity/get", accountId=account)[1]["list"]
    assert group == identity["email"]


def test_who_may_submit_sees_as_whom(sharer: Sharer) -> None:
    mailbox = sharer.mailbox("ours")
    sharer.share(mailbox, READ)
    error = sharer.guest.error("Identity/get", accountId=sharer.account)
    assert "accountNotSupportedByMethod" == error["type"]
    sharer.share(mailbox, READ | {"maySubmit": True})
    [identity] = sharer.seen("Identity/get")["list"]
    assert sharer.owner.user.name == identity["email"]
    refused = sharer.seen(
        "Identity/set", update={identity["id"]: {"name": "x"}}, create={"a": {"email": identity["email"]}}
    )
    assert "forbidden" == refused["notUpdated"][identity["id"]]["type"]
    assert "forbidden" == refused["notCreated"]["a"]["type"]


def test_domains_are_strangers(sharer: Sharer, server: Server, sign_in: Callable[..., Person]) -> None:
    server.add_account(f"eve{next(_numbers)}@stranger.example")
    eve = sign_in([*server.users][-1])
    _, theirs = eve.call("Principal/get", ids=None)
    assert [eve.user.name] == [one["email"] for one in theirs["list"]]
    mailbox = sharer.mailbox("ours")
    strangers = []
    for id in (theirs["list"][0]["id"], "p7zzzzzz"):
        _, answer = sharer.owner.call("Mailbox/set", update={mailbox: {"shareWith": {id: READ}}})
        strangers.append(answer["notUpdated"][mailbox])
    assert strangers[0] == strangers[1]
    assert ("invalidProperties", ["shareWith"]) == (strangers[0]["type"], strangers[0]["properties"])


def test_nobody_gives_a_right_that_he_lacks(sharer: Sharer, sign_in: Callable[..., Person]) -> None:
    third = sharer.principal(sign_in().user.name)
    mailbox = sharer.mailbox("ours")
    sharer.share(mailbox, READ | {"mayShare": True})
    refused = sharer.seen("Mailbox/set", update={mailbox: {f"shareWith/{third}": {"mayDelete": True}}})
    assert "forbidden" == refused["notUpdated"][mailbox]["type"]
    given = sharer.seen("Mailbox/set", update={mailbox: {f"shareWith/{third}": READ}})
    assert given["notUpdated"] is None
    shares = sharer.owner.call("Mailbox/get", ids=[mailbox])[1]["list"][0]["shareWith"]
    assert ["mayReadItems"] == [name for name, has in shares[third].items() if has]


def test_many_are_told_behind_the_answer(sharer: Sharer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.app.sharing._FEW", 0)
    mailbox = sharer.mailbox("ours")
    with listening(sharer.guest) as changed:
        sharer.share(mailbox, READ)
        home = sharer.guest.account_for("ShareNotification/get")
        while "ShareNotification" not in changed().get(home, {}):
            pass
    _, got = sharer.guest.call("ShareNotification/get", ids=None)
    assert [mailbox] == [one["objectId"] for one in got["list"]]


def test_who_does_not_ask_for_sharing_is_not_told_of_it(sharer: Sharer) -> None:
    calls = ["Mailbox/set", {"accountId": sharer.account, "create": {"m": {"name": "plain"}}}, "0"]
    response = sharer.owner.send(calls, using=[CORE, MAIL]).json()
    [[_, answer, _]] = response["methodResponses"]
    assert "shareWith" not in answer["created"]["m"]


def test_what_a_guest_makes_is_subscribed_for_who_owns_the_account(sharer: Sharer) -> None:
    above = sharer.mailbox("ours")
    sharer.share(above, READ | {"mayCreateChild": True})
    made = sharer.seen("Mailbox/set", create={"m": {"name": "his", "parentId": above}})["created"]["m"]["id"]
    _, got = sharer.owner.call("Mailbox/get", ids=[made], properties=["isSubscribed"])
    assert [{"id": made, "isSubscribed": True}] == got["list"]
