"""Once: what was done under a name in an account is not done there again for some days."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from posthouse.model.ports import Txn

_SPACE: Final = "once"
_DAY: Final = 86_400
_KEPT: Final = 7  # days; a letter is given up after five


def is_first(txn: Txn, name: bytes, now: int) -> bool:
    """Say whether something is done for the first time, and note that it is.

    now: Unix seconds.
    """
    today = now // _DAY
    days = [day for day in txn.note(_SPACE) or [] if isinstance(day, int)]
    over = {day for day in days if day <= today - _KEPT}
    for day in over:
        txn.drop_keys(_SPACE, day)
    kept = sorted({*days, today} - over)
    if kept != days:
        txn.put_note(_SPACE, kept)
    mark = int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True)
    if txn.find_keys(_SPACE, [mark]):
        return False
    txn.put_keys(_SPACE, today, [mark])
    return True
