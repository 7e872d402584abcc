"""Mailroom: an engine with the mail types for protocol tests."""
