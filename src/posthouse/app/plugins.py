"""Plugins: capabilities of other packages, found by the entry point group ``posthouse.capabilities``.

They come in by the door that mail comes in by: each is a `Capability` in the one list that wiring makes of them.
A package that is broken stops the start, for without it a part of what clients rely on would be missing in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from posthouse.app.config import ConfigError
from posthouse.kit import log
from posthouse.kit.json import dumps
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.model.capability import Capability
from posthouse.model.registry import DeclarationError, Registry

GROUP: Final = "posthouse.capabilities"
"""The group of the entry points; each names a `Capability`."""

_log = log.get("app")


class PluginError(ConfigError):
    """An installed package cannot be used; the message is one line that names it and says what to do."""


def installed() -> list[tuple[str, str]]:
    """Give the names and versions of the packages that bring capabilities; nothing of them is loaded."""
    return sorted({_origin(point) for point in entry_points(group=GROUP)})


def load(limits: Limits, built_in: Iterable[Capability]) -> list[Capability]:
    """Load the capabilities of all installed packages, in the order of the packages' names.

    limits: those that they are to describe themselves with. built_in: what they must fit to.
    Raises `PluginError`.
    """
    points = sorted(entry_points(group=GROUP), key=lambda point: (*_origin(point), point.name))
    loaded = {point: _load(point, limits) for point in points}
    try:
        Registry([*built_in, *loaded.values()])
    except DeclarationError as error:
        for point, capability in loaded.items():
            if capability is error.capability:
                raise _refusal(point, str(error)) from error
        raise
    return [*loaded.values()]


_HIS: Final = Access(account=1, shard=0, name="")
_ANYBODY: Final = Caller(1, "", {_HIS.wire: _HIS}, "")


def tell() -> None:
    """Log which packages bring capabilities."""
    for package, version in installed():
        _log.info("app.plugin", package=package, version=version)


def _load(point: EntryPoint, limits: Limits) -> Capability:
    try:
        capability = point.load()
    except (Exception, SystemExit) as error:
        raise _refusal(point, f"{point.value} cannot be loaded: {_said(error)}") from error
    if not isinstance(capability, Capability):
        kind = type(capability).__name__
        raise _refusal(point, f"{point.value} is no Capability, but of type {kind}")
    try:
        if capability.server is not None:
            dumps(capability.server(limits))
        dumps(capability.in_account(limits, _ANYBODY, _HIS))
    except Exception as error:
        raise _refusal(point, f"{point.value} does not describe itself: {_said(error)}") from error
    return capability


def _origin(point: EntryPoint) -> tuple[str, str]:
    """Name the package of an entry point and its version; for one without, the module."""
    return (point.module, "") if point.dist is None else (point.dist.name, point.dist.version)


def _said(error: BaseException) -> str:
    """Put an error into one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _refusal(point: EntryPoint, fault: str) -> PluginError:
    package, version = _origin(point)
    return PluginError(
        f"the package {package} {version} cannot be used: {fault}; install a version of it that fits "
        f"this Posthouse, or take it out with: pip uninstall {package}"
    )
