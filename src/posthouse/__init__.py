"""Posthouse: a complete JMAP server (RFC 8620, RFC 8621)."""

__version__ = "0.1.0.dev0"
