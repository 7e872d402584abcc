"""Does what users of jmapc do. Each line in is {do, with}, each line out {gives} or {fails}.

It runs in jmapc's own environment and is imported by nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jmapc
from jmapc import methods


def main() -> None:
    host, user, password = sys.argv[1:]
    # An event id that no server knows: the first event comes at once, and then the others in their turn.
    login = {"host": host, "user": user, "password": password, "last_event_id": "-"}
    does = Deeds(jmapc.Client.create_with_password(**login))
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"gives": getattr(does, asked["do"])(**asked["with"])}
        except Exception as error:  # whatever fails in the client is for the test to see
            answer = {"fails": {"type": f"{type(error).__name__}: {error}"}}
        print(json.dumps(answer), flush=True)


class Deeds:
    def __init__(self, client: jmapc.Client) -> None:
        self.client = client

    def session(self) -> Any:
        session = self.client.jmap_session
        return {
            "username": session.username,
            "state": session.state,
            "accountId": self.client.account_id,
            "capabilities": sorted(session.capabilities.urns),
            "maxObjectsInGet": session.capabilities.core.max_objects_in_get,
        }

    def mailboxes(self) -> Any:
        before = self.client.jmap_session
        found = self._one(methods.MailboxGet(ids=None))
        same = self.client.jmap_session is before  # it is thrown away when the state differs
        return {"list": [one.to_dict() for one in found.data], "keptSession": same}

    def mailbox_with_role(self, role: str) -> Any:
        condition = jmapc.MailboxQueryFilterCondition(role=role)
        return self._one(methods.MailboxQuery(filter=condition)).ids

    def add_mailbox(self, name: str, parent_id: str) -> Any:
        mailbox = jmapc.Mailbox(name=name, parent_id=parent_id, is_subscribed=True)
        answer = self._one(methods.MailboxSet(create={"new": mailbox}))
        return {"created": _plain(answer.created), "notCreated": answer.not_created}

    def remove_mailbox(self, id: str) -> Any:
        answer = self._one(methods.MailboxSet(destroy=[id], on_destroy_remove_emails=True))
        return answer.destroyed

    def search(self, text: str) -> Any:
        condition = jmapc.EmailQueryFilterCondition(text=text)
        newest = [jmapc.Comparator(property="receivedAt", is_ascending=False)]
        answers = self.client.request(
            [
                methods.EmailQuery(
                    filter=condition, sort=newest, collapse_threads=True, calculate_total=True, limit=10
                ),
                methods.EmailGet(
                    ids=jmapc.Ref("/ids"),
                    properties=["threadId", "subject", "from", "keywords", "preview", "receivedAt"],
                ),
                methods.ThreadGet(ids=jmapc.Ref("/list/*/threadId")),
                methods.SearchSnippetGet(ids=jmapc.Ref("/ids", 0), filter=condition),
            ],
            raise_errors=True,
        )
        found, emails, threads, snippets = (answer.response for answer in answers)
        return {
            "ids": found.ids,
            "total": found.total,
            "emails": [one.to_dict() for one in emails.data],
            "threads": [one.to_dict() for one in threads.data],
            "snippets": [one.to_dict() for one in snippets.data],
        }

    def read(self, id: str) -> Any:
        answer = self._one(
            methods.EmailGet(
                ids=[id],
                properties=["subject", "to", "textBody", "htmlBody", "attachments", "bodyValues", "keywords"],
                fetch_all_body_values=True,
            )
        )
        return answer.data[0].to_dict()

    def page(self, mailbox_id: str) -> Any:
        condition = jmapc.EmailQueryFilterCondition(in_mailbox=mailbox_id)
        query = self._one(methods.EmailQuery(filter=condition))
        state = self._one(methods.EmailGet(ids=[])).state
        return {"ids": query.ids, "queryState": query.query_state, "state": state}

    def changes_since(self, mailbox_id: str, state: str, query_state: str) -> Any:
        condition = jmapc.EmailQueryFilterCondition(in_mailbox=mailbox_id)
        changes = self._one(methods.EmailChanges(since_state=state))
        query = self._one(methods.EmailQueryChanges(filter=condition, since_query_state=query_state))
        return {"changes": changes.to_dict(), "query": query.to_dict()}

    def update(self, id: str, patch: dict[str, Any]) -> Any:
        answer = self._one(methods.EmailSet(update={id: patch}))
        refused = {key: error.type for key, error in (answer.not_updated or {}).items()}
        return {"updated": list(answer.updated or ()), "notUpdated": refused}

    def destroy(self, id: str) -> Any:
        return self._one(methods.EmailSet(destroy=[id])).destroyed

    def draft(
        self, mailbox_id: str, sender: str, to: str, subject: str, text: str, html: str, file: dict[str, str]
    ) -> Any:
        with TemporaryDirectory() as folder:
            path = Path(folder) / file["name"]
            path.write_text(file["text"])
            blob = self.client.upload_blob(path)
        email = jmapc.Email(
            mailbox_ids={mailbox_id: True},
            keywords={"$draft": True, "$seen": True},
            mail_from=[jmapc.EmailAddress(name="Démo", email=sender)],
            to=[jmapc.EmailAddress(email=to)],
            subject=subject,
            text_body=[jmapc.EmailBodyPart(part_id="text", type="text/plain")],
            html_body=[jmapc.EmailBodyPart(part_id="html", type="text/html")],
            body_values={
                "text": jmapc.EmailBodyValue(value=text),
                "html": jmapc.EmailBodyValue(value=html),
            },
            attachments=[
                jmapc.EmailBodyPart(
                    blob_id=blob.id, type=blob.type, name=file["name"], disposition="attachment"
                )
            ],
        )
        answer = self._one(methods.EmailSet(create={"draft": email}))
        return {"blob": blob.to_dict(), "created": _plain(answer.created), "notCreated": answer.not_created}

    def download_attachments(self, id: str) -> Any:
        email = self._one(methods.EmailGet(ids=[id], properties=["attachments"])).data[0]
        with TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            contents = {}
            for attachment in email.attachments:
                self.client.download_attachment(attachment, path)
                contents[attachment.name] = path.read_text()
            return contents

    def identities(self) -> Any:
        return [one.to_dict() for one in self._one(methods.IdentityGet()).data]

    def sign(self, id: str, signature: str) -> Any:
        return list(self._one(methods.IdentitySet(update={id: {"textSignature": signature}})).updated)

    def custom(self, name: str, using: list[str], arguments: dict[str, Any]) -> Any:
        """What jmapc has no class for, as its documentation shows."""
        method = methods.CustomMethod(data=arguments | {"accountId": self.client.account_id})
        method.jmap_method = name
        method.using = set(using)
        return self._one(method).data

    def next_event(self) -> Any:
        event = next(self.client.events)
        changed = {account: state.to_dict() for account, state in event.data.changed.items()}
        return {"id": event.id, "changed": changed}

    def echo(self, data: dict[str, Any]) -> Any:
        return self._one(methods.CoreEcho(data=data)).data

    def _one(self, method: Any) -> Any:
        return self.client.request(method, raise_errors=True, single_response=True)


def _plain(created: Any) -> Any:
    return {key: value.to_dict() for key, value in (created or {}).items()}


if __name__ == "__main__":
    main()
