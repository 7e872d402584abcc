"""Rolodex: an engine over the contact types in this process, with an account as a new user finds it."""

from __future__ import annotations

from pathlib import Path

from bakery.kitchen import HOME, OTHER, Kitchen, OpenStore
from posthouse.capabilities.contacts import CONTACTS, CONTACTS_PARSE, birth
from posthouse.kit.json import Json, JsonObject
from posthouse.kit.limits import Limits

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Rolodex(Kitchen):
    """An account ``a1`` with the AddressBook it was born with."""

    def __init__(self, open_store: OpenStore, folder: Path, *, limits: Limits | None = None) -> None:
        super().__init__(open_store, folder, CONTACTS, CONTACTS_PARSE, limits=limits)
        for place in (HOME, OTHER):
            self.write(birth.defaults, place)
        [self.default] = [found["id"] for found in self.ask("AddressBook/get")["list"]]

    def book(self, name: str = "Work", **values: Json) -> str:
        """Make an AddressBook and give its id."""
        made: str = self._create("AddressBook", [{"name": name} | values])[0]["id"]
        return made

    def cards(self, *many: JsonObject) -> list[str]:
        """Make cards, in the default AddressBook unless told otherwise, and give their ids."""
        plain = {"addressBookIds": {self.default: True}}
        return [made["id"] for made in self._create("ContactCard", [plain | one for one in many])]

    def card(self, **values: Json) -> str:
        """Make one card and give its id."""
        return self.cards(values)[0]

    def full(self, **values: Json) -> JsonObject:
        """Give a card as a client would create it, in the default AddressBook."""
        return {"addressBookIds": {self.default: True}} | values

    def update(self, id: str, **patch: Json) -> Json:
        """Change one card and give what the answer tells of it."""
        return self.patch(id, patch)

    def patch(self, id: str, patch: JsonObject) -> Json:
        """Apply a patch to one card and give what the answer tells of it."""
        answered = self.ask("ContactCard/set", update={id: patch})
        assert answered["notUpdated"] is None, answered["notUpdated"]
        return answered["updated"][id]

    def matching(self, **condition: Json) -> list[str]:
        """Give the ids of the cards that fulfil a condition, ascending."""
        return sorted(self.found("ContactCard", filter=condition))


def named(given: str, surname: str = "", **more: Json) -> JsonObject:
    """Write the ``name`` of a card."""
    parts = [("given", given), ("surname", surname), *more.items()]
    return {"name": {"components": [{"kind": kind, "value": value} for kind, value in parts if value]}}
