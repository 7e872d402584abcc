"""Blobs of an account: who may upload, read and copy which bytes (RFC 8620 §6, DESIGN D3).

Knowing an id grants nothing. A person reads a blob if something he sees keeps it, or if he uploaded it within
the last day. A part's id is believed only as far as its bytes lie inside a blob that he may read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from posthouse.blobs.port import Blobs
from posthouse.engine import access
from posthouse.engine.call import Call, Tools
from posthouse.kit import clock
from posthouse.kit.json import JsonObject
from posthouse.model import blobid
from posthouse.model.blobid import BlobId
from posthouse.model.caller import Access, Caller
from posthouse.proto.jmap.errors import MethodError, SetError

KEPT: Final = 24 * 3600
"""Seconds for which an upload that nothing refers to is kept; RFC 8620 §6.1 asks for one hour."""
