"""Nothing of an account reaches who has no access to it, by any method or URL (RFC 8620 §8, DESIGN D6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from posthouse.app.wiring import CAPABILITIES
from posthouse.model.registry import Registry
from wire.methods import METHODS
from wire.person import Person

SECRET = "zwieback"
MESSAGE = (
    f"From: {SECRET}@example.com\r\nTo: friend@example.org\r\nSubject: {SECRET}\r\n"
    f"Message-ID: <{SECRET}@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    f"--x\r\n\r\n{SECRET}\r\n--x\r\nContent-Disposition: attachment; filename={SECRET}.txt\r\n\r\n{SECRET}\r\n--x--\r\n"
).encode()


class Kept:
    """What a user keeps that others must not see: ids of each type, blob ids and states."""

    def __init__(self, owner: Person) -> None:
        self.account = owner.account
        blob = owner.upload(MESSAGE).json()["blobId"]
        _, made = owner.call("Mailbox/set", create={"m": {"name": SECRET}})
        mailbox = made["created"]["m"]["id"]
        _, made = owner.call("Email/import", emails={"e": {"blobId": blob, "mailboxIds": {mailbox: True}}})
        email = made["created"]["e"]
        _, made = owner.call("Identity/set", create={"i": {"name": SECRET, "email": owner.user.name}})
        assert made["notCreated"] is None, made
        identity = made["created"]["i"]["id"]
        _, made = owner.call("AddressBook/set", create={"b": {"name": SECRET}})
        book = made["created"]["b"]["id"]
        _, made = owner.call(
            "ContactCard/set",
            create={"c": {"addressBookIds": {book: True}, "uid": SECRET, "name": {"full": SECRET}}},
        )
        card = made["created"]["c"]["id"]
        _, found = owner.call("Email/get", ids=[email["id"]], properties=["attachments", "textBody"])
        [got] = found["list"]
        self.ids = {
            "Mailbox": mailbox,
            "Email": email["id"],
            "Thread": email["threadId"],
            "Identity": identity,
            "AddressBook": book,
            "ContactCard": card,
            "EmailSubmission": "s1",
            "VacationResponse": "singleton",
        }
        self.blobs = [blob, *(part["blobId"] for name in ("attachments", "textBody") for part in got[name])]
        owner.call("VacationResponse/set", update={"singleton": {"isEnabled": True, "textBody": SECRET}})


@pytest.fixture(scope="module")
def kept(friend: Person) -> Kept:
    return Kept(friend)


def _attempts(kept: Kept, account: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each method with ids of the other's account, as sent to an account."""
    type_of = {method: method.partition("/")[0] for method in METHODS}
    email, mailbox, blob = kept.ids["Email"], kept.ids["Mailbox"], kept.blobs[0]
    special: dict[str, dict[str, Any]] = {
        "Blob/copy": {"fromAccountId": kept.account, "blobIds": kept.blobs},
        "Email/copy": {
            "fromAccountId": kept.account,
            "create": {"c": {"id": email, "mailboxIds": {mailbox: True}}},
        },
        "Email/import": {
            "emails": {
                str(at): {"blobId": blob, "mailboxIds": {"m1": True}} for at, blob in enumerate(kept.blobs)
            }
        },
        "Email/parse": {"blobIds": kept.blobs, "fetchAllBodyValues": True},
        "ContactCard/copy": {
            "fromAccountId": kept.account,
            "create": {"c": {"id": kept.ids["ContactCard"], "addressBookIds": {"b1": True}}},
        },
        "ContactCard/parse": {"blobIds": kept.blobs},
        "ContactCard/query": {"filter": {"text": SECRET}},
        "SearchSnippet/get": {"emailIds": [email], "filter": {"text": SECRET}},
        "Email/query": {"filter": {"text": SECRET}},
        "Mailbox/query": {"filter": {"name": SECRET}},
    }
    for method, values in METHODS.items():
        if values is None:
            continue
        id = kept.ids.get(type_of[method], "x")
        verb = method.partition("/")[2]
        arguments = special.get(method, values)
        if verb == "get" and method not in special:
            arguments = {"ids": [id]}
        elif verb == "set":
            arguments = {"update": {id: {"name": "taken"}}, "destroy": [id]}
        yield method, {"accountId": account, **arguments}
    yield "Email/query", {"accountId": account, "filter": {"inMailbox": mailbox}}
    yield "Email/query", {"accountId": account, "anchor": email}
    draft = {"mailboxIds": {"m1": True}, "attachments": [{"blobId": blob, "type": "text/plain"}]}
    yield "Email/set", {"accountId": account, "create": {"c": draft}}
    yield "Email/set", {"accountId": account, "create": {"c": {"mailboxIds": {mailbox: True}}}}
    yield "Mailbox/set", {"accountId": account, "create": {"c": {"name": "x", "parentId": mailbox}}}
    book = {"addressBookIds": {kept.ids["AddressBook"]: True}}
    yield "ContactCard/set", {"accountId": account, "create": {"c": {**book, "uid": SECRET}}}
    yield "ContactCard/query", {"accountId": account, "filter": {"inAddressBook": kept.ids["AddressBook"]}}
    media = {"p": {"kind": "sound", "blobId": blob}}
    yield "ContactCard/set", {"accountId": account, "create": {"c": {**book, "media": media}}}
    yield "AddressBook/set", {"accountId": account, "onSuccessSetIsDefault": kept.ids["AddressBook"]}


