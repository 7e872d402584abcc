"""Guest: what is not for visitors in a transaction, for it writes or is the server's own work (DESIGN D6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from posthouse.kit.json import Json, JsonObject
from posthouse.model.job import Job
from posthouse.model.ports import Mark
from posthouse.store.txn import Transaction


class Guest(Transaction):
    """A transaction that writes nothing, and finds nothing that the server keeps for itself."""

    # -- the server's own work --

    def find_keys(self, space: str, keys: Iterable[int]) -> dict[int, int]:
        """Find nothing: keys are for the server's own work."""
        return {}

    def note(self, name: str) -> Json:
        """Give nothing: notes are for the server's own work."""
        return None

    def jobs(self, kind: str, about: int | None = None) -> list[Job]:
        """Give nothing: jobs are the server's own."""
        return []

    def count_jobs(self, kind: str) -> int:
        """Give nothing, as `jobs`."""
        return 0

    def put_off(self, job: Job, due: int, payload: JsonObject) -> bool:
        """Refuse it as `mark`."""
        return bool(self.mark())

    def note_job(self, job: Job, payload: JsonObject) -> bool:
        """Refuse it as `mark`."""
        return bool(self.mark())

    def drop_job(self, job: Job) -> bool:
        """Refuse it as `mark`."""
        return bool(self.mark())

    def first_due(self, kind: str) -> NoReturn:
        """Refuse it as `untold`."""
        self.untold(0)

    def claim(self, kind: str, now: int, until: int, limit: int) -> NoReturn:
        """Refuse it as `untold`."""
        self.untold(0)

    def renew(self, taken: Sequence[Job], until: int) -> NoReturn:
        """Refuse it as `untold`."""
        self.untold(0)

    def untold(self, limit: int) -> NoReturn:
        """Refuse it: it is for the server."""
        raise RuntimeError("a visitor sees only what is granted to him")

    # -- trying and ending: the whole transaction does that --

    def mark(self) -> Mark:
        """Refuse it: a visitor's transaction only reads."""
        raise RuntimeError("a visitor's transaction only reads")

    def rewind(self, mark: Mark) -> None:
        """Refuse it as `mark`."""
        self.mark()

    def finish(self) -> None:
        """Refuse it as `mark`."""
        self.mark()

    def write_heard(self) -> None:
        """Refuse it as `mark`."""
        self.mark()

    def erase(self) -> bool:
        """Refuse it as `mark`."""
        return bool(self.mark())

    def moved(self) -> dict[str, int]:
        """Give nothing, for it moves nothing."""
        return {}
