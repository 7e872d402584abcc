"""The calls that the page about sharing shows do what it says, in their order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from posthouse.testing import Server
from wire.person import PRINCIPALS, Person

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "share.md").read_text()


def blocks(title: str) -> list[str]:
    """The calls that one part of the page shows."""
    part = PAGE.split(f"### {title}\n")[1].split("\n##")[0]
    return re.findall(r"```json\n(.*?)```", part, re.DOTALL)


def test_what_the_page_shows_works() -> None:
    query, share, revoke = blocks("Who shares")
    notices, subscribe, look, dismiss = blocks("With whom it is shared")
    with (
        Server() as server,
        signed_in(server, "demo@example.org") as owner,
        signed_in(server, "friend@example.org") as guest,
    ):
        ids = {"OWNER": owner.account, "HOME": owner.session["primaryAccounts"][PRINCIPALS]}
        ids["MAILBOX"] = owner.call("Mailbox/query", filter={"role": "inbox"})[1]["ids"][0]
        [ids["PRINCIPAL"]] = called(owner, query, ids)["ids"]
        assert [ids["MAILBOX"]] == [*called(owner, share, ids)["updated"]]
        [notice] = called(guest, notices, ids)["list"]
        assert (ids["OWNER"], ids["MAILBOX"]) == (notice["objectAccountId"], notice["objectId"])
        assert ids["OWNER"] not in session(guest.http)["accounts"]
        assert {ids["MAILBOX"]: None} == called(guest, subscribe, ids)["updated"]
        assert ids["OWNER"] in session(guest.http)["accounts"]
        [mailbox] = called(guest, look, ids)["list"]
        assert (True, True, False) == (
            mailbox["isSubscribed"],
            mailbox["myRights"]["mayReadItems"],
            mailbox["myRights"]["mayShare"],
        )
        assert [notice["id"]] == called(guest, dismiss, ids | {"NOTICE": notice["id"]})["destroyed"]
        assert {ids["MAILBOX"]: None} == called(owner, revoke, ids)["updated"]
        assert "accountNotFound" == called(guest, look, ids)["type"]


@contextmanager
def signed_in(server: Server, name: str) -> Iterator[Person]:
    user = server.users[name]
    with httpx.Client(base_url=server.url, auth=(user.name, user.password), timeout=30) as client:
        yield Person(client, user, session(client))


def session(client: httpx.Client) -> Any:
    """The Session object as it is now."""
    return client.get("/.well-known/jmap").raise_for_status().json()


def called(person: Person, call: str, ids: dict[str, str]) -> Any:
    """Make a call of the page, with ids in place of the words that stand for them."""
    text = re.sub(r"\b[A-Z]{4,}\b", lambda word: ids.get(word[0], word[0]), call)
    [[_, answer, _]] = person.send(json.loads(text)).raise_for_status().json()["methodResponses"]
    return answer
