"""Configuration: one TOML file into one typed value (DESIGN D20).

A flag goes before a variable ``POSTHOUSE_*`` of the environment, that before the file, that before the
default. Each key has a variable: ``limits.max_size_upload`` is ``POSTHOUSE_LIMITS_MAX_SIZE_UPLOAD``; lists are
written with commas there.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from posthouse.kit.limits import Limits

PREFIX: Final = "POSTHOUSE_"
"""How the names of our environment variables begin."""

_LONGEST_PATH: Final = 107  # octets of the path of a Unix socket
_HOSTNAME: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


class ConfigError(Exception):
    """The configuration cannot be used; the message is one line that says what to do."""


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TLS: the paths of a certificate chain and of its private key, both PEM; none means plain HTTP."""

    certificate: str | None = None
    key: str | None = None


class Compat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Switches for clients that do not keep to the standards; all are off by default.

    lenient_using: answer methods whose capability is not in ``using``. core_primary: name a primary account
    for the core capability as well. false_removes: take a keyword or Mailbox that is patched to false as removed.
    """

    lenient_using: bool = False
    core_primary: bool = False
    false_removes: bool = False


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mail: what SMTP and LMTP say and do.

    hostname: the name of this host to others, which stands in each message; by default that of the machine.
    relays: addresses or networks of hosts of yours, beside this machine, that may hand over mail by LMTP, and of
    whose mail nothing is verified. verify: ask whether mail from others is from whom it says. max_size: octets of
    a message.
    """

    hostname: str | None = None
    relays: tuple[str, ...] = ()
    verify: bool = True
    max_size: int = 50_000_000


