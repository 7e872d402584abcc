"""Ports: what hooks and engines may ask of the rooms below them, as Protocols.

`Txn` is the store's interface: everything that can be done inside one transaction on one account. Both
stores implement it, and nothing above the store knows which of them it has.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from posthouse.kit.json import Json, JsonObject
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.model.condition import Query
from posthouse.model.job import Job

T = TypeVar("T")
Mark: TypeAlias = object
"""A point inside a unit, meaningful only to the store that gave it."""


class TooMuch(Exception):
    """One call would read more than one may, or compute for longer; its message says so to the client."""


class TypeLike(Protocol):
    """A declared type, as far as a port has to know it."""

    @property
    def name(self) -> str:
        """The name on the wire."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed between two states of a type (RFC 8620 §5.2); ids are local.

    until: the state after these changes. more: whether further changes follow.
    main: whether anything but counters changed.
    """

    created: list[int]
    updated: list[int]
    destroyed: list[int]
    until: int
    more: bool
    main: bool


@dataclass(frozen=True, slots=True)
class Touched:
    """What a queryChanges needs of the ids that changed since a state (DESIGN D5)."""

    ids: frozenset[int]
    existed: list[int]


class Fresh(NamedTuple):
    """An object to add: its id, its values, and its text by search column."""

    id: int
    values: JsonObject
    search: Mapping[str, str] | None = None


class Txn(Protocol):
    """One transaction on one account.

    Ids are local integers; times are Unix seconds; values are decoded JSON objects keyed by property name.
    Reads see one snapshot. In a `Store.read` the writing methods raise RuntimeError.
    """

    @property
    def account(self) -> int:
        """The account's number."""
        ...

    @property
    def person(self) -> int:
        """The person who acts, whose overlay values are read and written; 0 for the server itself."""
        ...

    @property
    def through(self) -> frozenset[int] | None:
        """The Principals as whom the person visits the account; None: all of it is open to him."""
        ...

    def seen(self) -> Txn:
        """Give this transaction as the person sees the account: itself if all is open to him. It only reads."""
        ...

    # -- states --

    def state(self, *types: TypeLike) -> int:
        """Give the newest number that any object of these types has drawn (DESIGN D4)."""
        ...

    def floor(self, *types: TypeLike) -> int:
        """Give the oldest state from which changes of these types can still be told."""
        ...

    def levels(self) -> dict[str, int]:
        """Give the newest number of each type that has drawn any, by the type's name."""
        ...

    def changes(self, type: TypeLike, since: int, limit: int) -> Changes:
        """Tell at most ``limit`` changes after a state, oldest first."""
        ...

    def touched(self, type: TypeLike, since: int, whole_groups: bool) -> Touched:
        """Give the ids made, changed or gone after a state, widened to their whole groups if asked to;
        ``existed`` are those that existed at that state.
        """
        ...

    def pause(self) -> None:
        """Give way if this read has held up others for too long: it then starts again where it may last.

        For loops that compute without reading; a statement gives way by itself.
        """
        ...

    # -- reading --

    def ids(self, type: TypeLike) -> list[int]:
        """Give the ids of all objects of a type, ascending."""
        ...

    def exists(self, type: TypeLike, ids: Iterable[int]) -> set[int]:
        """Give those of the ids that exist."""
        ...

    def values(
        self, type: TypeLike, ids: Iterable[int] | None = None, names: Iterable[str] | None = None
    ) -> dict[int, JsonObject]:
        """Read objects (None: all of the type): their stored properties, or the named ones; no computed ones."""
        ...

    def find(self, type: TypeLike, query: Query) -> Finding:
        """Start a query; nothing is read until the finding is asked."""
        ...

    def tally(self, type: TypeLike, container: int = 0, word: str = "") -> tuple[int, int]:
        """Give the kept count of items and of their groups in a container (0: the account) with a word ("" : all)."""
        ...

    def tallies_of_group(self, type: TypeLike, group: int) -> dict[tuple[int, str], int]:
        """Give all kept counts of one group: for each container (0: the account) and word ("": all)."""
        ...

    def groups_in(self, type: TypeLike, container: int) -> list[int]:
        """Give the groups that have an item in a container."""
        ...

    def groups_with(self, type: TypeLike, container: int, word: str, outside: Sequence[int] = ()) -> int:
        """Count the groups that have an item in a container, and one with a word in any container but these."""
        ...

    # -- writing --

    def sees_all_with(self, type: TypeLike, word: str, outside: Sequence[int] = ()) -> bool:
        """Say whether every container, but for some, in which an item carries a word is open to the person."""
        ...

    def allocate(self) -> int:
        """Draw an id that this account never used before."""
        ...

    def insert(
        self, type: TypeLike, id: int, values: JsonObject, search: Mapping[str, str] | None = None
    ) -> None:
        """Add an object with its index rows, counts and stamp; ``search`` holds its text by search column."""
        ...

    def insert_all(self, type: TypeLike, objects: Sequence[Fresh]) -> None:
        """Do `insert` for each of many objects, with few statements."""
        ...

    def update(self, type: TypeLike, id: int, old: JsonObject, new: JsonObject) -> None:
        """Write changed properties with their index rows, counts and stamp; both objects hold all live ones."""
        ...

    def delete(self, type: TypeLike, id: int) -> None:
        """Remove an object with its index rows, counts, search text and blob references; stamp and keys stay."""
        ...

    def delete_all(self, type: TypeLike, ids: Sequence[int]) -> None:
        """Remove many objects as `delete` does one; together they cost less."""
        ...

    def count(self, type: TypeLike, id: int, deltas: Mapping[str, int]) -> None:
        """Add to an object's counters; its stamp moves, its main state does not."""
        ...

    # -- keys: small lookups of a type's own --

    def put_keys(self, space: str, id: int, keys: Iterable[int]) -> None:
        """Let 64-bit keys lead to an id."""
        ...

    def find_keys(self, space: str, keys: Iterable[int]) -> dict[int, int]:
        """Give the lowest id that each of the keys leads to; a key that leads nowhere is left out."""
        ...

    def drop_keys(self, space: str, id: int) -> None:
        """Forget all keys of an id."""
        ...

    # -- blobs: who may read which bytes --

    def hold_blob(self, digest: bytes, type: TypeLike, id: int) -> None:
        """Note that an object keeps a blob."""
        ...

    def blob_holders(self, digest: bytes, type: TypeLike) -> list[int]:
        """Give the objects of a type that keep a blob, ascending."""
        ...

    def note_upload(self, digest: bytes, until: int) -> None:
        """Let the acting person read a blob until a time, though nothing keeps it yet."""
        ...

    def may_read_blob(self, digest: bytes, now: int) -> bool:
        """Say whether the acting person may read a blob: something he sees keeps it, or he uploaded it."""
        ...

    # -- notes: one small value under a name --

    def note(self, name: str) -> Json:
        """Give the account's note of that name, or None."""
        ...

    def put_note(self, name: str, value: Json) -> None:
        """Write the account's note of that name."""
        ...

    # -- jobs: work that waits until it is due --

    def put_job(
        self, kind: str, due: int, payload: JsonObject, about: int = 0, keeps: Iterable[bytes] = ()
    ) -> int:
        """Add a job of the account, due at a Unix second, and give its number.

        about: what `jobs` finds it by. keeps: the SHA-256 of blobs that stay for as long as it is there.
        """
        ...

    def jobs(self, kind: str, about: int | None = None) -> list[Job]:
        """Give the account's jobs of a kind, oldest first: those about something, or all."""
        ...

    def count_jobs(self, kind: str) -> int:
        """Count the account's jobs of a kind."""
        ...

    def put_off(self, job: Job, due: int, payload: JsonObject) -> bool:
        """Let go of a job, and have it due again at a time; says whether nobody claimed it since it was read."""
        ...

    def note_job(self, job: Job, payload: JsonObject) -> bool:
        """Write down what was learned while one has a job; says whether nobody claimed it since it was read."""
        ...

    def drop_job(self, job: Job) -> bool:
        """Remove a job, which lets its blobs go; says whether nobody claimed it since it was read."""
        ...

    # -- trying --

    def mark(self) -> Mark:
        """Remember this point of the unit."""
        ...

    def rewind(self, mark: Mark) -> None:
        """Undo everything since a mark; it can be rewound to again."""
        ...


