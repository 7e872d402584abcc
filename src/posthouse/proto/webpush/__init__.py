"""Web Push as its sender sees it: encrypted messages, and who sends them (RFC 8030, RFC 8188, RFC 8291, RFC 8292).

`key` reads the keys of a subscription, `message` encrypts for them, `vapid` signs who we are, `header` writes
the fields of the request. Nothing here sends anything.

Contract: keys that a client gave are hostile and refused with `BadKey`; no clock of its own, the time is
handed in; all randomness can be handed in too, which only tests do.
May import: kit.
"""
