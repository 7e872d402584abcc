"""Jobs: work that waits in an account's shard until it is due (DESIGN D10).

Theory of operation. A job is a row. `claim` gives those that are due to a worker and moves them on to the end of a
lease: a worker that dies needs do nothing, as what it had is due again then. Each claim counts as a try, and the number
of tries is the worker's proof that a job is still its own: whoever comes back after the lease has ended, when another
has claimed the job, changes nothing. A claim is durable before the worker knows of it, so no two have the same job.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, cast

from posthouse.kit.json import JsonObject, dumps, loads
from posthouse.model.caller import Access
from posthouse.model.job import Job
from posthouse.store import derived
from posthouse.store.sqlite import Database, Row

# A number is never used again, so that a worker that comes late can't mean another job by it.
TABLES: Final = """
CREATE TABLE IF NOT EXISTS job(
    id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, kind TEXT NOT NULL, about INTEGER NOT NULL,
    due INTEGER NOT NULL, lease INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
    payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS job_due ON job(kind, due);
CREATE INDEX IF NOT EXISTS job_account ON job(account, kind, about);
"""

HOLDER: Final = "#job"
"""The name under which jobs keep blobs, among those of the types."""

_COLUMNS: Final = "id, account, kind, about, due, lease, tries, payload"


class Claim(NamedTuple):
    """A job that is a worker's until its lease ends, and the account that it belongs to."""

    place: Access
    job: Job


def put(
    database: Database,
    account: int,
    code: int,
    kind: str,
    due: int,
    payload: JsonObject,
    about: int,
    keeps: Iterable[bytes],
) -> int:
    """Add a job and give its number. code: that of `HOLDER`. keeps: the SHA-256 of blobs that stay as long as it."""
    row = database.one(
        "INSERT INTO job(account, kind, about, due, payload) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (account, kind, about, due, dumps(payload)),
    )
    assert row is not None
    id = cast(int, row[0])
    derived.hold(database, account, code, [(digest, id) for digest in keeps])
    return id


def of(database: Database, account: int, kind: str, about: int | None) -> list[Job]:
    """Give an account's jobs of a kind, oldest first, those about something or all."""
    every = f"SELECT {_COLUMNS} FROM job WHERE account = ? AND kind = ?"
    if about is None:
        rows = database.all(f"{every} ORDER BY id", (account, kind))
    else:
        rows = database.all(f"{every} AND about = ? ORDER BY id", (account, kind, about))
    return [_job(row) for row in rows]


def every(database: Database, kind: str) -> list[Job]:
    """Give all jobs of a kind in this shard, of all accounts, those that are due first."""
    rows = database.all(f"SELECT {_COLUMNS} FROM job WHERE kind = ? ORDER BY due, id", (kind,))
    return [_job(row) for row in rows]


def count(database: Database, account: int, kind: str) -> int:
    """Count an account's jobs of a kind."""
    row = database.one("SELECT count(*) FROM job WHERE account = ? AND kind = ?", (account, kind))
    assert row is not None
    return cast(int, row[0])


def put_off(database: Database, job: Job, due: int, payload: JsonObject) -> bool:
    """Let go of a job until a time, with what was learned; says whether it was as ``job`` has it."""
    database.run(
        "UPDATE job SET due = ?, lease = 0, payload = ? WHERE id = ? AND account = ? AND tries = ?",
        (due, dumps(payload), job.id, job.account, job.tries),
    )
    return database.connection.changes() > 0


def note(database: Database, job: Job, payload: JsonObject) -> bool:
    """Write down what was learned while a job is under way; says whether it was as ``job`` has it."""
    database.run(
        "UPDATE job SET payload = ? WHERE id = ? AND account = ? AND tries = ?",
        (dumps(payload), job.id, job.account, job.tries),
    )
    return database.connection.changes() > 0


def drop(database: Database, code: int, job: Job) -> bool:
    """Remove a job and let its blobs go; says whether it was as ``job`` has it. code: that of `HOLDER`."""
    database.run(
        "DELETE FROM job WHERE id = ? AND account = ? AND tries = ?", (job.id, job.account, job.tries)
    )
    if not database.connection.changes():
        return False
    database.run("DELETE FROM blobref WHERE account = ? AND type = ? AND id = ?", (job.account, code, job.id))
    return True


def first_due(database: Database, kind: str) -> int | None:
    """Give when the next job of a kind is due in this shard, of whichever account; None if there is none."""
    row = database.one("SELECT min(due) FROM job WHERE kind = ?", (kind,))
    return None if row is None else cast("int | None", row[0])


def claim(database: Database, kind: str, now: int, until: int, limit: int) -> list[Job]:
    """Take up to so many jobs of a kind that are due, the longest due first, with a lease."""
    due = database.all(
        "SELECT id FROM job WHERE kind = ? AND due <= ? ORDER BY due, id LIMIT ?", (kind, now, limit)
    )
    taken: list[Job] = []
    for [id] in due:
        row = database.one(
            f"UPDATE job SET due = ?, lease = ?, tries = tries + 1 WHERE id = ? RETURNING {_COLUMNS}",
            (until, until, id),
        )
        assert row is not None
        taken.append(_job(row))
    return taken


def renew(database: Database, jobs: Sequence[Job], until: int) -> None:
    """Let those of some jobs that are still the worker's have a longer lease."""
    database.many(
        "UPDATE job SET due = ?, lease = ? WHERE id = ? AND tries = ? AND lease > 0",
        [(until, until, job.id, job.tries) for job in jobs],
    )


def release(database: Database, kind: str, now: int) -> None:
    """Let all jobs of a kind in this shard that somebody has be due now."""
    database.run("UPDATE job SET due = ?, lease = 0 WHERE kind = ? AND lease > 0", (now, kind))


def _job(row: Row) -> Job:
    *plain, payload = row
    return Job._make([*plain, loads(cast(bytes, payload))])