class Finding(Protocol):
    """A query that can be asked for parts of its answer."""

    def page(self, position: int, limit: int) -> list[int]:
        """Give up to ``limit`` ids from a position from 0 up."""
        ...

    def around(self, anchor: int, offset: int, limit: int) -> tuple[int, list[int]] | None:
        """Give the position, and up to ``limit`` ids from it, that lies ``offset`` from an id; None if absent."""
        ...

    def total(self) -> int:
        """Count the results."""
        ...

    def all(self) -> array[int]:
        """Give every id in order."""
        ...

    def among(self, ids: Iterable[int]) -> set[int]:
        """Give those of some ids that exist and fit the condition; groups and order don't count."""
        ...


class BlobSource(Protocol):
    """Bytes by hash, as far as hooks need them."""

    def read(self, digest: bytes, offset: int = 0, length: int | None = None) -> bytes:
        """Read a blob's bytes; raises KeyError if it is missing."""
        ...

    def put_many(self, items: Sequence[bytes], until: int) -> list[bytes]:
        """Store blobs durably, with a lease until a time; give their hashes."""
        ...

    def size(self, digest: bytes) -> int | None:
        """Give a blob's size in bytes, or None if it is missing."""
        ...


class Reading(Protocol):
    """What a ``compute`` hook has: the snapshot and the blobs."""

    @property
    def txn(self) -> Txn:
        """The snapshot."""
        ...

    @property
    def blobs(self) -> BlobSource:
        """The bytes."""
        ...

    @property
    def caller(self) -> Caller:
        """Who asks."""
        ...

    def account(self, access: Access) -> JsonObject:
        """Make the Account object of an account that is open to the caller (RFC 8620 §2)."""
        ...


