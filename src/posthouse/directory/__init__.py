"""Who there is and what proves it: people, addresses, passwords, tokens, tickets, signing in.

Contract: a name is normalised in one place (`addresses`); a password or the text of a token is never stored,
logged or put into an error; a revoked credential is refused by every process from the next request on; who
guesses learns neither from an answer nor from its time whether a name exists. Errors are `DirectoryError`,
one line that says what to do.

May import: store, model, kit. No SQL: that is `posthouse.store.directory`.
"""
