"""Accept: whose an address is, and why nothing is taken for it (RFC 5321 §3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from posthouse.delivery.reply import MALFORMED, NOT_OURS, UNKNOWN
from posthouse.directory.addresses import Address, parse, parse_domain, untagged
from posthouse.directory.error import DirectoryError
from posthouse.directory.place import place_of
from posthouse.model.caller import Access
from posthouse.proto.smtp.reply import Reply
from posthouse.store.addresses import AddressStore
from posthouse.store.directory import DirectoryStore, Person

_MOST: Final = 10_000  # addresses that are remembered
_LONGEST: Final = 1000  # characters of an address that is looked at
_POSTMASTER: Final = "postmaster"
_ESCAPED: Final = re.compile(r"\\(.)", re.S)


@dataclass(frozen=True, slots=True)
class Target:
    """An account that takes mail for an address.

    :ivar address: as the sender wrote it.
    :ivar place: where the account is.
    """

    address: str
    place: Access


class Acceptance:
    """Says of addresses whose they are; usable from any thread.

    What the directory said is remembered until anything in it changes. Each method raises `OSError` where the
    directory can't be read.
    """

    def __init__(self, directory: DirectoryStore) -> None:
        self._directory = directory
        self._addresses = AddressStore(directory)
        self._known = _Known(-1)

    def recipient(self, address: str) -> Target | Reply:
        """Give the account that has what is sent to an address, or the reply that refuses it.

        That is who has the address, or has it without its tag (RFC 5233 §1), or else who has what nobody has in
        its domain. Mail to the postmaster is taken for each domain, and without one (RFC 5321 §4.5.1): where
        nobody else has it, it is for who came first.

        :param address: of RCPT TO, without brackets.
        """
        known = self._now_known()
        if (target := known.recipients.get(address)) is not None:
            return target
        found = self._find(address)
        if isinstance(found, Target):  # strangers can ask for any number of others
            known.keep(address, found)
        return found

    def is_open(self, account: int) -> bool:
        """Say whether an account, by its number, still takes mail."""
        known = self._now_known()
        if account not in known.open and self._addresses.is_open(account):
            known.open.add(account)
        return account in known.open

    def _now_known(self) -> _Known:
        """Give what is remembered, which is nothing once the directory has moved."""
        version = self._directory.version()
        known = self._known
        if known.version != version:
            known = self._known = _Known(version)
        return known

    def _find(self, text: str) -> Target | Reply:
        if len(text) > _LONGEST:
            return MALFORMED
        if text.lower() == _POSTMASTER:
            return _target(text, self._addresses.first_of(None))
        local, at, name = text.rpartition("@")
        if not at:
            return MALFORMED
        try:
            domain = parse_domain(name)
        except DirectoryError:
            return NOT_OURS if name.startswith("[") else MALFORMED
        if not self._addresses.has_domain(domain):
            return NOT_OURS
        try:
            address = parse(f"{_unquoted(local)}@{domain}")
        except DirectoryError:
            return _target(
                text, self._addresses.catch_all(domain)
            )  # nobody has what can't be an address here
        return _target(text, self._holder(address))

    def _holder(self, address: Address) -> Person | None:
        key, domain = address.key, address.domain
        holder = self._addresses.holder(key)
        if holder is None and (bare := untagged(key)) != key:
            holder = self._addresses.holder(bare)
        holder = holder or self._addresses.catch_all(domain)
        if holder is None and key.rpartition("@")[0] == _POSTMASTER:
            return self._addresses.first_of(domain) or self._addresses.first_of(None)
        return holder


class _Known:
    """What a directory of one version said; threads that meet here do no more than ask twice."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.recipients: dict[str, Target] = {}
        self.open: set[int] = set()

    def keep(self, address: str, target: Target) -> None:
        if len(self.recipients) >= _MOST:
            self.recipients.clear()
        self.recipients[address] = target


def _target(address: str, holder: Person | None) -> Target | Reply:
    return UNKNOWN if holder is None else Target(address, place_of(holder))


def _unquoted(local: str) -> str:
    """Take the quotes off a local part: with or without, it is the same (RFC 5321 §4.1.2)."""
    if len(local) > 1 and local[0] == local[-1] == '"':
        return _ESCAPED.sub(r"\1", local[1:-1])
    return local