class Preparing(Protocol):
    """What a ``prepare`` hook has: outside any transaction, with time to wait."""

    @property
    def caller(self) -> Caller:
        """Who asks."""
        ...

    @property
    def addresses(self) -> Collection[str]:
        """The addresses of the account, as `posthouse.directory.addresses.key` gives them."""
        ...

    @property
    def account(self) -> int:
        """The account that will change."""
        ...

    @property
    def blobs(self) -> BlobSource:
        """The bytes."""
        ...

    async def read(self, unit: Callable[[Txn], T]) -> T:
        """Read the account in a snapshot of its own."""
        ...

    async def aside(self, work: Callable[[], T]) -> T:
        """Run slow work where it holds up nobody."""
        ...


class Calling(Protocol):
    """What a method of a capability's own knows of its call."""

    @property
    def caller(self) -> Caller:
        """Who asks."""
        ...

    @property
    def account(self) -> int:
        """The account named by ``accountId``."""
        ...

    @property
    def limits(self) -> Limits:
        """What one caller may ask at once."""
        ...

    @property
    def blobs(self) -> BlobSource:
        """The bytes."""
        ...

    @property
    def created_ids(self) -> dict[str, str]:
        """The creation ids of this request and the ids they became (RFC 8620 §3.3)."""
        ...

    async def read(self, unit: Callable[[Txn], T]) -> T:
        """Read the account in a snapshot of its own."""
        ...

    async def write(self, unit: Callable[[Txn], T]) -> T:
        """Change the account in one transaction; the unit may run twice, so it has no other effect."""
        ...

    async def aside(self, work: Callable[[], T]) -> T:
        """Run slow work where it holds up nobody."""
        ...
