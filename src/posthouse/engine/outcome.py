"""Outcome: what became of the changes of one call (RFC 8620 §5.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from posthouse.kit.json import Json, JsonObject
from posthouse.model.change import Act
from posthouse.proto.jmap.errors import SetError


@dataclass(slots=True)
class Outcome:
    """What became of the changes of one call.

    reached: the Principals to whom more, less or something else is open now. implied: the calls that follow.
    """

    old_state: str = ""
    new_state: str = ""
    created: dict[str, JsonObject] = field(default_factory=dict)
    updated: dict[str, JsonObject | None] = field(default_factory=dict)
    destroyed: list[str] = field(default_factory=list)
    refused: defaultdict[Act, dict[str, SetError]] = field(default_factory=lambda: defaultdict(dict))
    reached: set[int] = field(default_factory=set)
    implied: Sequence[tuple[str, JsonObject]] = ()

    def refusals(self, act: Act) -> Json:
        """Give the SetErrors of one kind of change, None if there is none."""
        refused = self.refused.get(act)
        return {key: error.as_json() for key, error in refused.items()} if refused else None
