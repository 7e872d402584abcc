"""Work that is due, and the one door by which the server goes out to addresses that its users name.

Contract: nothing that a stranger answers, or makes a name resolve to, leads this server to another place than
a public one, holds it for longer than its patience, or fills its memory.
May import: everything below `serve`.
"""
