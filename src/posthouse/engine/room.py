"""Room: the difference between a fault of ours and a disk that is full."""

from __future__ import annotations

import errno
from typing import Final

from posthouse.kit import log
from posthouse.proto.jmap.errors import MethodError

_FULL: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))

_log = log.get("engine")


def unavailable(fault: BaseException) -> MethodError | None:
    """Give ``serverUnavailable`` if something failed for want of room on the disk; None for any other fault."""
    if not isinstance(fault, OSError) or fault.errno not in _FULL:
        return None
    _log.error("engine.disk_full")
    return MethodError("serverUnavailable", "there is no room left to write; nothing was changed")
