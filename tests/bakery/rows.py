"""The rows of the embedded store, as they stand and as they follow from the objects."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeAlias

from bakery import cake, naive, order, shelf
from posthouse.kit import clock
from posthouse.store.txn import Transaction

Rows: TypeAlias = dict[str, Any]


def recounted(txn: Transaction) -> tuple[Rows, Rows]:
    """Give what is stored beside the objects, and what it should be; gone objects are left out."""
    database = txn._database
    cakes = {values["id"]: values for values in txn.values(cake).values()}
    stored: Rows = {}
    right: Rows = {}
    for name, table in (("shelfIds", "member_cake_shelfids"), ("tags", "member_cake_tags")):
        stored[table] = sorted(
            database.all(f"SELECT value, ord, id, grp FROM {table} WHERE account = 1"), key=str
        )
        rows = [
            (
                naive.number(member) if name == "shelfIds" else member,
                -(clock.parse_utc_date(one["bakedAt"]) or 0),
                naive.number(one["id"]),
                naive.number(one["orderId"]),
            )
            for one in cakes.values()
            for member in one[name]
        ]
        right[table] = sorted(rows, key=str)
    stored["membership"] = sorted(
        database.all("SELECT container, id FROM membership WHERE account = 1 AND gone = 0")
    )
    right["membership"] = sorted((row[0], row[2]) for row in right["member_cake_shelfids"])
    stored["tally_group"] = {
        (group, container, word): n
        for group, container, word, n in database.all("SELECT grp, container, word, n FROM tally_group")
    }
    counts: Counter[tuple[int, int, str]] = Counter()
    for one in cakes.values():
        words = {"", *("!" + tag if tag.startswith("!") else tag for tag in one["tags"])}
        words |= set() if "eaten" in one["tags"] else {"!left"}
        for container in [0, *map(naive.number, one["shelfIds"])]:
            counts.update((naive.number(one["orderId"]), container, word) for word in words)
    right["tally_group"] = dict(counts)
    codes = dict(database.all("SELECT name, code FROM kind"))  # type: ignore[arg-type]
    for type in (shelf, order, cake):
        rows = database.all(
            "SELECT id, grp, made, changed, main, gone FROM stamp WHERE type = ?",
            (codes[type.name],),  # type: ignore[index]
        )
        stored[f"stamped {type.name}"] = sorted((row[0], row[1]) for row in rows if not row[5])
        values = txn.values(type)
        right[f"stamped {type.name}"] = sorted(
            (id, naive.number(one["orderId"]) if type is cake else None) for id, one in values.items()
        )
        assert all(
            made <= main <= changed and gone in (0, changed) for _, _, made, changed, main, gone in rows
        )  # type: ignore[operator]
    numbers = [row[0] for row in database.all("SELECT changed FROM stamp")]
    stored["numbers"], right["numbers"] = len(numbers), len(set(numbers))
    searchable = {row[0] for row in database.all("SELECT rowid FROM search_cake")}
    stored["searched"] = searchable
    right["searched"] = {1 << 32 | naive.number(id) for id in cakes}
    return stored, right
