"""Directories that older builds made, and those builds on a file of this one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from posthouse.directory.groups import Groups
from posthouse.directory.passwords import Passwords
from posthouse.directory.people import People
from posthouse.directory.sharing import Sharing
from posthouse.store.addresses import AddressStore
from posthouse.store.directory import DirectoryStore
from posthouse.store.principals import PrincipalStore

# As the builds of that version wrote it.
VERSION_1 = """
CREATE TABLE meta(version INTEGER NOT NULL, readable_by INTEGER NOT NULL, change INTEGER NOT NULL);
CREATE TABLE domain(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);
CREATE TABLE person(
    id INTEGER PRIMARY KEY, login TEXT NOT NULL, key TEXT NOT NULL, domain INTEGER NOT NULL,
    created INTEGER NOT NULL, ready INTEGER NOT NULL DEFAULT 0, removed INTEGER,
    change INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX person_key ON person(key) WHERE removed IS NULL;
CREATE INDEX person_change ON person(change);
CREATE TABLE account(
    id INTEGER PRIMARY KEY, person INTEGER NOT NULL, name TEXT NOT NULL, shard INTEGER NOT NULL,
    created INTEGER NOT NULL, removed INTEGER);
CREATE INDEX account_person ON account(person);
CREATE TABLE address(key TEXT PRIMARY KEY, address TEXT NOT NULL, account INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX address_account ON address(account);
CREATE TABLE password(person INTEGER PRIMARY KEY, hash TEXT NOT NULL, changed INTEGER NOT NULL);
CREATE TABLE token(
    id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER NOT NULL, label TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, expires INTEGER, used_day INTEGER);
CREATE INDEX token_person ON token(person);
INSERT INTO meta VALUES (1, 1, 4);
"""
VERSION_2 = """
CREATE TABLE ticket(
    hash BLOB PRIMARY KEY, kind TEXT NOT NULL, person INTEGER NOT NULL, key TEXT NOT NULL, origin TEXT,
    until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX ticket_until ON ticket(until);
CREATE INDEX ticket_person ON ticket(person, kind, until);
UPDATE meta SET version = 2;
"""
VERSION_3 = """
ALTER TABLE person ADD COLUMN type TEXT NOT NULL DEFAULT 'individual';
ALTER TABLE person ADD COLUMN reach INTEGER NOT NULL DEFAULT 0;
CREATE INDEX person_reach ON person(reach);
CREATE INDEX person_domain ON person(domain);
ALTER TABLE domain ADD COLUMN account INTEGER;
CREATE TABLE member(grp INTEGER NOT NULL, person INTEGER NOT NULL, PRIMARY KEY(grp, person)) WITHOUT ROWID;
CREATE INDEX member_person ON member(person);
CREATE TABLE shared(
    principal INTEGER NOT NULL, account INTEGER NOT NULL, PRIMARY KEY(principal, account)) WITHOUT ROWID;
CREATE INDEX shared_account ON shared(account);
UPDATE meta SET version = 3;
"""
VERSION_4 = """
ALTER TABLE domain ADD COLUMN catch_all INTEGER;
UPDATE meta SET version = 4;
"""
# What such a build does for a new person.
ADD_ADA = """
INSERT INTO domain(id, name, created) VALUES (3, 'example.org', 7) ON CONFLICT DO NOTHING;
INSERT INTO person(id, login, key, domain, created, ready)
    VALUES (5, 'ada@example.org', 'ada@example.org', (SELECT id FROM domain WHERE name = 'example.org'), 7, 1);
INSERT INTO account(id, person, name, shard, created) VALUES (9, 5, 'ada@example.org', 1, 7);
INSERT INTO address VALUES ('ada@example.org', 'ada@example.org', 9);
"""
# And for one who goes.
REMOVE_ADA = """
DELETE FROM address WHERE account IN (SELECT id FROM account WHERE person = 5);
UPDATE account SET removed = 8 WHERE person = 5;
UPDATE person SET removed = 8 WHERE id = 5;
"""


def run(path: Path, sql: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    "made",
    [
        VERSION_1,
        VERSION_1 + VERSION_2,
        VERSION_1 + VERSION_2 + VERSION_3,
        VERSION_1 + VERSION_2 + VERSION_3 + VERSION_4,
    ],
)
def test_an_older_file_gets_what_it_lacks_and_keeps_what_it_has(path: Path, made: str) -> None:
    run(path, made + ADD_ADA)
    for _ in range(2):
        with closing(DirectoryStore(path)) as store:
            store.add_homes(shards=4, now=8)
            principals = PrincipalStore(store)
            ada = store.person_by_key("ada@example.org")
            assert ada is not None
            assert (5, 9, 1, "individual") == (ada.id, ada.account, ada.shard, ada.type)
            [home] = principals.homes()
            assert (3, "example.org", home.account % 4) == (home.domain, home.name, home.shard)
            assert home == principals.home_of(5)
            assert [ada] == principals.of_domain(3)
            assert 4 == store.changed_since(0).newest
            assert store.ticket(b"", "cookie", None) is None
            assert AddressStore(store).set_catch_all("example.org", None)


def test_a_token_of_an_older_build_is_there_and_has_no_proof(path: Path) -> None:
    run(path, VERSION_1 + ADD_ADA)
    run(path, "INSERT INTO token(person, label, hash, created) VALUES (5, 'phone', x'01', 7)")
    with closing(DirectoryStore(path)) as store:
        [token] = store.tokens(5)
        assert token == store.token_by_hash(b"\x01")
        assert [] == store.proofs(5)
        secret = store.secret()
        assert 32 == len(secret)
    with closing(DirectoryStore(path)) as store:
        assert secret == store.secret()


def test_what_an_older_build_does_meanwhile_is_made_up_for(path: Path, passwords: Passwords) -> None:
    with closing(DirectoryStore(path)):
        pass
    run(path, ADD_ADA)
    with closing(DirectoryStore(path)) as store:
        principals = PrincipalStore(store)
        people = People(store, passwords, shards=4, furnish=lambda person: None, announce=lambda news: None)
        sharing = Sharing(principals, lambda news: None)
        groups = Groups(principals, people, sharing, announce=lambda news: None)
        assert sharing.home_of(5) is None
        bob = people.add("bob@example.org", None)
        assert sharing.home_of(5) == sharing.home_of(bob.id) is not None
        team = groups.add("team@example.org")
        groups.join("team@example.org", ["ada@example.org", "bob@example.org"])
        sharing.open(9, [team.id])
        sharing.open(bob.account, [5])
        run(path, REMOVE_ADA)
        assert [bob] == groups.members("team@example.org")
        assert {bob.id} == sharing.people_of([team.id, 5])
        assert [] == sharing.shared_with([team.id, bob.id])
        assert set() == sharing.known(bob.account, [5])
