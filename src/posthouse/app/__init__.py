"""The top of the house: composes everything once, and the command line over it.

Contract: `wiring.build` makes an `App` of a configuration; nothing below knows of `App`. Errors for operators
are one line that says what to do.
May import: every room.
"""
