"""The JMAP envelope without any I/O: request, response, errors, references, patches (RFC 8620 §1-§3, §5.3).

Contract: what comes in is hostile, so every function is bounded by the size of its input and raises only
the three families of `errors`; nothing here knows a method, a type or an account.
May import: kit.
"""
