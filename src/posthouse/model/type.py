"""Type: the declaration of one JMAP data type, from which its methods, tables and indexes derive (DESIGN §2.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from posthouse.kit import ids as ids_
from posthouse.kit.json import JsonObject
from posthouse.model.change import Change, Finished, Stage
from posthouse.model.condition import Argument, Filter, Sort
from posthouse.model.kind import Boolean, Id, MapOf, Record, targets
from posthouse.model.ports import Preparing, Reading, Txn
from posthouse.model.property import MISSING, Part, Property
from posthouse.model.rights import Rights

VERBS = ("get", "changes", "set", "copy", "query", "queryChanges")

LARGEST_ID = 2**32 - 1
"""Local ids have 32 bits, so that an account and an id make one 64-bit key; they start at 1."""

REST: Final = "*"
"""What stands for all undeclared properties of an object where properties are named."""

PrepareHook: TypeAlias = Callable[[Preparing, Sequence[Change]], Awaitable[Mapping[str, Exception]]]
CheckHook: TypeAlias = Callable[[Txn, Change, Stage], None]
AfterHook: TypeAlias = Callable[[Txn, Change], None]
FinishHook: TypeAlias = Callable[[Txn, Finished], Mapping[int, JsonObject]]
FollowHook: TypeAlias = Callable[[Txn, Finished], Sequence[tuple[str, JsonObject]]]
NeedsHook: TypeAlias = Callable[[Sequence[str], JsonObject], frozenset[str] | None]
RecountHook: TypeAlias = Callable[[Txn, Mapping[int, JsonObject]], None]
ComputeHook: TypeAlias = Callable[[Reading, Mapping[int, JsonObject], Sequence[str], JsonObject], None]


@dataclass(frozen=True, slots=True)
class Tally:
    """Which counts of items the store keeps for each container and group (DESIGN D18).

    words: the property, a set of words, each of which is counted; None if items are only counted as such.
    derived: further words of an object, each starting with ``!``, found from its stored values. Items without groups
    are counted as if they were all in one.
    """

    words: str | None = None
    derived: Callable[[JsonObject], frozenset[str]] = lambda values: frozenset()


def _share_with(rights: Rights) -> Property:
    """Declare with whom a container is shared: Principals, each with its rights (RFC 9670 §4)."""
    each = Record(dict.fromkeys(rights.names, Boolean()))
    kind = MapOf(Id(), each) | None
    return Property("shareWith", kind, default=None, part=Part.GRANTED, uri=rights.sharing)


class Type:
    """One JMAP data type.

    name: as on the wire. letter: the first letter of its ids. methods: its standard verbs.
    within: the property that names the containers an item is in, a set of references.
    group: the property that names the item's group; it never changes.
    search: the columns of its search text. rights: for a container, those it grants. needs: the right
    (in the container) that each act needs: ``create``, ``destroy``, ``update``, a property's name, or a
    property's name, ``/`` and a member; ``child``: to make a container in another. What has no right is for those
    only to whom all of an account is open. arguments: those added to standard methods, by verb.
    tally: the counts kept of it. singleton: the one id it may have (RFC 8621 §8).
    tree: the property that names an object's parent, for queries that keep to the tree (RFC 8621 §2.3).
    arrivals: the name under which clients are told of new objects only (RFC 8621 §1.5).
    pattern: says of a property name that is in no table whether ``compute`` knows it (RFC 8621 §4.1.3).
    open: says of such a name whether an object may have it; what it holds is stored (RFC 9553 §1.7.4).
    words: makes the search text, by column, of an object's values, so that it follows them when they change;
    without it, the text is given when an object is made, and stays. keeps: names the blobs that an object
    keeps, by their SHA-256; without it, hooks tell of them.
    forbids: the acts that no client may do: ``create``, ``update``, ``destroy``. people: its objects stand for
    those who ask; each of them sees all, and what is within his own (RFC 9670 §2). granted_by: the right that,
    held in any container, lets a visitor see the objects of a type that are in none; without it, he sees none.
    about: the property that names the item which an object is about; a visitor may make one, without seeing it
    afterwards, who has the right that ``create`` needs in a container of that item.

    Its hooks are named by their moment: `prepare` and `prepare_update` (outside the transaction, may wait),
    `check` (inside, one change against the staged view), `before_destroy`, `after` (inside: counters, groups,
    side rows), `finish` (inside, when all changes of a call are written), `follow` (inside, at its end: the calls that
    it implies), `compute` (properties that are
    not stored, for a batch) and `recount` (counters, for a visitor).
    """

    def __init__(
        self,
        name: str,
        *,
        letter: str,
        methods: str,
        properties: Sequence[Property],
        filters: Sequence[Filter] = (),
        sorts: Sequence[Sort] = (),
        arguments: Mapping[str, Sequence[Argument]] | None = None,
        within: str | None = None,
        group: str | None = None,
        search: str = "",
        rights: Rights | None = None,
        needs: Mapping[str, str] | None = None,
        tally: Tally | None = None,
        singleton: str | None = None,
        pattern: Callable[[str], bool] | None = None,
        open: Callable[[str], bool] | None = None,
        words: Callable[[JsonObject], Mapping[str, str]] | None = None,
        keeps: Callable[[JsonObject], Iterable[bytes]] | None = None,
        tree: str | None = None,
        arrivals: str | None = None,
        forbids: str = "",
        people: bool = False,
        granted_by: str | None = None,
        about: str | None = None,
    ) -> None:
        self.name = name
        self.letter = letter
        self.methods: tuple[str, ...] = tuple(methods.split())
        self.properties: dict[str, Property] = {
            "id": Property("id", Id(), server=True, immutable=True),
            **{prop.name: prop for prop in properties},
        }
        self.filters: dict[str, Filter] = {filter.name: filter for filter in filters}
        self.sorts: dict[str, Sort] = {sort.name: sort for sort in sorts}
        self.arguments: dict[str, tuple[Argument, ...]] = {
            verb: tuple(added) for verb, added in (arguments or {}).items()
        }
        self.within = within
        self.group = group
        self.search: tuple[str, ...] = tuple(search.split())
        self.rights = rights
        self.needs: dict[str, str] = dict(needs or {})
        self.tally = tally
        self.singleton = singleton
        self.pattern = pattern
        self.open = open
        self.words = words
        self.keeps = keeps
        self.tree = tree
        self.arrivals = arrivals
        self.forbids: frozenset[str] = frozenset(forbids.split())
        self.people = people
        self.granted_by = granted_by
        self.about = about
        self.prepare_hook: PrepareHook | None = None
        self.prepare_update_hook: PrepareHook | None = None
        self.check_hook: CheckHook | None = None
        self.before_destroy_hook: CheckHook | None = None
        self.after_hook: AfterHook | None = None
        self.finish_hook: FinishHook | None = None
        self.follow_hook: FollowHook | None = None
        self.needs_hook: NeedsHook | None = None
        self.compute_hook: ComputeHook | None = None
        self.recount_hook: RecountHook | None = None
        self.basis: frozenset[str] = frozenset(
            self.properties[name].of if name in self.properties else name
            for prop in self.properties.values()
            for name in (prop.ordered_by, prop.name if prop.part is Part.LIVE or prop.name == group else None)
            if name is not None
        ).union([REST] if open else [])
        """The stored properties that a change of an object needs: the live ones, and what orders and groups it."""
        self.default_values: JsonObject = {
            name: prop.default for name, prop in self.properties.items() if prop.default is not MISSING
        }
        """What a null in a patch stands for, for each property that has a default (RFC 8620 §5.3)."""
        self.referring: frozenset[str] = frozenset(
            name for name, prop in self.properties.items() if any(targets(prop.kind))
        )
        """The properties whose values refer to other objects."""
        if rights is not None and not people:
            self.properties["myRights"] = Property("myRights", Id(), server=True, part=Part.COMPUTED)
            if rights.share is not None:
                self.properties["shareWith"] = _share_with(rights)
                self.needs.setdefault("shareWith", rights.share)
        self.uris: frozenset[str] = frozenset(
            prop.uri for prop in self.properties.values() if prop.uri is not None
        )
        """The capabilities of others that bring properties of this type."""

    def __repr__(self) -> str:
        return f"Type({self.name!r})"

    def wire(self, id: int) -> str:
        """Write a local id as the Id that clients see."""
        return self.singleton or self.letter + ids_.encode(id)

    def local(self, wire: str) -> int | None:
        """Read an Id of this type; None for what can't be one, which is then simply not found."""
        if self.singleton is not None:
            return 1 if wire == self.singleton else None
        number = ids_.decode(wire[1:]) if wire[:1] == self.letter else None
        return number if number is not None and 0 < number <= LARGEST_ID else None

    def wires(self, ids: Sequence[int]) -> list[str]:
        """Write many local ids as `wire` does."""
        return [self.wire(id) for id in ids] if self.singleton else ids_.encode_all(self.letter, ids)

    def locals(self, wires: Sequence[str]) -> list[int | None]:
        """Read many Ids as `local` does."""
        if self.singleton is not None:
            return [self.local(wire) for wire in wires]
        return ids_.decode_all(self.letter, wires, LARGEST_ID)

    def defaults(self) -> list[str]:
        """Name the properties that a /get without ``properties`` returns, in their order."""
        return [name for name, prop in self.properties.items() if prop.by_default] + (
            [REST] if self.open else []
        )

    def shows(self, name: str) -> bool:
        """Say whether a /get may ask for a property of this name."""
        prop = self.properties.get(name)
        return self.takes(name) if prop is None else prop.part is not Part.INDEX and not prop.inner

    def foreign(self, using: Container[str]) -> frozenset[str]:
        """Name the properties that exist only for requests that use capabilities which this one does not."""
        return frozenset(
            name for name, prop in self.properties.items() if prop.uri is not None and prop.uri not in using
        )

    def takes(self, name: str) -> bool:
        """Say whether a name that is in no table may be that of a property."""
        return any(accepts is not None and accepts(name) for accepts in (self.pattern, self.open))

    def prepare(self, hook: PrepareHook) -> PrepareHook:
        """Register what is done outside the transaction; it gives the SetErrors of the changes it refuses."""
        self.prepare_hook = hook
        return hook

    def prepare_update(self, hook: PrepareHook) -> PrepareHook:
        """Register what is done outside the transaction for updates; it gives the SetErrors of those it refuses.

        The new values of each change are the patch, as the client wrote it; what the hook leaves in
        ``prepared`` comes to ``check`` in `Change.patches`.
        """
        self.prepare_update_hook = hook
        return hook

    def check(self, hook: CheckHook) -> CheckHook:
        """Register the judge of one create or update inside the transaction; it raises SetError.

        It may write for a create, such as keys that the next one finds; for an update it writes nothing.
        """
        self.check_hook = hook
        return hook

    def before_destroy(self, hook: CheckHook) -> CheckHook:
        """Register what is asked and done before an object is destroyed; it raises SetError."""
        self.before_destroy_hook = hook
        return hook

    def after(self, hook: AfterHook) -> AfterHook:
        """Register what follows each written change inside the transaction: counters, groups, side rows."""
        self.after_hook = hook
        return hook

    def finish(self, hook: FinishHook) -> FinishHook:
        """Register what is done when all changes of a call are written, in the same transaction.

        It gives what it changed, by local id, for the answer.
        """
        self.finish_hook = hook
        return hook

    def follow(self, hook: FollowHook) -> FollowHook:
        """Register what names the calls that a /set implies, such as RFC 8621 §7.5 has them.

        Each is a method and its arguments, in which ``accountId`` is the same unless they say otherwise. They are made
        once the changes are committed, as if the client had made them; whether the request uses their capability or
        not. Their responses follow that of the /set, with its call id.
        """
        self.follow_hook = hook
        return hook

    def recount(self, hook: RecountHook) -> RecountHook:
        """Register what counts anew for a visitor, as the kept counters count also what he does not see.

        The hook gets what he sees of the account, and by local id those of the wanted values of containers whose
        items he may read. In these it corrects the counters that depend on other containers. It is not asked for one
        who reads all containers, to whom the kept counters tell what he sees.
        """
        self.recount_hook = hook
        return hook

    def compute(self, needs: NeedsHook) -> Callable[[ComputeHook], ComputeHook]:
        """Register the maker of properties that are not stored.

        needs: given the wanted properties and the call's arguments, names the stored properties that the
        hook reads, or None if nothing has to be computed for this call. The hook adds the computed
        properties to the objects it gets, which are keyed by local id.
        """

        def register(hook: ComputeHook) -> ComputeHook:
            self.needs_hook = needs
            self.compute_hook = hook
            return hook

        return register
