"""The ground floor: clock, JSON codec, ids, limits and log.

Contract: small, pure where it can be, free of meaning; nothing here knows JMAP types.
May import: nothing of Posthouse. Kept under 700 lines.
"""
