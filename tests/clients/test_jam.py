"""jmap-jam from npm does what its users do; what came of it is asked by raw JMAP."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from clients.peer import Peer, PeerFailed
from posthouse.testing import Server
from posthouse.testing.client import Jmap

pytestmark = pytest.mark.peer("jmap-jam")

MAILBOX_RIGHTS = {
    *("mayReadItems", "mayAddItems", "mayRemoveItems", "maySetSeen", "maySetKeywords"),
    *("mayCreateChild", "mayRename", "mayDelete", "maySubmit"),
}
MESSAGE = (
    b"From: ann@example.org\r\nTo: demo@example.org\r\nSubject: Brought by jam\r\n"
    b"Message-ID: <jam-1@example.org>\r\n\r\nStrawberries and zymurgy.\r\n"
)


@pytest.fixture
def raw(plain_server: Server) -> Iterator[Jmap]:
    with closing(plain_server.client()) as client:
        yield client


@pytest.fixture
def roles(raw: Jmap) -> dict[str, str]:
    return {one["role"]: one["id"] for one in raw.ask("Mailbox/get")["list"] if one["role"]}


def _email(raw: Jmap, id: str, *properties: str) -> Any:
    return raw.ask("Email/get", ids=[id], properties=list(properties))["list"][0]


def _imported(jam: Peer, raw: Jmap, mailbox: str, subject: str = "Brought by jam") -> str:
    data = MESSAGE.replace(b"Brought by jam", subject.encode())
    answer = jam.do(
        "importMessage", accountId=raw.account, mailboxId=mailbox, base64=b64encode(data).decode()
    )
    assert answer["notCreated"] is None
    return str(answer["created"]["one"]["id"])


def test_it_reads_the_session(jam: Peer, raw: Jmap) -> None:
    session = jam.do("session")
    assert raw.session["username"] == session["username"]
    assert raw.session["state"] == session["state"]
    assert raw.account == session["accountId"]
    assert sorted(raw.session["capabilities"]) == sorted(session["capabilities"])


def test_it_lists_the_mailboxes(jam: Peer, raw: Jmap) -> None:
    found = jam.do("mailboxes", accountId=raw.account)
    # It uses no capability of sharing, so it is told nothing of that.
    of_sharing = ("shareWith", "myRights")
    listed = [
        [{name: one[name] for name in one if name not in of_sharing} for one in mailboxes]
        for mailboxes in (raw.ask("Mailbox/get")["list"], found["list"])
    ]
    assert listed[0] == listed[1]
    assert all(one["myRights"].keys() == MAILBOX_RIGHTS for one in found["list"])
    assert raw.session["state"] == found["sessionState"]


def test_it_searches_with_back_references(jam: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    id = _imported(jam, raw, roles["inbox"], subject="About zymurgy")
    found = jam.do("search", accountId=raw.account, filter={"text": "zymurgy", "subject": "about"})
    assert [id] == found["ids"]
    assert 1 == found["total"]
    [email] = found["emails"]
    assert _email(raw, id, *email) == email
    assert [{"id": email["threadId"], "emailIds": [id]}] == found["threads"]
    [snippet] = found["snippets"]
    assert "<mark>About</mark> <mark>zymurgy</mark>" == snippet["subject"]
    assert "<mark>zymurgy</mark>" in snippet["preview"]


def test_it_sets_keywords_and_moves(jam: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    id = _imported(jam, raw, roles["inbox"], subject="To be moved")
    patch = {"keywords/$flagged": True, "keywords/$seen": None}
    assert {id: None} == jam.do("update", accountId=raw.account, id=id, patch=patch)["updated"]
    assert {"$flagged": True} == _email(raw, id, "keywords")["keywords"]
    move = {f"mailboxIds/{roles['inbox']}": None, f"mailboxIds/{roles['archive']}": True}
    assert {id: None} == jam.do("update", accountId=raw.account, id=id, patch=move)["updated"]
    assert {roles["archive"]: True} == _email(raw, id, "mailboxIds")["mailboxIds"]


def test_it_follows_changes(jam: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    filter = {"inMailbox": roles["junk"]}
    stays = _imported(jam, raw, roles["junk"], subject="Stays")
    goes = _imported(jam, raw, roles["junk"], subject="Goes")
    old = jam.do("page", accountId=raw.account, filter=filter)
    assert old["canCalculateChanges"]
    comes = _imported(jam, raw, roles["junk"], subject="Comes")
    assert [goes] == jam.do("destroy", accountId=raw.account, id=goes)["destroyed"]
    jam.do("update", accountId=raw.account, id=stays, patch={"keywords/$flagged": True})

    news = jam.do(
        "changesSince",
        accountId=raw.account,
        filter=filter,
        state=old["state"],
        queryState=old["queryState"],
    )
    kinds = ("created", "updated", "destroyed")
    assert [[comes], [stays], [goes]] == [news["changes"][kind] for kind in kinds]
    kept = [id for id in old["ids"] if id not in news["query"]["removed"]]
    for item in news["query"]["added"]:
        kept.insert(item["index"], item["id"])
    assert raw.ask("Email/query", filter=filter)["ids"] == kept
    assert not raw.ask("Email/get", ids=[goes])["list"]


def test_it_writes_a_draft_with_an_attachment(jam: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    answer = jam.do(
        "draft",
        accountId=raw.account,
        mailboxId=roles["drafts"],
        **{"from": {"name": "Démo", "email": "demo@example.org"}},
        to={"name": "友達", "email": "friend@example.org"},
        subject="Grüße — 你好",
        text="Grüße\n",
        html="<p>Grüße</p>",
        file={"name": "ein Bild.png", "type": "image/png", "base64": b64encode(picture).decode()},
    )
    assert answer["notCreated"] is None
    assert len(picture) == answer["blob"]["size"]
    id = answer["created"]["draft"]["id"]
    [email] = raw.ask(
        "Email/get",
        ids=[id],
        properties=["subject", "from", "to", "keywords", "textBody", "htmlBody", "attachments", "bodyValues"],
        fetchAllBodyValues=True,
    )["list"]
    assert "Grüße — 你好" == email["subject"]
    assert [{"name": "Démo", "email": "demo@example.org"}] == email["from"]
    assert [{"name": "友達", "email": "friend@example.org"}] == email["to"]
    assert {"$draft": True, "$seen": True} == email["keywords"]
    assert "Grüße\n" == email["bodyValues"][email["textBody"][0]["partId"]]["value"]
    assert "<p>Grüße</p>" == email["bodyValues"][email["htmlBody"][0]["partId"]]["value"]
    [attached] = email["attachments"]
    assert "ein Bild.png" == attached["name"]
    assert picture == raw.download(attached["blobId"])


def test_it_downloads_what_it_imported(jam: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    id = _imported(jam, raw, roles["inbox"])
    email = _email(raw, id, "blobId", "keywords", "mailboxIds")
    assert {"$seen": True} == email["keywords"]
    assert {roles["inbox"]: True} == email["mailboxIds"]
    got = jam.do(
        "download",
        accountId=raw.account,
        blobId=email["blobId"],
        mimeType="message/rfc822",
        fileName="ein Brief ü.eml",
    )
    assert MESSAGE == b64decode(got["base64"]) == raw.download(email["blobId"])
    assert "message/rfc822" == got["type"]


def test_it_reads_and_renames_the_identity(jam: Peer, raw: Jmap) -> None:
    [identity] = jam.do("identities", accountId=raw.account)
    assert "demo@example.org" == identity["email"]
    renamed = jam.do("renameIdentity", accountId=raw.account, id=identity["id"], name="Démo")
    assert {identity["id"]: None} == renamed
    assert "Démo" == raw.ask("Identity/get")["list"][0]["name"]


def test_it_goes_on_vacation(jam: Peer, raw: Jmap) -> None:
    jam.do("goOnVacation", accountId=raw.account, subject="Away", textBody="Till Monday.")
    [response] = raw.ask("VacationResponse/get")["list"]
    assert response["isEnabled"]
    assert ("Away", "Till Monday.") == (response["subject"], response["textBody"])


def test_it_keeps_contacts(jam: Peer, raw: Jmap) -> None:
    [book] = jam.do("addressBooks", accountId=raw.account)
    assert raw.ask("AddressBook/get")["list"] == [book]
    card = {
        "addressBookIds": {book["id"]: True},
        "name": {"full": "Zoë Quill"},
        "emails": {"e": {"address": "zoe@quill.example"}},
    }
    made = jam.do("setCards", accountId=raw.account, create={"one": card, "bad": card | {"uid": 5}})
    assert ["uid"] == made["notCreated"]["bad"]["properties"]
    id = made["created"]["one"]["id"]
    shown = {name: card[name] for name in ("name", "emails")}
    for typed in ("q", "zoe@qu"):
        found = jam.do("complete", accountId=raw.account, typed=typed)
        assert ([id], [{"id": id, **shown}]) == (found["ids"], found["cards"])
    done = jam.do("setCards", accountId=raw.account, update={id: {"name/full": "Zoë Q."}})
    assert [id] == list(done["updated"])
    assert "Zoë Q." == raw.ask("ContactCard/get", ids=[id])["list"][0]["name"]["full"]
    assert [id] == jam.do("setCards", accountId=raw.account, destroy=[id])["destroyed"]


def test_it_sees_errors_as_errors(jam: Peer, raw: Jmap) -> None:
    assert "notFound" == jam.do("unknownMailbox", accountId=raw.account)["nowhere"]["type"]
    with pytest.raises(PeerFailed) as failed:
        jam.do("wrongAccount")
    assert ["accountNotFound"] == [error["type"] for error in _listed(failed.value.error)]


def _listed(error: Any) -> list[Any]:
    return error if isinstance(error, list) else [error]
