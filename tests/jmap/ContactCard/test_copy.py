"""ContactCard/copy (RFC 9610 §3.6, RFC 8620 §5.4)."""

from __future__ import annotations

from posthouse.kit.json import Json, JsonObject
from rolodex.rolodex import PNG, Rolodex, named

VENDOR = {"example.com:x": {"a": 1}}


def copy(rolodex: Rolodex, create: JsonObject, **more: Json) -> JsonObject:
    return rolodex.ask("ContactCard/copy", accountId="a2", fromAccountId="a1", create=create, **more)


def book_of(rolodex: Rolodex) -> str:
    [book] = rolodex.ask("AddressBook/get", accountId="a2")["list"]
    return str(book["id"])


def test_a_copy_has_all_of_its_original_and_its_pictures(rolodex: Rolodex) -> None:
    media = {"p": {"kind": "photo", "blobId": rolodex.upload(PNG)}}
    id = rolodex.card(uid="u", media=media, **named("Ann"), **VENDOR)
    book = {book_of(rolodex): True}
    made = copy(rolodex, {"k": {"id": id, "addressBookIds": book, "kind": "org"}})["created"]["k"]
    original = rolodex.one("ContactCard", id)
    [found] = rolodex.ask("ContactCard/get", accountId="a2", ids=[made["id"]])["list"]
    assert original | {"id": made["id"], "addressBookIds": book, "kind": "org"} == found
    [row] = rolodex.read(lambda txn: txn._database.all("SELECT count(*) FROM blobref WHERE account = 2"))
    assert (1,) == tuple(row)


def test_a_copy_says_where_it_goes(rolodex: Rolodex) -> None:
    error = copy(rolodex, {"k": {"id": rolodex.card()}})["notCreated"]["k"]
    assert ("invalidProperties", ["addressBookIds"]) == (error["type"], error["properties"])


def test_a_copy_of_what_is_there_already_is_refused(rolodex: Rolodex) -> None:
    """alreadyExists: an "existingId" property of type Id MUST be included (RFC 8620 §5.4)."""
    id = rolodex.card(uid="u")
    create = {"k": {"id": id, "addressBookIds": {book_of(rolodex): True}}}
    first = copy(rolodex, create)["created"]["k"]["id"]
    error = copy(rolodex, create)["notCreated"]["k"]
    assert ("alreadyExists", first) == (error["type"], error["existingId"])


def test_a_blob_that_the_original_has_not_must_be_open_to_the_caller(rolodex: Rolodex) -> None:
    id = rolodex.card()
    blob = rolodex.upload(PNG)  # in the other account
    media = {"p": {"kind": "photo", "blobId": blob}}
    error = copy(rolodex, {"k": {"id": id, "addressBookIds": {book_of(rolodex): True}, "media": media}})
    assert ["media/p/blobId"] == error["notCreated"]["k"]["properties"]


def test_the_original_goes_if_asked_to(rolodex: Rolodex) -> None:
    id = rolodex.card()
    create = {"k": {"id": id, "addressBookIds": {book_of(rolodex): True}}}
    call = {
        "accountId": "a2", "fromAccountId": "a1", "create": create, "onSuccessDestroyOriginal": True
    }  # fmt: skip
    responses = rolodex.responses(("ContactCard/copy", call))
    assert ["ContactCard/copy", "ContactCard/set"] == [name for name, _, _ in responses]
    assert [id] == responses[1][1]["destroyed"]
