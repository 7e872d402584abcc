"""The /set method of every type, and the way of one call's changes through check and commit (RFC 8620 §5.3).

A call is one transaction, in which each object succeeds or fails alone. Creates are ordered so that a
reference finds what it refers to. All changes are staged first and judged on the staged view, so that two
objects may swap their names; what fails is taken off the stage and the rest is judged again. Only then are
rows written. If a destroy fails after something was judged as though it were gone, everything is undone
and the call starts again without that destroy.
"""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import Final

from posthouse.engine import access, share, state, visitor
from posthouse.engine import given as given_
from posthouse.engine.call import Call
from posthouse.engine.outcome import Outcome
from posthouse.engine.result import Result, or_none
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model.change import Act, Change, Finished, Stage
from posthouse.model.property import Part
from posthouse.model.type import FinishHook, Type
from posthouse.proto.jmap import patch
from posthouse.proto.jmap.errors import MethodError, SetError
from posthouse.store.txn import Transaction


async def set(call: Call, type: Type, arguments: JsonObject) -> Result:
    """Answer Foo/set.

    Raises MethodError ``requestTooLarge``, ``stateMismatch`` or ``accountReadOnly``.
    """
    access.to_change(call.access)
    create, update = arguments["create"] or {}, arguments["update"] or {}
    destroy = list(dict.fromkeys(arguments["destroy"] or []))
    most = call.limits.max_objects_in_set
    if len(create) + len(update) + len(destroy) > most:
        raise MethodError("requestTooLarge", f"at most {most} objects can be changed")
    own = {added.name: arguments[added.name] for added in type.arguments.get("set", ())}
    foreign = type.foreign(call.using) if type.uris else frozenset()
    early = await share.known(call, type, create)
    creates: list[Change] = []
    for key, values in create.items():
        try:
            if key not in early:
                creates.append(given_.new(type, key, values, own, foreign))
        except SetError as error:
            early[key] = error
    if creates:
        creates = await prepared(call, type, creates, early)
    refused = {Act.CREATE: early, Act.UPDATE: await share.known(call, type, update)}
    patched = await prepared_updates(call, type, update, own, refused[Act.UPDATE])
    outcome = await commit(
        call, type, creates, update, destroy, own, arguments["ifInState"], patched, refused
    )
    if outcome.reached:
        await call.tools.sharing.changed(call.access, outcome.reached)
    answer = {
        "accountId": arguments["accountId"],
        "oldState": outcome.old_state,
        "newState": outcome.new_state,
        "created": or_none(outcome.created),
        "updated": or_none(outcome.updated),
        "destroyed": or_none(outcome.destroyed),
        "notCreated": outcome.refusals(Act.CREATE),
        "notUpdated": outcome.refusals(Act.UPDATE),
        "notDestroyed": outcome.refusals(Act.DESTROY),
    }
    return Result(f"{type.name}/set", call.call_id, answer, outcome.implied)


async def prepared(
    call: Call, type: Type, creates: list[Change], refused: dict[str, SetError]
) -> list[Change]:
    """Run the type's ``prepare`` hook and give the changes that it did not refuse."""
    if type.prepare_hook is None or not creates:
        return creates
    faults = await type.prepare_hook(call, creates)
    for key, fault in faults.items():
        if not isinstance(fault, SetError):
            raise fault
        refused[key] = fault
    return [change for change in creates if change.key not in faults]


async def prepared_updates(
    call: Call,
    type: Type,
    update: Mapping[str, JsonObject],
    own: JsonObject,
    refused: dict[str, SetError],
) -> Mapping[str, object]:
    """Run the type's ``prepare_update`` hook and give what it made of each patch that it did not refuse."""
    if type.prepare_update_hook is None or not update:
        return {}
    changes = [Change(Act.UPDATE, key, new=given, arguments=own) for key, given in update.items()]
    faults = await type.prepare_update_hook(call, changes)
    for key, fault in faults.items():
        if not isinstance(fault, SetError):
            raise fault
        refused[key] = fault
    return {change.key: change.prepared for change in changes}


async def commit(
    call: Call,
    type: Type,
    creates: list[Change],
    update: Mapping[str, JsonObject],
    destroy: list[str],
    own: JsonObject,
    if_in_state: str | None,
    patched: Mapping[str, object],
    refused: Mapping[Act, Mapping[str, SetError]],
) -> Outcome:
    """Write the changes of one call in one transaction, and learn the ids of what was created.

    patched: what was prepared for each update. refused: what was refused before.
    Raises MethodError ``stateMismatch``.
    """

    def unit(txn: Transaction) -> Outcome:
        state.demand(txn.seen(), type, if_in_state)
        return _Commit(call, txn, type, own, patched, refused).run(creates, update, destroy)

    outcome = await call.write(unit)
    for key, values in outcome.created.items():
        call.created_ids[key] = values["id"]
    return outcome


