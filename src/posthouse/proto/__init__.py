"""Sans-I/O protocols: bytes in, values and bytes out.

Contract: pure functions and state machines; no socket, no thread, no clock of their own. Each package in
here is a stranger to the others.
May import: kit.
"""
