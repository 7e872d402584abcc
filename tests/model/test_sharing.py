"""Sharing through random histories: nobody is told of what is hidden from him, and everybody of what is not.

People of a domain make things, share them, take that back, join a group and leave it. Visitors call every method that
there is, with ids of all that was ever made. Each answer is held against `village.eyes`, a model that knows only what
the owner sees and who was granted what.
"""

from __future__ import annotations

import random

from hypothesis import Phase, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from bakery.kitchen import OpenStore
from posthouse.model.caller import wire_principal
from village.attempts import Attempts
from village.scene import seeds
from village.village import DORA, NAMES, home, wire


class Sharing(Attempts):
    """Two domains through a random history."""

    @rule(seed=seeds)
    def come_from_elsewhere(self, seed: int) -> None:
        """Nothing of a domain is there for people of another, whatever they call."""
        r = random.Random(seed)
        pair = self.pair(r)
        owner = pair[1]
        for _ in range(4):
            name, arguments = self.any_call(r, pair)
            if name in ("Core/echo", "PushSubscription/get", "PushSubscription/set"):
                continue
            account = r.choice([wire(owner), home(pair[0])])
            call = (name, arguments | {"accountId": account})
            [[kind, answer, _]] = self.village.answer(DORA, call)["methodResponses"]
            assert ("error", "accountNotFound") == (kind, answer["type"]), (call, answer)
        town = home(DORA)
        asked = self.village.answer(
            DORA,
            ("Principal/get", {"accountId": town, "ids": [wire_principal(one) for one in NAMES]}),
            ("Principal/query", {"accountId": town}),
            ("Principal/query", {"accountId": town, "filter": {"accountIds": [wire(one) for one in NAMES]}}),
        )["methodResponses"]
        own = wire_principal(DORA)
        assert [own] == [one["id"] for one in asked[0][1]["list"]]
        assert [[own], [own]] == [asked[1][1]["ids"], asked[2][1]["ids"]]
        session = self.village.session(DORA)
        assert {wire(DORA), town} == session["accounts"].keys()


def test_any_history(open_store: OpenStore) -> None:
    machine = type("Machine", (Sharing,), {"open_store": staticmethod(open_store)})
    # A failing history is told as it was found: making it shorter would take longer than a test may.
    phases = (Phase.explicit, Phase.generate)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=12, stateful_step_count=40, phases=phases, print_blob=False)
    )
