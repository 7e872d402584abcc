"""Pushstate: how the pushes to a subscription go, for its owner to see.

Purpose: the capability ``urn:posthouse:params:jmap:pushstate``, our own. It adds one property to a
PushSubscription, ``deliveryState``, for requests that use it.
Contract: `PUSHSTATE` is all that wiring needs; `state.describe` makes the property's value.
May import: model, kit.
"""

from posthouse.capabilities.pushstate.state import PUSHSTATE

__all__ = ["PUSHSTATE"]
