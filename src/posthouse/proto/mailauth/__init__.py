"""Is a message from whom it says? SPF, DKIM, DMARC and ARC (RFC 7208, RFC 6376, RFC 7489, RFC 8617).

`spf.check`, `dkim.check`, `dmarc.discover` and `arc.check` are generators that yield each `dns.Question` and are
sent its `dns.Answer`; who drives them decides how DNS is asked. `letter.Letter` is the message as signatures see
it, `key` has the keys of both sides, `signing` signs, `results` writes and removes Authentication-Results.

Contract: bytes and answers in, values out; no I/O, no clock, no chance: time is handed in. Every byte of a message
and of DNS is hostile: nothing raises on it, all work is linear in it, and the limits are named in each module.
May import: kit.
"""
