"""Readers of other people's mail and contacts: mbox, Maildir, ``.eml``, ``.vcf`` and zip or tar of these.

Purpose: turn a path into a stream of messages with the mailbox, keywords and date they had, and of vCards, for
``posthouse import``.
Contract: `open_source` reads in constant memory, in a stable order, never follows a symbolic link, never
writes to disk, and reports what it does not take as `Skipped` with the reason; only a path that cannot be
opened at all raises (`SourceError`). Hostile archives are bounded in size, ratio, depth and count.
May import: the standard library, ``posthouse.formats.vcard`` and ``posthouse.kit``.
"""

from __future__ import annotations

from posthouse.app.sources.folder import role_of
from posthouse.app.sources.item import Contact, Item, Skipped, SourceError
from posthouse.app.sources.source import MAX_MESSAGE, Source, open_source

__all__ = ["MAX_MESSAGE", "Contact", "Item", "Skipped", "Source", "SourceError", "open_source", "role_of"]
