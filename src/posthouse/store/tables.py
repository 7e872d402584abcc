"""Tables: what a shard file holds, derived from the declared types; the account comes first in every key.

account       seq, next, levels   the number that the newest change drew; the next free id; as JSON, for each
                                  type the number of its newest change and the oldest state that can be told
stamp         type, id -> made, changed, main, gone, grp        one row for each object, also gone ones
membership    type, container, id -> made, gone                 when an item came into and left a container
obj_TYPE      key -> columns, counters, fixed, live             key = account << 32 | id
rare_TYPE     key -> rare
member_TYPE_PROPERTY  value, ord, id, grp                       the members of a set, in answer order
search_TYPE   words by column, rowid = key
text_TYPE     key -> the same words, for types whose text follows their values: see `derived`
tally         type, container, word -> items, grps              kept counts (container 0: the account)
tally_group   type, grp, container, word -> n
overlay       type, person, id, name -> value, changed          what each person has of his own
granted       principal, type, id -> bits, made, told, by, at, name   who may do what with a container: see `grants`
heard         type, container -> high, arrived                  the newest change in a shared one: see `heard`
lookup        space, key, id                                    small lookups of a type's own
blobref       digest, type, id                                  which object keeps which bytes
upload        digest, person -> until                           what is not yet kept by anything
note          name -> value
job           id -> kind, about, due, lease, tries, payload     work that waits: see `jobs`
shape         type -> shape                                     the form of a type's rows: see `shape`
"""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.model.property import Part
from posthouse.store import grants, heard, jobs, shape
from posthouse.store.layout import Layout
from posthouse.store.sqlite import Database
from posthouse.store.words import TOKENIZER

VERSION = 5
"""The schema that this code writes."""
READABLE_BY = 5
"""The oldest code version that may still open what this code writes."""
OLDEST = 3
"""The oldest schema that this code can read."""

_COMMON = """
CREATE TABLE IF NOT EXISTS kind(code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS account(
    account INTEGER PRIMARY KEY, seq INTEGER NOT NULL, next INTEGER NOT NULL, levels BLOB NOT NULL,
    shared BLOB);
CREATE TABLE IF NOT EXISTS stamp(
    account INTEGER NOT NULL, type INTEGER NOT NULL, id INTEGER NOT NULL,
    made INTEGER NOT NULL, changed INTEGER NOT NULL, main INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0, grp INTEGER,
    PRIMARY KEY (account, type, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS stamp_changed ON stamp(account, type, changed);
CREATE INDEX IF NOT EXISTS stamp_made ON stamp(account, type, made);
CREATE INDEX IF NOT EXISTS stamp_grp ON stamp(account, type, grp) WHERE grp IS NOT NULL;
CREATE TABLE IF NOT EXISTS membership(
    account INTEGER NOT NULL, type INTEGER NOT NULL, container INTEGER NOT NULL, id INTEGER NOT NULL,
    made INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, type, container, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally(
    account INTEGER NOT NULL, type INTEGER NOT NULL, container INTEGER NOT NULL, word TEXT NOT NULL,
    items INTEGER NOT NULL, grps INTEGER NOT NULL,
    PRIMARY KEY (account, type, container, word)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally_group(
    account INTEGER NOT NULL, type INTEGER NOT NULL, grp INTEGER NOT NULL, container INTEGER NOT NULL,
    word TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (account, type, grp, container, word)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS overlay(
    account INTEGER NOT NULL, type INTEGER NOT NULL, person INTEGER NOT NULL, id INTEGER NOT NULL,
    name TEXT NOT NULL, value BLOB NOT NULL, changed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, type, person, id, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lookup(
    account INTEGER NOT NULL, space TEXT NOT NULL, key INTEGER NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (account, space, key, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lookup_id ON lookup(account, space, id);
CREATE TABLE IF NOT EXISTS blobref(
    account INTEGER NOT NULL, digest BLOB NOT NULL, type INTEGER NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (account, digest, type, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blobref_holder ON blobref(account, type, id);
CREATE TABLE IF NOT EXISTS upload(
    account INTEGER NOT NULL, digest BLOB NOT NULL, person INTEGER NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (account, digest, person)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note(
    account INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (account, name)) WITHOUT ROWID;
"""


class WrongSchema(Exception):
    """The file was written by another version that this one can't work with; its message says what to do."""


