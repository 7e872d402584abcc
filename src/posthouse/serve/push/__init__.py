"""Who in this process waits for which changes, and what each of them is told (RFC 8620 §7).

`hub` hears the bus and knows the watches; a `watch` gathers what its caller has not been told yet; a `position`
is how far a client has been told. The channels, EventSource, WebSocket and Web Push, each hold a watch.

Contract: a watch hears of each change that its caller may see, at once or merged with others of the next
50 ms; nothing is lost while it is open, and from a position everything since is told. Whoever's credential ends
is told nothing more. Idle, all of this takes no CPU time.
May import: everything below `serve`.
"""
