"""Pure codecs: bytes to values and back, nothing else.

Contract: no I/O, no clock, no state; a codec never fails on foreign bytes.
May import: kit.
"""
