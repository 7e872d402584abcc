"""Attempts: how often one may fail to sign in (token buckets, bounded in number)."""

from __future__ import annotations

from collections import OrderedDict
from math import ceil
from typing import NamedTuple

from posthouse.directory.error import DirectoryError


class TooManyAttempts(DirectoryError):
    """Sign-in failed too often; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many attempts to sign in: try again in {retry_after} s")
        self.retry_after = retry_after


class _Bucket(NamedTuple):
    left: float
    at: float


class Attempts:
    """For each key, `burst` attempts at once and one more every `seconds`.

    At most `keys` keys are remembered; the one that was not used for longest is forgotten.
    """

    def __init__(self, burst: int, seconds: float, *, keys: int = 10_000) -> None:
        self._burst = burst
        self._seconds = seconds
        self._keys = keys
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, key: str, now: float) -> int:
        """Return in how many seconds the key has an attempt left, 0 if it has one now."""
        missing = 1 - self._left(key, now)
        return ceil(missing * self._seconds) if missing > 0 else 0

    def take(self, key: str, now: float) -> None:
        """Use up one attempt."""
        self._set(key, self._left(key, now) - 1, now)

    def give_back(self, key: str, now: float) -> None:
        """Take back `take`: the attempt did not fail."""
        if key in self._buckets:
            self._set(key, self._left(key, now) + 1, now)

    def _left(self, key: str, now: float) -> float:
        bucket = self._buckets.get(key)
        if bucket is None:
            return self._burst
        return min(self._burst, bucket.left + (now - bucket.at) / self._seconds)

    def _set(self, key: str, left: float, now: float) -> None:
        if left >= self._burst:
            self._buckets.pop(key, None)
            return
        self._buckets[key] = _Bucket(left, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
