"""The edges: protocols on sockets, and the work that is due.

Contract: the only rooms that know a socket; they hand bytes to the protocols and values to the rooms below.
May import: everything below, each edge on its own.
"""
