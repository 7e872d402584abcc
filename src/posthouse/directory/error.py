"""The one error of this room."""

from __future__ import annotations


class DirectoryError(Exception):
    """What was asked cannot be done; the message is one line that says why and what to do."""
