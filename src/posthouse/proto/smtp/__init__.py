"""The server's side of SMTP, LMTP and submission (RFC 5321, RFC 2033, RFC 6409).

`session.Session` takes bytes and gives typed events; who drives it decides on senders, recipients, credentials and
messages, and gets the bytes to send back. `sasl` and `scram` read what is said inside AUTH, `peer.Peer` is who
speaks, `reply.Reply` what he is told.

Contract: no I/O and no clock. Every byte is hostile: all of it is bounded by `limits.Limits`, all work is linear in
it, nothing raises on it, and the same bytes give the same events however they are cut. Only CRLF ends a line: a
bare CR or LF ends the connection, so two servers can never disagree on where a message ends.
May import: kit.
"""
