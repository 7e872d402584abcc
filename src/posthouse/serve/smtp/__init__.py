"""Mail comes in: SMTP, LMTP and submission on sockets (RFC 5321, RFC 2033, RFC 6409).

`server.Server` serves `listener.Listener`s; what it asks of the rooms below stands in `ports`. Who is taken as a
recipient, who may send as whom and where a message goes is decided there.

Contract: a peer costs a bounded amount of memory, disk and time, whatever he sends or leaves out. A message is
acknowledged only after the port said so. No log line holds what was said, nor who said it.
May import: directory, model, proto, kit; never another edge.
"""
