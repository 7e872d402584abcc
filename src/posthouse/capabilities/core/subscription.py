"""PushSubscription: a URL to which a client has changes pushed (RFC 8620 §7.2).

It belongs to a credential and to no account, so its two methods are our own; what a create or a patch may say
is held against a declaration all the same.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, cast

from posthouse.capabilities.emailpush import config
from posthouse.capabilities.pushstate import state
from posthouse.engine import argument
from posthouse.engine.call import Call, Subscriptions
from posthouse.engine.get import checked
from posthouse.engine.given import new, patch_names
from posthouse.engine.result import or_none
from posthouse.kit import clock
from posthouse.kit.json import Json, JsonObject
from posthouse.model.kind import Anything, ListOf, Record, String, UTCDate
from posthouse.model.ports import Calling
from posthouse.model.property import Property
from posthouse.model.subscription import Subscription
from posthouse.model.type import Type
from posthouse.proto.jmap import patch
from posthouse.proto.jmap.errors import MethodError, SetError
from posthouse.proto.webpush.key import BadKey
from posthouse.proto.webpush.key import read as read_keys
from posthouse.store.subscriptions import Rows

LONGEST: Final = 7 * 86_400
"""Seconds after which a subscription ends that was made with a credential without an end."""

AT_MOST: Final = 64
"""How many subscriptions a person has, whatever the credential (RFC 8620 §8.6)."""

_BURST: Final = 32  # subscriptions that a person may make at once
_PAUSE: Final = 60  # seconds for each after that
_CODE: Final = 24  # octets
_SECRET: Final = frozenset({"url", "keys"})

subscription: Final = Type(
    "PushSubscription",
    letter="p",
    methods="",
    properties=[
        Property("deviceClientId", String(max_octets=255, min_length=1), required=True, immutable=True),
        Property("url", String(max_octets=2048), required=True, immutable=True, by_default=False),
        Property(
            "keys",
            Record({"p256dh": String(), "auth": String()}, required=frozenset({"p256dh", "auth"})) | None,
            default=None,
            immutable=True,
            by_default=False,
        ),
        Property("verificationCode", String(max_octets=255) | None, default=None),
        Property("expires", UTCDate() | None, default=None),
        Property("types", ListOf(String(max_octets=255), at_most=250) | None, default=None),
        Property("emailPush", config.CONFIGS, default=None),
        Property("deliveryState", Anything(), server=True),
    ],
)
_ADDED: Final = {"emailPush": config.URI, "deliveryState": state.URI}
"""The properties of extensions: those who do not use them do not know these."""


async def get(calling: Calling, arguments: JsonObject) -> JsonObject:
    """Answer PushSubscription/get (RFC 8620 §7.2.1).

    Raises MethodError ``forbidden`` for the URL or the keys, ``invalidArguments`` or ``requestTooLarge``.
    """
    call = cast(Call, calling)
    asked = argument.check(argument.of_no_account("get"), arguments)
    names = _wanted(call, asked["properties"])
    wanted, most = asked["ids"], call.limits.max_objects_in_get
    if wanted is not None and len(wanted) > most:
        raise MethodError("requestTooLarge", f"at most {most} ids can be asked for")
    subscriptions = call.tools.subscriptions
    found = {} if subscriptions is None else _by_wire(subscriptions.of(call.caller))
    ids = list(found if wanted is None else dict.fromkeys(wanted))
    shown = [_shown(found[id], names) for id in ids if id in found]
    return {"list": shown, "notFound": [id for id in ids if id not in found]}


async def set(calling: Calling, arguments: JsonObject) -> JsonObject:
    """Answer PushSubscription/set (RFC 8620 §7.2.2).

    Raises MethodError ``forbidden`` where nothing is pushed, ``invalidArguments`` or ``requestTooLarge``.
    """
    call = cast(Call, calling)
    asked = argument.check(argument.of_no_account("set"), arguments)
    create, update = asked["create"] or {}, asked["update"] or {}
    destroy = list(dict.fromkeys(asked["destroy"] or []))
    if len(create) + len(update) + len(destroy) > call.limits.max_objects_in_set:
        raise MethodError(
            "requestTooLarge", f"at most {call.limits.max_objects_in_set} objects can be changed"
        )
    subscriptions = call.tools.subscriptions
    if subscriptions is None:
        raise MethodError("forbidden", "this server pushes to no URL")
    unit = partial(_change, call, subscriptions, create, update, destroy)
    outcome = await call.aside(partial(subscriptions.change, call.caller, unit))
    call.created_ids.update({key: values["id"] for key, values in outcome.created.items()})
    return outcome.as_json()


def _known(call: Call, names: Collection[str]) -> list[str]:
    """Give those of some properties that the request knows of."""
    return [name for name in names if _ADDED.get(name, "") in ("", *call.using)]


def _wanted(call: Call, properties: list[str] | None) -> list[str]:
    if properties is None:
        return _known(call, subscription.defaults())
    names = checked(subscription, properties)
    if _SECRET.intersection(names):
        raise MethodError("forbidden", "the url and the keys are shown to nobody")
    unknown = [name for name in names if name not in _known(call, names)]
    if unknown:
        raise MethodError(
            "invalidArguments", f"{unknown[0]} needs its capability in using", arguments=["properties"]
        )
    return list(dict.fromkeys(["id", *names]))


def _by_wire(subscriptions: list[Subscription]) -> dict[str, Subscription]:
    return {subscription.wire(one.id): one for one in subscriptions}


def _shown(one: Subscription, names: Collection[str]) -> JsonObject:
    values = _values(one)
    return {name: values[name] for name in names}


def _values(one: Subscription) -> JsonObject:
    """Give every property, the secret ones too."""
    return {
        "id": subscription.wire(one.id),
        "deviceClientId": one.device,
        "url": one.url,
        "keys": None if one.keys is None else dict(zip(("p256dh", "auth"), one.keys, strict=True)),
        "verificationCode": one.code if one.is_verified else None,
        "expires": None if one.expires is None else clock.utc_date(one.expires),
        "types": None if one.types is None else list(one.types),
        "emailPush": one.email_push,
        "deliveryState": state.describe(one),
    }


@dataclass(slots=True)
class _Outcome:
    created: dict[str, JsonObject] = field(default_factory=dict)
    updated: dict[str, JsonObject | None] = field(default_factory=dict)
    destroyed: list[str] = field(default_factory=list)
    not_created: dict[str, SetError] = field(default_factory=dict)
    not_updated: dict[str, SetError] = field(default_factory=dict)
    not_destroyed: dict[str, SetError] = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        return {
            "created": or_none(self.created),
            "updated": or_none(self.updated),
            "destroyed": or_none(self.destroyed),
            "notCreated": _refusals(self.not_created),
            "notUpdated": _refusals(self.not_updated),
            "notDestroyed": _refusals(self.not_destroyed),
        }


def _refusals(refused: Mapping[str, SetError]) -> Json:
    return or_none({key: error.as_json() for key, error in refused.items()})


def _change(
    call: Call,
    subscriptions: Subscriptions,
    create: Mapping[str, JsonObject],
    update: Mapping[str, JsonObject],
    destroy: list[str],
    rows: Rows,
) -> _Outcome:
    """Make the changes of one call, each alone (RFC 8620 §5.3)."""
    outcome = _Outcome()
    writer = _Writer(call, subscriptions, rows)
    for key, values in create.items():
        try:
            outcome.created[key] = writer.create(key, values)
        except SetError as error:
            outcome.not_created[key] = error
    doomed = {writer.wire(key) for key in destroy}
    for key, given in update.items():
        try:
            if writer.wire(key) in doomed:
                raise SetError("willDestroy")
            outcome.updated[writer.wire(key)] = writer.update(writer.wire(key), given)
        except SetError as error:
            outcome.not_updated[key] = error
    for key in destroy:
        try:
            writer.destroy(writer.wire(key))
            outcome.destroyed.append(writer.wire(key))
        except SetError as error:
            outcome.not_destroyed[key] = error
    return outcome


class _Writer:
    """The subscriptions of one credential, as they are changed in one transaction."""

    def __init__(self, call: Call, subscriptions: Subscriptions, rows: Rows) -> None:
        self._call = call
        self._subscriptions = subscriptions
        self._rows = rows
        self._now = subscriptions.now()
        found = rows.of(call.caller.person, call.caller.key)
        self._held = _by_wire([one for one in found if one.expires is None or one.expires > self._now])
        self._created = dict(call.created_ids)

    def wire(self, key: str) -> str:
        """Read an id, or a creation id behind ``#``."""
        return self._created.get(key[1:], key) if key.startswith("#") else key

    def create(self, key: str, values: JsonObject) -> JsonObject:
        self._demand_known(values.keys())
        full = new(subscription, key, values, {}).after()
        if full["verificationCode"] is not None:
            raise _wrong("verificationCode", "the server makes the code, and sends it to the URL")
        made = Subscription(
            person=self._call.caller.person,
            key=self._call.caller.key,
            device=full["deviceClientId"],
            url=self._url(full["url"]),
            keys=_keys(full["keys"]),
            code=secrets.token_urlsafe(_CODE),
            expires=self._expiry(full["expires"]),
            types=_types(full["types"]),
            email_push=self._email_push(full["emailPush"], full["keys"]),
        )
        if self._rows.count(made.person) >= AT_MOST:
            raise SetError("overQuota", f"you have {AT_MOST} subscriptions: destroy one first")
        if not self._rows.spend(made.person, self._now, _BURST, _PAUSE):
            raise SetError("rateLimit", "too many subscriptions at once: try again in a minute")
        made = replace(made, id=self._rows.add(made))
        self._created[key] = subscription.wire(made.id)
        self._held[subscription.wire(made.id)] = made
        after = _values(made)
        return {
            name: after[name]
            for name in _known(self._call, after.keys())
            if name not in values or (name not in _SECRET and after[name] != values[name])
        }

    def update(self, wire: str, given: JsonObject) -> JsonObject | None:
        one = self._find(wire)
        names = patch_names(given)
        self._demand_known(names)
        current = _values(one)
        after = patch.apply(given, current, subscription.default_values)
        wrong = [name for name in names if not _may_be(name, current, after)]
        if wrong:
            raise SetError("invalidProperties", "these properties can't be that", sorted(wrong))
        changed = replace(
            one,
            is_verified=self._verified(one, after["verificationCode"]),
            expires=self._expiry(after["expires"]) if "expires" in names else one.expires,
            types=_types(after["types"]),
        )
        if "emailPush" in names:
            changed = replace(changed, email_push=self._email_push(after["emailPush"], current["keys"]))
        self._rows.put(changed)
        self._held[wire] = changed
        now = _values(changed)
        told = {name: now[name] for name in names if name not in _SECRET and now[name] != after[name]}
        return told or None

    def destroy(self, wire: str) -> None:
        self._rows.remove([self._find(wire).id])
        del self._held[wire]

    def _find(self, wire: str) -> Subscription:
        one = self._held.get(wire)
        if one is None:
            raise SetError("notFound")
        return one

    def _demand_known(self, names: Collection[str]) -> None:
        unknown = sorted(frozenset(names).difference(_known(self._call, names)))
        if unknown:
            raise SetError("invalidProperties", "these need their capability in using", unknown)

    def _url(self, url: str) -> str:
        fault = self._subscriptions.fault(url)
        if fault is not None:
            raise _wrong("url", fault)
        return url

    def _verified(self, one: Subscription, code: str | None) -> bool:
        """Say whether it is verified now; raises SetError for a code that is not the right one."""
        if code is None and not one.is_verified:
            return False
        if code is None or not hmac.compare_digest(code.encode(), one.code.encode()):
            raise _wrong("verificationCode", "this is not the code that was sent to the URL")
        return True

    def _expiry(self, wanted: str | None) -> int | None:
        """Give the Unix second of the end: a credential with an end bounds it by itself (RFC 8620 §7.2)."""
        expires = None if wanted is None else clock.parse_utc_date(wanted)
        if expires is not None and expires <= self._now:
            raise _wrong("expires", "this time has passed")
        if self._call.caller.expires is not None:
            return expires
        latest = self._now + LONGEST
        return latest if expires is None else min(expires, latest)

    def _email_push(self, configs: JsonObject | None, keys: JsonObject | None) -> JsonObject | None:
        if configs is None:
            return None
        if keys is None:
            raise _wrong("emailPush", "a subscription without keys is told nothing of what Emails say")
        return config.completed(configs, self._call.caller, self._call.types)


def _may_be(name: str, current: JsonObject, after: JsonObject) -> bool:
    prop = subscription.properties.get(name)
    if prop is None:
        return False
    if prop.server or prop.immutable:
        return bool(after.get(name) == current[name])
    return prop.kind.accepts(after.get(name))


def _keys(keys: JsonObject | None) -> tuple[str, str] | None:
    if keys is None:
        return None
    try:
        read_keys(keys["p256dh"], keys["auth"])
    except BadKey as bad:
        raise _wrong("keys", str(bad)) from None
    return keys["p256dh"], keys["auth"]


def _types(types: list[str] | None) -> tuple[str, ...] | None:
    return None if types is None else tuple(dict.fromkeys(types))


def _wrong(name: str, why: str) -> SetError:
    return SetError("invalidProperties", why, [name])
