"""A clock that runs backwards, or is set to another century: states and ids only ever go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.kit import clock

from .test_disk import call, message, opened, upload


@pytest.mark.parametrize("jump", [-86_400.0, -1e9, 1e9, -1.7e9])
def test_states_and_ids_go_on_when_the_clock_jumps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    with opened(tmp_path) as (app, caller):
        create = {"e": message(app, caller, 100)}
        _, first = call(app, caller, "Email/set", create=create)
        blob = upload(app, caller, b"Subject: x\r\n\r\n")
        real = clock.now
        monkeypatch.setattr(clock, "now", lambda: real() + jump)
        _, second = call(app, caller, "Email/set", create=create)
        _, changes = call(app, caller, "Email/changes", sinceState=first["newState"])
        assert [second["created"]["e"]["id"]] == changes["created"]
        assert second["oldState"] == first["newState"] != second["newState"] == changes["newState"]
        assert first["created"]["e"]["id"] != second["created"]["e"]["id"]
        _, moved = call(app, caller, "Email/queryChanges", sinceQueryState=first["newState"])
        assert [second["created"]["e"]["id"]] == [added["id"] for added in moved["added"]]
        name, parsed = call(app, caller, "Email/parse", blobIds=[blob])
        assert "Email/parse" == name
        # An upload is kept for a day by whatever clock there is.
        assert ([blob] if jump < 86_400 else None) == (list(parsed["parsed"]) if parsed["parsed"] else None)