def check(database: Database) -> bool:
    """Say whether a shard file has its tables yet.

    Raises WrongSchema for a file that only a newer version may open, and for one from before the first release.
    """
    if database.one("SELECT 1 FROM sqlite_master WHERE name = 'schema'") is None:
        return False
    found = database.one("SELECT version, readable_by FROM schema")
    if found is None:
        return False
    version, readable_by = found
    assert isinstance(version, int) and isinstance(readable_by, int)
    if readable_by > VERSION:
        raise WrongSchema(
            f"the data was written by a newer version (schema {version}): "
            "install that version or restore a backup"
        )
    if version < OLDEST:
        raise WrongSchema(
            f"the data was written by a development version before the first release (schema {version}): "
            "export it with that version and import it into a new data folder"
        )
    return True


def create(database: Database, layouts: Sequence[Layout]) -> None:
    """Bring a shard file to this version's tables, and add those of types that are new.

    Raises as `check`, and WrongSchema where objects lie in another form than their type is declared in now.
    """
    if check(database):
        _bring_up(database)
    else:
        database.run(
            "CREATE TABLE IF NOT EXISTS schema(version INTEGER NOT NULL, readable_by INTEGER NOT NULL)"
        )
        database.run("INSERT INTO schema VALUES (?, ?)", (VERSION, READABLE_BY))
    for statement in (_COMMON + grants.TABLES + heard.TABLES + jobs.TABLES).split(";\n"):
        if statement.strip():
            database.run(statement)
    database.run(shape.TABLE)
    noted = shape.noted(database)
    for name in (jobs.HOLDER, *[layout.type.name for layout in layouts]):
        database.run("INSERT INTO kind(name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    for layout in layouts:
        if noted.get(layout.type.name, shape.of(layout)) != shape.of(layout):
            raise WrongSchema(
                f"{layout.type.name} is declared otherwise than where the data is in use: "
                "end every posthouse process on it and start again"
            )
        for statement in statements(layout):
            database.run(statement)
        if layout.type.name not in noted:
            shape.note(database, layout)


def _bring_up(database: Database) -> None:
    """Bring the common tables of a file to this version."""
    found = database.one("SELECT version FROM schema")
    if found == (3,):
        database.run("ALTER TABLE account ADD COLUMN shared BLOB")
        database.run("ALTER TABLE overlay ADD COLUMN changed INTEGER NOT NULL DEFAULT 0")
    if found in ((3,), (4,)):
        database.run("UPDATE schema SET version = ?, readable_by = ?", (VERSION, READABLE_BY))


def codes(database: Database) -> dict[str, int]:
    """Give the number of each type in this file, by its name; also of types that nobody declares now."""
    return dict(database.all("SELECT name, code FROM kind"))  # type: ignore[arg-type]


def statements(layout: Layout) -> list[str]:
    """Give the statements that make the tables and indexes of a type where they are not there."""
    name = layout.name
    columns = "".join(f'"c_{prop.name}", ' for prop in layout.columns)
    columns += "".join(f'"n_{counter}" INTEGER NOT NULL DEFAULT 0, ' for counter in layout.counters)
    statements = [
        f"CREATE TABLE IF NOT EXISTS obj_{name}("
        f"key INTEGER PRIMARY KEY, account INTEGER NOT NULL, {columns}fixed BLOB, live BLOB)",
    ]
    for first, ordering in layout.orders.items():
        statements.append(
            f"CREATE INDEX IF NOT EXISTS {layout.index_of(first)} ON obj_{name}"
            f"(account, {_quoted([f'c_{column}' for column in ordering])})"
        )
    if layout.members[Part.RARE]:
        statements.append(
            f"CREATE TABLE IF NOT EXISTS rare_{name}("
            "key INTEGER PRIMARY KEY, account INTEGER NOT NULL, rare BLOB NOT NULL)"
        )
    for prop in layout.member_sets:
        statements.append(
            f"CREATE TABLE IF NOT EXISTS member_{name}_{prop.name.lower()}("
            "account INTEGER NOT NULL, value NOT NULL, ord INTEGER NOT NULL, id INTEGER NOT NULL, grp INTEGER, "
            "PRIMARY KEY (account, value, ord, id DESC)) WITHOUT ROWID"
        )
    if layout.type.search:
        # Short texts are searched while somebody types, and the first letters are those of many words.
        prefixes = ", prefix='1 2 3'" if layout.keeps_text else ""
        statements.append(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS search_{name} USING fts5("
            f"{_quoted(layout.type.search)}, content='', contentless_delete=1, tokenize=\"{TOKENIZER}\"{prefixes})"
        )
    if layout.keeps_text:
        statements.append(
            f"CREATE TABLE IF NOT EXISTS text_{name}(key INTEGER PRIMARY KEY, {_quoted(layout.type.search)})"
        )
    return statements


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
