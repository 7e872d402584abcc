"""Vacation: the automatic reply of who is away (RFC 8621 §1.3.3, §8).

Purpose: the capability ``urn:ietf:params:jmap:vacationresponse``. The settings are kept; no reply is sent yet.
Contract: `VACATION` is all that wiring needs; `response.defaults` gives a new account its settings.
May import: mail, engine, store, model, formats, proto, kit.
"""

from typing import Final

from posthouse.capabilities.vacation import response
from posthouse.model.capability import Capability

VACATION: Final = Capability("urn:ietf:params:jmap:vacationresponse", types=[response.vacation_response])

__all__ = ["VACATION", "response"]
