"""The demo: made once, taken up where it was interrupted, and on the next port where one is in use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.app import demo, wiring
from posthouse.app.config import ConfigError
from posthouse.app.intake import Intake
from posthouse.app.listening import listen
from posthouse.app.wiring import App
from posthouse.capabilities.mail.email import email
from posthouse.directory.passwords import Passwords
from posthouse.directory.place import place_of


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with closing(wiring.build(tmp_path, passwords=Passwords(passes=1, memory=8, threads=1))) as app:
        yield app


def emails(app: App) -> int:
    """Count the demo user's Emails."""
    person = app.people.find(demo.DEMO[0])
    return len(asyncio.run(app.store.read(place_of(person), person.id, lambda txn: txn.ids(email))))


def test_a_demo_is_made_once(app: App, tmp_path: Path) -> None:
    assert not demo.is_demo(tmp_path)
    demo.prepare(app, tmp_path, 30)
    demo.prepare(app, tmp_path, 30)
    assert demo.is_demo(tmp_path)
    assert ["demo@example.org", "friend@example.org"] == [person.login for person in app.people.list()]
    assert ["family@example.org"] == [group.login for group in app.groups.list()]
    assert app.people.list() == app.groups.members("family@example.org")
    assert 30 == emails(app)


def test_what_was_opened_with_the_demo_s_password_lives_on_when_it_starts_again(
    app: App, tmp_path: Path
) -> None:
    demo.prepare(app, tmp_path, 0)
    caller = asyncio.run(app.sign_in.basic(*demo.DEMO, "192.0.2.1"))
    assert caller is not None
    demo.prepare(app, tmp_path, 0)
    assert app.sign_in.stands(caller)
    app.people.set_password(demo.DEMO[0], "another")
    demo.prepare(app, tmp_path, 0)
    assert asyncio.run(app.sign_in.basic(*demo.DEMO, "192.0.2.1")) is not None


def test_a_demo_that_was_interrupted_is_completed_and_nothing_is_there_twice(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(Exception):
        pass

    calls = iter([None, Crash])
    keep = Intake.keep

    def crash_at_the_second(self: Intake, batch: list[object]) -> object:
        error = next(calls)
        if error is not None:
            raise error
        return keep(self, batch)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(Intake, "keep", crash_at_the_second)
        with pytest.raises(Crash):
            demo.prepare(app, tmp_path, 150)
    assert 100 == emails(app)
    demo.prepare(app, tmp_path, 150)
    assert 150 == emails(app)


def test_a_folder_of_other_people_is_left_alone(app: App, tmp_path: Path) -> None:
    app.people.add("ada@example.org", None)
    with pytest.raises(ConfigError, match="holds accounts already"):
        demo.prepare(app, tmp_path, 1)
    assert not demo.is_demo(tmp_path)


def test_a_port_in_use_is_passed_over_if_any_will_do() -> None:
    with closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with closing(demo.bind("127.0.0.1", port, any_port=True)) as other:
            assert port != other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} is in use"):
            demo.bind("127.0.0.1", port, any_port=False)
