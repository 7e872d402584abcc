"""The property ``deliveryState`` of a PushSubscription."""

from __future__ import annotations

from typing import Final

from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model.capability import Capability
from posthouse.model.subscription import Subscription

URI: Final = "urn:posthouse:params:jmap:pushstate"

PUSHSTATE: Final = Capability(URI, per_account=None)


def describe(subscription: Subscription) -> JsonObject:
    """Tell how the pushes to a subscription go.

    status: ``unverified``, ``active``, or ``failing`` if the last push was not taken. lastAttempt, lastSuccess,
    nextAttempt: UTCDates or null. lastResponse: what became of the last push, such as ``201``, or why there was
    no answer. failures: how many have failed since one succeeded.
    """
    course = subscription.course
    healthy = "active" if subscription.is_verified else "unverified"
    return {
        "status": "failing" if course.failures else healthy,
        "lastAttempt": _date(course.attempted),
        "lastSuccess": _date(course.succeeded),
        "lastResponse": course.response,
        "failures": course.failures,
        "nextAttempt": _date(course.retry),
    }


def _date(seconds: int | None) -> str | None:
    return None if seconds is None else clock.utc_date(seconds)
