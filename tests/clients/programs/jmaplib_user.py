"""Does what users of jmaplib do with contacts. Each line in is {do, with}, each line out {gives} or {fails}.

It runs in an environment of its own and is imported by nothing.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from typing import Any

from jmap.auth import BasicAuth
from jmap.client import JMAPClient
from jmap.core.errors import JMAPError


def main() -> None:
    url, user, password = sys.argv[1:]
    with JMAPClient.connect(url, auth=BasicAuth(user, password)) as client:
        does = Deeds(client)
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                answer = {"gives": getattr(does, asked["do"])(**asked["with"])}
            except JMAPError as error:
                answer = {"fails": {"type": f"{type(error).__name__}: {error}"}}
            print(json.dumps(answer), flush=True)


class Deeds:
    def __init__(self, client: JMAPClient) -> None:
        self.client = client

    def supported(self, methods: list[str]) -> Any:
        return [name for name in methods if self.client.capabilities.supports(name)]

    def books(self) -> Any:
        with self.client.batch() as batch:
            found = batch.contacts.address_book.get(ids=None)
        return [one.to_wire() for one in found.result.items]

    def set_books(self, **arguments: Any) -> Any:
        default = arguments.pop("default", None)
        more = {} if default is None else {"onSuccessSetIsDefault": default}
        with self.client.batch() as batch:
            done = batch.contacts.address_book.set(**arguments, **more)
        return _told(done.result)

    def set_cards(self, **arguments: Any) -> Any:
        with self.client.batch() as batch:
            done = batch.contacts.contact_card.set(**arguments)
        return _told(done.result)

    def search(self, filter: Any, sort: Any, properties: list[str]) -> Any:
        with self.client.batch() as batch:
            found = batch.contacts.contact_card.query(
                filter=filter, sort=sort, limit=10, calculate_total=True
            )
            cards = batch.contacts.contact_card.get(ids=found.ref_ids(), properties=properties)
        return {
            "total": found.result.total,
            "state": cards.result.state,
            "queryState": found.result.query_state,
            "cards": [one.to_wire() for one in cards.result.items],
            "names": [one.name and one.name.full for one in cards.result.items],
            "photos": [list(one.photos()) for one in cards.result.items],
        }

    def news(self, state: str, filter: Any, query_state: str) -> Any:
        with self.client.batch() as batch:
            changes = batch.contacts.contact_card.changes(since_state=state)
            updated = batch.contacts.contact_card.get(ids=changes.ref_updated())
            query = batch.contacts.contact_card.query_changes(since_query_state=query_state, filter=filter)
        return {
            "created": changes.result.created,
            "updated": [one.to_wire() for one in updated.result.items],
            "destroyed": changes.result.destroyed,
            "removed": query.result.removed,
            "added": [one.id for one in query.result.added],
        }

    def upload(self, account: str, base64: str, type: str) -> Any:
        return self.client.upload(b64decode(base64), content_type=type, account_id=account).blob_id


def _told(result: Any) -> Any:
    return {
        "created": {key: one.to_wire() for key, one in result.created.items()},
        "updated": [*result.updated],
        "destroyed": result.destroyed,
        "refused": {**result.not_created, **result.not_updated, **result.not_destroyed},
    }


if __name__ == "__main__":
    main()