_MOST_PASSES: Final = 8


class _Start:
    """The point before anything was judged or written, to which a call can go back.

    Hooks may write and fill in values while they judge, so both are undone.
    """

    def __init__(self, txn: Transaction, changes: list[Change]) -> None:
        self._txn = txn
        self._mark = txn.mark()
        self._before = [(change, dict(change.after()), dict(change.report)) for change in changes]

    def again(self) -> None:
        """Undo every write, and what hooks made of the changes."""
        self._txn.rewind(self._mark)
        for change, new, report in self._before:
            change.new, change.report = dict(new), dict(report)


class _Commit:
    """One call's changes inside its transaction."""

    def __init__(
        self,
        call: Call,
        txn: Transaction,
        type: Type,
        own: JsonObject,
        patched: Mapping[str, object],
        refused: Mapping[Act, Mapping[str, SetError]],
    ) -> None:
        self._call = call
        self._txn = txn
        self._type = type
        self._own = own
        self._eyes = txn.seen()
        self._visits = txn.through is not None
        self._view = access.view(self._eyes)
        self._created = dict(call.created_ids)
        self._outcome = Outcome(old_state=state.current(self._eyes, type))
        self._prepared = patched
        for act, errors in refused.items():
            if errors:
                self._outcome.refused[act].update(errors)
        self._patched_by: defaultdict[int, list[str]] = defaultdict(list)
        """For each object the keys of the patches that made its new values; two keys may name one object."""
        self._added: defaultdict[int, builtins.set[tuple[str, str, str]]] = defaultdict(builtins.set)
        """For each object what a visitor's patches refer to that he did not see there; see `visitor.added`."""

    def run(self, creates: list[Change], update: Mapping[str, JsonObject], destroy: list[str]) -> Outcome:
        outcome = self._outcome
        fresh = self._numbered(creates) if creates else {}
        ends = self._ends(destroy, fresh) if destroy else {}
        changes = [*fresh.values(), *self._updates(update, fresh, ends)]
        # One update that is refused leaves nothing to undo, as ``check`` hooks write for creates only.
        start = _Start(self._txn, changes) if fresh or len(changes) + len(ends) > 1 else None
        while True:
            standing = self._judge(changes, ends, start)
            if fresh:
                self._forget_unborn(fresh, standing, ends)
            for change in standing:
                self._write(change)
            failed = self._destroy(ends) if ends else {}
            if failed:
                outcome.refused[Act.DESTROY].update(failed)
            if not failed or start is None:
                break
            start.again()
            for key in failed:
                del ends[key]
            changes = standing
        for change in standing:
            self._report(change)
        outcome.destroyed = [
            self._type.wire(change.id) for change in ends.values() if change.key not in failed
        ]
        if self._type.finish_hook is not None:
            self._finish(self._type.finish_hook)
        if self._type.follow_hook is not None:
            done = [*standing, *[change for change in ends.values() if change.key not in failed]]
            outcome.implied = self._type.follow_hook(self._txn, self._finished(done))
        outcome.new_state = state.current(self._txn.seen() if self._visits else self._txn, self._type)
        return outcome

    # -- what is asked --

    def _numbered(self, creates: list[Change]) -> dict[str, Change]:
        """Give each create its id, and replace the references among them, those referred to first."""
        by_key = {change.key: change for change in creates}
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for change in creates:
            change.id = self._txn.allocate()
            sorter.add(
                change.key, *(key for key in self._needed(change) if key in by_key and key != change.key)
            )
        ordered: dict[str, Change] = {}
        with suppress(CycleError):
            sorter.prepare()
        while ready := sorter.get_ready():
            ordered |= {key: by_key[key] for key in ready}
            sorter.done(*ready)
        ordered |= by_key  # What refers to itself in a circle comes last; each is judged.
        for change in ordered.values():
            self._created[change.key] = self._type.wire(change.id)
        for change in ordered.values():
            self._resolve(change, change.after().keys())
        return ordered

    def _needed(self, change: Change) -> Iterator[str]:
        """Give the creation ids of its own type that a create refers to."""
        for target, wire in self._references(change, change.after().keys()):
            if wire.startswith("#") and target == self._type.name:
                yield wire[1:]

    def _updates(
        self, update: Mapping[str, JsonObject], fresh: Mapping[str, Change], ends: Mapping[str, Change]
    ) -> list[Change]:
        if not update:
            return []
        refused = self._outcome.refused.get(Act.UPDATE, {})
        asked = [
            (key, self._local(key), given, given_.patch_names(given))
            for key, given in update.items()
            if key not in refused
        ]
        names = self._type.basis.union(*[named for _, _, _, named in asked])
        ids: Iterable[int] = [id for _, id, _, _ in asked if id is not None]
        stored = self._txn.values(
            self._type, self._eyes.exists(self._type, ids) if self._visits else ids, names
        )
        doomed = {change.id for change in ends.values()} if ends else ()
        begun = {change.id: change for change in fresh.values()} if fresh else {}
        changes: list[Change] = []
        for key, id, given, named in asked:
            try:
                if id is None or (id not in stored and id not in begun):
                    raise SetError("notFound")
                if id in doomed:
                    raise SetError("willDestroy")
                old = begun[id].after() if id in begun else stored[id]
                change = self._patched(key, id, old, given, named)
            except SetError as error:
                self._outcome.refused[Act.UPDATE][key] = error
                continue
            self._patched_by[id].append(key)
            if id in begun:
                begun[id].new = change.new
                begun[id].named |= change.named
                begun[id].patches += change.patches
            else:
                begun[id] = change
                changes.append(change)
        return changes

    def _forget_unborn(
        self, fresh: Mapping[str, Change], standing: list[Change], ends: dict[str, Change]
    ) -> None:
        """Refuse what was asked of creates that were refused themselves."""
        unborn = {change.id for change in fresh.values()} - {change.id for change in standing}
        for key in [key for key, change in ends.items() if change.id in unborn]:
            del ends[key]
            self._outcome.refused[Act.DESTROY][key] = SetError("notFound")
        for id in unborn:
            for key in self._patched_by[id]:
                self._outcome.refused[Act.UPDATE][key] = SetError("notFound")

    def _patched(
        self, key: str, id: int, old: JsonObject, given: JsonObject, named: frozenset[str]
    ) -> Change:
        """Apply a patch and hold the result against the declaration (RFC 8620 §5.3).

        A visitor's is applied to what he sees; what he does not see stays as it is.
        """
        given_.demand_allowed(self._type, Act.UPDATE)
        if self._call.tools.false_removes:
            given = given_.false_as_null(self._type, given)
        given, kept = given_.as_kept(self._type, given, self._created)
        current = {**old, "id": self._wire(key, id)}
        if "myRights" in named and self._type.rights is not None:
            current["myRights"] = self._rights(id)
        if share.PROPERTY in named and self._type.rights is not None and share.PROPERTY not in current:
            current[share.PROPERTY] = share.of(self._txn, self._view, self._type, id)
        known = visitor.masked(self._eyes, self._type, id, current) if self._visits else current
        new = patch.apply(given, known, self._type.default_values)
        foreign = self._type.foreign(self._call.using) if self._type.uris else ()
        wrong = [
            name for name in named if name in foreign or not given_.may_update(self._type, known, new, name)
        ]
        if wrong:
            raise given_.refusal(self._type, wrong)
        if self._visits:
            self._added[id] |= visitor.added(self._type, known, new)
            new = visitor.restored(self._type, current, known, new)
        change = Change(Act.UPDATE, key, id=id, old=current, new=new, named=named, arguments=self._own)
        if len(kept) < len(named):
            self._resolve(change, named - kept)
        if key in self._prepared:
            change.patches.append(self._prepared[key])
        return change

    def _ends(self, destroy: list[str], fresh: Mapping[str, Change]) -> dict[str, Change]:
        refused = self._outcome.refused[Act.DESTROY]
        ids = {key: self._local(key) for key in destroy}
        known = self._eyes.exists(self._type, [id for id in ids.values() if id is not None])
        known |= {change.id for change in fresh.values()}
        ends: dict[str, Change] = {}
        doomed: dict[int, Change] = {}
        for key, id in ids.items():
            if self._type.singleton is not None:
                refused[key] = SetError("singleton", f"{self._type.name} can't be destroyed")
            elif id is None or id not in known:
                refused[key] = SetError("notFound")
            elif Act.DESTROY.value in self._type.forbids:
                refused[key] = SetError("forbidden", f"only the server does this to a {self._type.name}")
            elif id not in doomed:
                ends[key] = doomed[id] = Change(Act.DESTROY, key, id=id, arguments=self._own)
        return ends

    def _wire(self, key: str, id: int) -> str:
        """Write the id of what a key names, which is the key itself unless that is a creation id."""
        return self._type.wire(id) if key.startswith("#") else key

    def _local(self, key: str) -> int | None:
        """Read an id, or a creation id behind ``#`` (RFC 8620 §5.3, corrected by its errata)."""
        wire = self._created.get(key[1:], "") if key.startswith("#") else key
        return self._type.local(wire)

    # -- references --

    def _references(self, change: Change, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        values = change.after()
        for name in names:
            prop = self._type.properties.get(name)
            if prop is not None and name in values:
                yield from prop.kind.references(values[name])

    def _resolve(self, change: Change, names: Iterable[str]) -> None:
        values = change.after()
        for name in list(names):
            prop = self._type.properties.get(name)
            if prop is not None and name in values:
                values[name] = prop.kind.resolved(values[name], self._created)

    def _lost(self, change: Change, stage: Stage) -> list[str]:
        """Name the properties that refer to what does not exist."""
        values = change.after()
        lost: list[str] = []
        for name in self._type.referring.intersection(change.named if change.act is Act.UPDATE else values):
            prop = self._type.properties[name]
            if prop.server or name not in values:
                continue
            # What a visitor left as it was may be hidden from him.
            old = change.old.get(name) if self._visits and change.old is not None else None
            kept = () if old is None else {*prop.kind.references(old)}
            for target, wire in prop.kind.references(values[name]):
                if (target, wire) in kept and (name, target, wire) not in self._added[change.id]:
                    continue
                of = self._call.types[target]
                id = of.local(wire)
                if id is None or not self._is_there(of, id, stage):
                    lost.append(name)
                    break
        return lost

    def _is_there(self, type: Type, id: int, stage: Stage) -> bool:
        if type is self._type and id in stage.changes:
            return not stage.gone(id)
        return id in self._eyes.exists(type, [id])

    # -- judging --

    def _judge(self, changes: list[Change], ends: Mapping[str, Change], start: _Start | None) -> list[Change]:
        """Check the changes on the staged view until all that stand are sound.

        If that does not settle soon, they are judged one after the other instead, each on those before it
        (RFC 8620 §5.3), so that no input makes this slow.
        """
        standing = changes
        for _ in range(_MOST_PASSES):
            stage = Stage({change.id: change for change in chain(standing, ends.values())})
            sound = [change for change in standing if self._is_sound(change, stage)]
            if len(sound) == len(standing) or start is None:
                return sound
            # What the hooks wrote for the changes that are refused must not stay.
            start.again()
            standing = sound
        stage = Stage({change.id: change for change in ends.values()})
        return [change for change in standing if self._is_sound(change, stage)]

    def _is_sound(self, change: Change, stage: Stage) -> bool:
        """Judge one change; what is refused leaves the stage at once, so that what rests on it falls too."""
        stage.add(change)
        try:
            lost = self._lost(change, stage)
            if lost:
                raise SetError("invalidProperties", "these properties refer to nothing", sorted(lost))
            if self._visits and self._type.about is not None:
                visitor.demand_about(self._eyes, self._view, self._call.types, self._type, change)
            else:
                access.demand(self._view, self._type, self._containers(), change, self._entered(change))
            share.judge(self._view, self._type, change)
            if self._type.check_hook is not None:
                self._type.check_hook(self._txn, change, stage)
        except SetError as error:
            if self._visits:
                error = visitor.discreet(self._eyes, self._type, error)
            keys = self._patched_by[change.id] if change.act is Act.UPDATE else [change.key]
            self._outcome.refused[change.act].update(dict.fromkeys(keys, error))
            if stage.changes[change.id] is change:
                del stage.changes[change.id]
            return False
        return True

    def _entered(self, change: Change) -> builtins.set[int]:
        """Give the containers that a visitor's patches put an item in, not seeing whether it is there."""
        within, of = self._type.within, self._containers()
        if within is None or of is None or change.id not in self._added:
            return builtins.set()
        wires = [wire for name, _, wire in self._added[change.id] if name == within]
        return {id for wire in wires if (id := of.local(wire)) is not None}

    def _containers(self) -> Type | None:
        target = _container_name(self._type)
        return None if target is None else self._call.types[target]

    # -- writing --

    def _write(self, change: Change) -> None:
        if change.act is Act.CREATE:
            self._txn.insert(self._type, change.id, change.after(), change.search)
        elif change.before() == change.after():
            return  # Nothing changed, so the state may stay (RFC 8620 §5.1).
        elif not share.is_all(change):
            self._txn.update(self._type, change.id, change.before(), change.after())
        if self._type.rights is not None:
            self._share(change)
        if self._type.after_hook is not None:
            self._type.after_hook(self._txn, change)

    def _share(self, change: Change) -> None:
        """Write what a change means for who sees a container."""
        now = int(clock.now())
        reached = self._outcome.reached
        if self._visits and change.act is Act.CREATE:
            reached |= share.inherit(self._txn, self._type, change, now)
            self._eyes = self._txn.seen()
            self._view = access.view(self._eyes)
        else:
            reached |= share.write(self._txn, self._type, change, now)
        if self._visits and visitor.subscribes(self._type, change):
            reached.add(self._txn.person)

    def _destroy(self, ends: Mapping[str, Change]) -> dict[str, SetError]:
        """Destroy what can be; one that fails is tried again when another is gone, as a parent may be."""
        waiting = dict(ends)
        failed: dict[str, SetError] = {}
        progress = True
        while waiting and progress:
            progress = False
            stored = self._txn.values(
                self._type, [change.id for change in waiting.values()], self._type.basis
            )
            for key, change in list(waiting.items()):
                change.old = stored[change.id]
                try:
                    self._destroy_one(change, waiting)
                except SetError as error:
                    failed[key] = visitor.discreet(self._eyes, self._type, error) if self._visits else error
                    continue
                progress = True
                failed.pop(key, None)
                del waiting[key]
        return failed

    def _destroy_one(self, change: Change, waiting: Mapping[str, Change]) -> None:
        access.demand(self._view, self._type, self._containers(), change)
        if self._visits:
            kept = visitor.kept(self._eyes, self._type, change)
            if kept is not None:  # It is elsewhere too, and stays there.
                self._write(kept)
                return
            visitor.demand_to_empty(self._txn, self._view, self._call.types, self._type, change)
        if self._type.before_destroy_hook is not None:
            self._type.before_destroy_hook(self._txn, change, Stage({change.id: change}))
        if self._type.rights is not None:
            self._outcome.reached.update(self._txn.shares(self._type, [change.id]).get(change.id, ()))
        self._txn.delete(self._type, change.id)
        if self._type.after_hook is not None:
            self._type.after_hook(self._txn, change)

    # -- reporting --

    def _report(self, change: Change) -> None:
        if change.act is Act.UPDATE:
            before, named = change.before(), change.named
            told: JsonObject = {}
            for name, value in change.after().items():
                if before.get(name, value) is not value and name not in named and before[name] != value:
                    told[name] = value
            if self._visits:
                told = visitor.masked(self._eyes, self._type, change.id, told)
            self._outcome.updated[self._wire(change.key, change.id)] = (told | change.report) or None
            return
        wire = self._type.wire(change.id)
        values = change.after()
        told = {"id": wire}
        foreign = self._type.foreign(self._call.using) if self._type.uris else ()
        for name, prop in self._type.properties.items():
            if name in foreign:
                continue
            # What must be asked for may be stored in another form than the one that /get shows.
            if name not in change.named and name in values and prop.by_default:
                told[name] = values[name]
            elif prop.part is Part.COUNTER:
                told[name] = 0
        if self._type.rights is not None:
            told["myRights"] = self._rights(change.id)
        if self._visits:
            told = visitor.masked(self._eyes, self._type, change.id, told)
            if share.PROPERTY in told or share.PROPERTY in change.named:
                told[share.PROPERTY] = share.of(self._txn, self._view, self._type, change.id)
        self._outcome.created[change.key] = told | change.report
        if change.id in self._patched_by:
            self._outcome.updated[wire] = None

    def _finish(self, finish: FinishHook) -> None:
        """Let the type do what follows from all that was done, and tell of it."""
        outcome = self._outcome
        made = {values["id"]: values for values in outcome.created.values()}
        changed = finish(self._txn, self._finished(()))
        shown = self._eyes.exists(self._type, changed) if self._visits else changed.keys()
        for id, values in changed.items():
            if id not in shown:
                continue
            wire = self._type.wire(id)
            if wire in made:
                made[wire].update(values)
            else:
                outcome.updated[wire] = (outcome.updated.get(wire) or {}) | values

    def _finished(self, done: Sequence[Change]) -> Finished:
        # What follows for the account as a whole is not for a visitor to ask for.
        refused = self._visits or any(self._outcome.refused.values())
        return Finished(self._own, refused, self._created, done)

    def _rights(self, id: int) -> JsonObject:
        assert self._type.rights is not None
        return self._type.rights.object(self._view.rights(self._type, id), self._call.using)


@cache
def _container_name(type: Type) -> str | None:
    """Name the type of what objects of a type are within."""
    if type.within is None:
        return None
    return next((target for target, _ in type.properties[type.within].kind.references({"#": True})), None)
