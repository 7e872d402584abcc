"""A message arrives: what is done with it between the edge and the account.

`resolver` is the one way to the DNS, `verify` finds out whether a message is from whom it says.

Contract: no bytes of a stranger, and no server that a stranger runs, make anything here raise, wait longer than its
patience or take more memory than is written down. Knows no socket of who sends: addresses and bytes are handed in.
May import: everything below `delivery`.
"""