class Push(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Web Push: whether changes are pushed to the URLs of clients, and to which URLs.

    private_networks: addresses or networks that may be pushed to although they are not public. contact: a
    ``mailto:`` or ``https:`` URI by which push services can reach who runs this server. ca: the path of the
    certificates that those of push services must lead to; none means those that the system trusts.
    """

    enabled: bool = True
    private_networks: tuple[str, ...] = ()
    contact: str | None = None
    ca: str | None = None


class Relay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Relay: how mail goes to other hosts.

    outward: whether it does at all. smarthost: ``HOST:PORT`` of a host that takes all of it; none means that each
    domain's own hosts are asked. username, password: to sign in there with. ca: the path of the certificates that
    the smart host's must lead to; none means those that the system trusts. private_networks: addresses or networks
    that may be sent to although they are not public.
    """

    outward: bool = True
    smarthost: str | None = None
    username: str | None = None
    password: str | None = None
    ca: str | None = None
    private_networks: tuple[str, ...] = ()


class Log(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is logged to standard error, from which level up, and whether each line is JSON."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    json: bool = False


class _Limits(Limits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Limits` as they stand in the file."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that an operator can set. Paths are relative to the working directory.

    data: the data folder. listen: ``HOST:PORT``. public_url: the URL that clients reach ``/`` at, where it is
    not what they ask for. trusted_proxies: addresses or networks of proxies whose word on the client is
    believed. origins: web origins that may read answers; ``*`` stands for all. compress: whether answers are
    compressed. workers: how many processes serve; 0 is one for each core. store, blobs: URLs of where rows
    and bytes are kept; by default in the data folder. smtp: ``HOST:PORT`` for mail from other hosts. lmtp:
    ``HOST:PORT`` or ``unix:PATH`` for mail that another MTA hands over. submission, submissions: ``HOST:PORT`` for the
    mail programs of users, the latter with TLS from the start.
    """

    data: str = "./posthouse-data"
    listen: str = "127.0.0.1:8080"
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    origins: tuple[str, ...] = ("*",)
    compress: bool = True
    workers: int = 1
    store: str | None = None
    blobs: str | None = None
    smtp: str | None = None
    lmtp: str | None = None
    submission: str | None = None
    submissions: str | None = None
    mail: Mail = Mail()
    relay: Relay = Relay()
    tls: Tls = Tls()
    limits: _Limits = _Limits()
    compat: Compat = Compat()
    push: Push = Push()
    log: Log = Log()

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port to listen on."""
        return parse_listen(self.listen)

    @property
    def store_folder(self) -> Path:
        """The folder of the rows."""
        return _sqlite_folder(self.store) if self.store is not None else Path(self.data)


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Config:
    """Read the configuration.

    flags: values by key, such as ``listen``; None stands for one that was not given. Variables that begin with
    ``POSTHOUSE_`` and name no key are passed over: container platforms make such of their own.
    Raises `ConfigError`.
    """
    raw = {} if file is None else _read(file)
    config = _convert(raw, "" if file is None else f"{file}: ", strict=True)
    for variable, path in _variables(Config):
        text = (environment or {}).get(variable)
        if text is not None:
            _put(raw, path, text)
            config = _convert(raw, f"{variable}: ", strict=False)
    for name, value in (flags or {}).items():
        if value is not None:
            raw[name] = value
            config = _convert(raw, f"--{name}: ", strict=False)
    _check(config)
    return config


def check_exposed(config: Config) -> None:
    """Refuse to send passwords and mail over a network in clear. Raises `ConfigError`."""
    host, _ = config.address
    if config.tls.certificate is None and not is_loopback(host) and not config.trusted_proxies:
        raise ConfigError(
            f"{config.listen} can be reached from other machines, so it needs TLS: set tls.certificate and "
            "tls.key, or name the proxy in front that has TLS in trusted_proxies"
        )
    if config.tls.certificate is None:
        _check_submission(config)
    if config.lmtp is not None and not config.mail.relays:
        endpoint = parse_endpoint("lmtp", config.lmtp)
        if not isinstance(endpoint, Path) and not is_loopback(endpoint[0]):
            raise ConfigError(
                f"lmtp: whoever reaches {config.lmtp} can put mail into every account: name the hosts that may in "
                "mail.relays, or use unix:PATH or a loopback address"
            )


def _check_submission(config: Config) -> None:
    """Refuse what needs a certificate where there is none. Raises `ConfigError`."""
    if config.submissions is not None:
        raise ConfigError("submissions: this is TLS from the start: set tls.certificate and tls.key")
    if config.submission is not None and not is_loopback(parse_listen(config.submission)[0]):
        raise ConfigError(
            f"submission: {config.submission} can be reached from other machines, so it needs TLS: set "
            "tls.certificate and tls.key"
        )


def parse_endpoint(key: str, text: str) -> tuple[str, int] | Path:
    """Read where mail comes in: ``HOST:PORT``, or with LMTP the path of a socket after ``unix:``.

    Raises `ConfigError`, which names the key.
    """
    if key == "lmtp" and text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path or len(os.fsencode(path)) > _LONGEST_PATH:
            raise ConfigError(
                f"{key}: {text!r} is not unix:PATH with a path of at most {_LONGEST_PATH} octets"
            )
        return Path(path)
    return parse_listen(text, key)


def parse_listen(text: str, key: str = "listen") -> tuple[str, int]:
    """Read ``HOST:PORT``; an IPv6 address stands in brackets. Raises `ConfigError`, which names the key."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if not colon or not host or (":" in host and not bracketed) or not (port.isascii() and port.isdigit()):
        raise ConfigError(f"{key}: {text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    if int(port[:6]) > 65535:
        raise ConfigError(f"{key}: {port} is no port; they end at 65535")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Say whether a host to listen on can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: is not TOML: {' '.join(str(error).split())}") from error


def _convert(raw: dict[str, Any], origin: str, *, strict: bool) -> Config:
    try:
        return msgspec.convert(raw, Config, strict=strict)
    except msgspec.ValidationError as error:
        raise ConfigError(origin + _one_line(str(error))) from None


def _one_line(text: str) -> str:
    """Put msgspec's words the way round that names the key first: ``limits.max_calls_in_request: ...``."""
    what, _, where = text.partition(" - at `$")
    path = where.rstrip("`").lstrip(".")
    if "unknown field" in what:
        unknown = what.split("`")[1]
        key = f"{path}.{unknown}" if path else unknown
        return f"{key} is no key of the configuration; correct or remove it"
    return f"{path}: {what[:1].lower()}{what[1:]}" if path else what


def _variables(
    struct: type[msgspec.Struct], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give each key's variable and the key's path in the file."""
    for field in msgspec.structs.fields(struct):
        inner = (*path, field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _variables(field.type, inner)
        else:
            yield PREFIX + "_".join(inner).upper(), inner


def _put(raw: dict[str, Any], path: tuple[str, ...], text: str) -> None:
    for name in path[:-1]:
        raw = raw.setdefault(name, {})
    is_list = path[-1] in ("trusted_proxies", "origins", "private_networks", "relays")
    raw[path[-1]] = [item.strip() for item in text.split(",") if item.strip()] if is_list else text


def _check(config: Config) -> None:
    """Refuse what has the right type and still makes no sense. Raises `ConfigError`."""
    parse_listen(config.listen)
    for key in ("smtp", "lmtp", "submission", "submissions"):
        if getattr(config, key) is not None:
            parse_endpoint(key, getattr(config, key))
    if config.mail.hostname is not None and not _HOSTNAME.fullmatch(config.mail.hostname):
        raise ConfigError(f"mail.hostname: {config.mail.hostname!r} is not like mail.example.org")
    _check_networks("mail.relays", config.mail.relays)
    _check_relay(config.relay)
    if not 65_536 <= config.mail.max_size <= 2**31:
        raise ConfigError("mail.max_size: must be from 65536 to 2^31")
    if not 0 <= config.workers <= 1024:
        raise ConfigError("workers: must be from 0 (one for each core) to 1024")
    if (config.tls.certificate is None) != (config.tls.key is None):
        raise ConfigError("tls.certificate and tls.key belong together: set both or none")
    _check_networks("trusted_proxies", config.trusted_proxies)
    _check_networks("push.private_networks", config.push.private_networks)
    if config.push.contact is not None and not config.push.contact.startswith(("mailto:", "https:")):
        raise ConfigError(
            "push.contact: must be a mailto: or https: URI, such as mailto:postmaster@example.org"
        )
    if config.public_url is not None:
        parts = urlsplit(config.public_url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise ConfigError(f"public_url: {config.public_url!r} is not like https://mail.example.org")
    for name in Limits.__struct_fields__:
        if not 1 <= getattr(config.limits, name) <= 2**53 - 1:
            raise ConfigError(f"limits.{name}: must be from 1 to 2^53-1")
    if config.store is not None:
        _sqlite_folder(config.store)


def _check_relay(relay: Relay) -> None:
    _check_networks("relay.private_networks", relay.private_networks)
    if relay.smarthost is not None:
        parse_listen(relay.smarthost, "relay.smarthost")
    if (relay.username is None) != (relay.password is None):
        raise ConfigError("relay.username and relay.password belong together: set both or none")
    if relay.username is not None and relay.smarthost is None:
        raise ConfigError("relay.username: there is no relay.smarthost to sign in at")


def _check_networks(key: str, networks: Iterable[str]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise ConfigError(f"{key}: {network!r} is no address or network") from None


def _sqlite_folder(url: str) -> Path:
    """Read the URL of the embedded store: ``sqlite:FOLDER``. Raises `ConfigError`."""
    scheme, _, rest = url.partition(":")
    if scheme != "sqlite":
        raise ConfigError(f"store: {url!r}: this build has only sqlite:FOLDER")
    folder = "/" + rest.lstrip("/") if rest.startswith("/") else rest
    if not folder.strip("/"):
        raise ConfigError(f"store: {url!r} names no folder: use sqlite:FOLDER")
    return Path(folder)
