"""JMAP over HTTP, as bare ASGI: session, API, upload, download, a front page (RFC 8620 §2, §3, §6, §8).

Contract: every byte from outside is bounded in size and time before anything else is done with it, every
refusal is a problem document (RFC 7807), and no answer shows what went wrong inside. Methods are known by
name only: what answers them comes in through the ports.
May import: engine, directory, store, model, proto, kit; never a capability.
"""
