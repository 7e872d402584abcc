"""The six standard methods, derived from declared types; dispatch of requests; who may see what.

Contract: `Engine.answer` turns a parsed Request of a Caller into the bytes of a Response. The engine knows
types by their declarations only, and callers as values.
May import: store, blobs, model, proto, kit. Never a capability, a format or the directory.
"""
