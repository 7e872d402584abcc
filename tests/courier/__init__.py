"""Courier: those who bring mail to a server under test, and one that takes it."""
