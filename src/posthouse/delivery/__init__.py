"""A message arrives: what is done with it between the edge and the account.

`accept` says whose an address is. `deliver` brings a message into accounts: `received` writes its trace, `judge` says
what is thought of it, `keep` makes it durable and `file` an Email, both for many at once by `gather`; `reply` is what
its sender is told. `resolver` is the one way to the DNS, `verify` finds out whether a message is from whom it says.

Contract: a message is acknowledged to its sender when it is durable in the mailbox, and each recipient has an answer
of his own. No bytes of a stranger, and no server that a stranger runs, make anything here raise, wait longer than its
patience or take more memory than is written down. Knows no socket of who sends: addresses and bytes are handed in.
May import: everything below `delivery`.
"""
