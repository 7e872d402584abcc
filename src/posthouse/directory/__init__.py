"""Who there is, what proves it and what is open to whom: people, groups, passwords, tokens, tickets, signing in.

Contract: a name is normalised in one place (`addresses`); a password or the text of a token is never stored,
logged or put into an error; a revoked credential is refused by every process from the next request on, and an
account that is open no more is gone with it; who guesses learns neither from an answer nor from its time
whether a name exists. Errors are `DirectoryError`, one line that says what to do.

May import: store, bus, model, proto, kit. No SQL: that is `posthouse.store.directory`.
"""