def _state(owner: Person, kept: Kept) -> Any:
    return [owner.call(f"{type}/get", ids=[id])[1] for type, id in kept.ids.items()]


def test_the_list_of_methods_is_complete() -> None:
    assert set(Registry(CAPABILITIES).methods) == set(METHODS)


def test_the_account_of_another_is_as_if_it_were_not(demo: Person, friend: Person, kept: Kept) -> None:
    before = _state(friend, kept)
    for method, arguments in _attempts(kept, kept.account):
        [[name, error, _]] = demo.send([method, arguments, "0"]).json()["methodResponses"]
        nowhere = arguments | {"accountId": "nowhere"}
        unknown = demo.send([method, nowhere, "0"]).json()["methodResponses"][0][1]
        assert ("error", "accountNotFound") == (name, error["type"]), method
        assert unknown == error, method
    assert before == _state(friend, kept)


def test_ids_of_another_account_reach_nothing(demo: Person, friend: Person, kept: Kept, sign_in: Any) -> None:
    """Ids are numbers of their account, so the same one may be an object of one's own: its content tells."""
    before = _state(friend, kept)
    stranger: Person = sign_in()
    for method, arguments in _attempts(kept, stranger.account):
        response = stranger.send([method, arguments, "0"])
        assert 200 == response.status_code, method
        [[_, values, _]] = response.json()["methodResponses"]
        assert values.get("type") != "serverFail", method
        assert SECRET not in json.dumps(values), method
    assert before == _state(friend, kept)


def test_blobs_of_another_are_not_there_at_any_url(demo: Person, kept: Kept) -> None:
    for blob in kept.blobs:
        for account in (demo.account, kept.account, "nowhere"):
            response = demo.http.get(demo.url_of(blob, account=account))
            assert 404 == response.status_code
            assert SECRET not in response.text
    upload = demo.session["uploadUrl"].replace("{accountId}", kept.account)
    assert 404 == demo.http.post(upload, content=b"x").status_code


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "COPY", "PROPFIND"]
)
def test_no_method_of_http_opens_what_is_anothers(
    demo: Person, friend: Person, kept: Kept, method: str
) -> None:
    urls = [
        demo.session["uploadUrl"].replace("{accountId}", kept.account),
        *(demo.url_of(blob, account=kept.account) for blob in kept.blobs),
        *(demo.url_of(blob) for blob in kept.blobs),
    ]
    before = _state(friend, kept)
    for url in urls:
        for headers in ({}, {"X-HTTP-Method-Override": "GET"}, {"If-None-Match": "*"}, {"Range": "bytes=0-"}):
            response = demo.http.request(method, url, headers=headers)
            assert response.status_code in ((204,) if method == "OPTIONS" else (404, 405)), url
            assert SECRET not in response.text
            assert "etag" not in response.headers
    assert before == _state(friend, kept)


def test_a_reference_carries_nothing_over(demo: Person, kept: Kept) -> None:
    """A call that failed has no result to refer to."""
    responses = demo.send(
        ["Email/get", {"accountId": kept.account, "ids": [kept.ids["Email"]]}, "a"],
        ["Core/echo", {"#x": {"resultOf": "a", "name": "Email/get", "path": "/list"}}, "b"],
    ).json()["methodResponses"]
    assert ["accountNotFound", "invalidResultReference"] == [values["type"] for _, values, _ in responses]


def test_created_ids_of_another_give_no_access(demo: Person, kept: Kept) -> None:
    response = demo.send(
        ["Email/get", {"accountId": kept.account, "ids": ["#e"]}, "a"],
        ["Email/set", {"accountId": kept.account, "destroy": ["#e"]}, "b"],
        createdIds={"e": kept.ids["Email"]},
    ).json()["methodResponses"]
    assert {"error"} == {name for name, _, _ in response}


def test_the_owner_finds_what_he_keeps(friend: Person, kept: Kept) -> None:
    """The other side of these tests: what was looked for was there."""
    _, found = friend.call("Email/query", filter={"text": SECRET})
    assert [kept.ids["Email"]] == found["ids"]
    assert all(200 == friend.http.get(friend.url_of(blob)).status_code for blob in kept.blobs)
