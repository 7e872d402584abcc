"""File: messages into accounts, those for one account in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from posthouse.capabilities.mail import birth, ingest
from posthouse.capabilities.mail.ingest import Filing, Prepared
from posthouse.delivery import once
from posthouse.delivery.gather import Gather
from posthouse.delivery.vacation import Arrival, Vacation
from posthouse.kit import clock
from posthouse.model.caller import Access
from posthouse.model.ports import Txn
from posthouse.store.account import Store

_MOST: Final = 50
_INBOX: Final = ("Inbox", "inbox")
_JUNK: Final = ("Junk", "junk")


class Gone(Exception):
    """The account was removed after its address was accepted."""


class Letter(NamedTuple):
    """A message for an account.

    :ivar sender: from whom; empty: nobody to answer to.
    :ivar is_junk: whether it goes to the Junk Mailbox.
    :ivar once: under what name it is filed once; empty: whenever it comes.
    """

    message: Prepared
    sender: str
    is_junk: bool
    once: bytes = b""


class Filer:
    """Files messages; of one event loop.

    :param is_open: says of an account, by its number, whether it still takes mail; called in any thread.
    :param vacation: answers for those who are away.
    """

    def __init__(self, store: Store, is_open: Callable[[int], bool], vacation: Vacation) -> None:
        self._store = store
        self._is_open = is_open
        self._vacation = vacation
        self._lines: dict[int, Gather[Letter, None]] = {}

    async def file(self, place: Access, letter: Letter) -> None:
        """Make a message an Email, durably. Raises `Gone`, and `OSError`."""
        line = self._lines.get(place.account)
        if line is None:
            line = self._lines[place.account] = Gather(partial(self._write, place), at_once=1, most=_MOST)
        try:
            await line.do(letter)
        finally:
            if line.is_idle and self._lines.get(place.account) is line:
                del self._lines[place.account]

    async def _write(self, place: Access, letters: Sequence[Letter]) -> list[Exception | None]:
        try:
            unit = partial(self._put, place.account, letters)
            await self._store.write(place, place.owner, unit, again=True)
        except Exception as error:
            if len(letters) == 1 or isinstance(error, Gone):
                return [error] * len(letters)
            # What is wrong with one of them must not keep the others out.
            return [outcome for letter in letters for outcome in await self._write(place, [letter])]
        return [None] * len(letters)

    def _put(self, account: int, letters: Sequence[Letter], txn: Txn) -> None:
        # Whoever removes an account tells the directory first, and erases its rows in a later transaction.
        if not self._is_open(account):
            raise Gone
        now = int(clock.now())
        letters = [one for one in letters if not one.once or once.is_first(txn, one.once, now)]
        homes = {is_junk: _home(txn, is_junk) for is_junk in {letter.is_junk for letter in letters}}
        ingest.file(txn, [Filing(one.message, homes[one.is_junk], frozenset(), now) for one in letters])
        heard = [Arrival(one.message, one.sender) for one in letters if one.sender and not one.is_junk]
        if heard:
            self._vacation.answer(txn, heard, now)


def _home(txn: Txn, is_junk: bool) -> frozenset[int]:
    """Give the Mailbox for what comes, which is made if the user has destroyed it."""
    name, role = _JUNK if is_junk else _INBOX
    return frozenset([birth.ensure(txn, (name,), role)])
