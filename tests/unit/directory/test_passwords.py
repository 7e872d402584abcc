from __future__ import annotations

import asyncio

import pytest

from posthouse.directory import passwords as module
from posthouse.directory.error import DirectoryError
from posthouse.directory.passwords import Passwords, PasswordsBusy


@pytest.mark.parametrize(
    "password", ["x", "correct horse", "pass:word", "пароль", "\x00", "\ud800", "x" * 1000]
)
def test_a_hash_matches_its_password_only(passwords: Passwords, password: str) -> None:
    hashed = passwords.hash(password)
    assert hashed.startswith("$argon2id$")
    assert asyncio.run(passwords.matches(hashed, password))
    assert not asyncio.run(passwords.matches(hashed, password + "x"))
    assert hashed != passwords.hash(password)


def test_composed_and_decomposed_letters_are_the_same_password(passwords: Passwords) -> None:
    assert asyncio.run(passwords.matches(passwords.hash("re\u0301sume\u0301"), "r\u00e9sum\u00e9"))


@pytest.mark.parametrize("hashed", [None, "", "not a hash", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"])
def test_no_hash_matches_nothing(passwords: Passwords, hashed: str | None) -> None:
    assert not asyncio.run(passwords.matches(hashed, ""))


def test_for_no_one_the_same_work_is_done(passwords: Passwords) -> None:
    """The hash that stands for no one has the parameters of a real one."""
    assert passwords.hash("x").rsplit("$", 2)[0] == passwords._nobody.rsplit("$", 2)[0]
    assert len(passwords.hash("x")) == len(passwords._nobody)


@pytest.mark.parametrize("password", ["", "x" * 1001, "ph_" + "a" * 32])
def test_a_password_that_cannot_be_taken_is_refused(passwords: Passwords, password: str) -> None:
    with pytest.raises(DirectoryError, match="choose"):
        passwords.hash(password)


def test_only_so_many_wait(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 3)

    async def ask() -> list[bool | BaseException]:
        return await asyncio.gather(*(passwords.matches(None, "x") for _ in range(5)), return_exceptions=True)

    answers = asyncio.run(ask())
    assert [False] * 3 == answers[:3]
    assert [PasswordsBusy] * 2 == [type(answer) for answer in answers[3:]]
