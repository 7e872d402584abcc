"""Sending: what brings the mail of our users to its recipients, put together for one server process."""

from __future__ import annotations

import random
import ssl
from ipaddress import ip_network

import msgspec

from posthouse.app import mailing
from posthouse.app.config import Config, ConfigError, parse_listen
from posthouse.app.wiring import App
from posthouse.delivery.inside import Inside
from posthouse.delivery.resolver import Resolver
from posthouse.kit import clock
from posthouse.serve.work.carrier import Carrier, Means
from posthouse.serve.work.courier import Courier, Login, Manner
from posthouse.serve.work.lead import Lead
from posthouse.serve.work.relay import Relay
from posthouse.serve.work.route import MxRoute, Nowhere, Route, SmartHost

_IMPLICIT_TLS = 465


def relay(app: App, config: Config) -> Relay:
    """Put together what sends from the queue, for one event loop. Raises `ConfigError`."""
    name = mailing.hostname(config)
    # What our own users send is from whom it says.
    trusting = msgspec.structs.replace(config, mail=msgspec.structs.replace(config.mail, verify=False))
    means = Means(
        store=app.store,
        blobs=app.blobs,
        local=Inside(app.acceptance, mailing.deliverer(app, trusting), name),
        courier=Courier(_route(config, name), _manner(config, name)),
        sign=_unsigned,
        host=name,
        now=clock.now,
        jitter=random.random,
    )
    lead = Lead(config.store_folder / "relay.lock")
    return Relay(store=app.store, bus=app.bus, carrier=Carrier(means), lead=lead, now=clock.now)


def _route(config: Config, name: str) -> Route:
    if not config.relay.outward:
        return Nowhere()
    if config.relay.smarthost is not None:
        return SmartHost(*parse_listen(config.relay.smarthost, "relay.smarthost"))
    private = [ip_network(one, strict=False) for one in config.relay.private_networks]
    return MxRoute(Resolver(), name, private)


def _manner(config: Config, name: str) -> Manner:
    """Say how hosts are spoken to; a smart host that gets a password has to show a good certificate."""
    smart, username, password = config.relay.smarthost, config.relay.username, config.relay.password
    if smart is None or username is None or password is None:
        return Manner(name)
    try:
        trust = ssl.create_default_context(cafile=config.relay.ca)
    except OSError as error:
        raise ConfigError(f"relay.ca: {config.relay.ca} cannot be used: {error.strerror or error}") from error
    _, port = parse_listen(smart, "relay.smarthost")
    return Manner(name, Login(username, password), trust, implicit=port == _IMPLICIT_TLS)


def _unsigned(message: bytes) -> bytes:
    """Vouch for nothing: no domain has keys yet."""
    return b""
