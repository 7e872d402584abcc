"""One package for each JMAP extension, one module for each type.

Contract: a package exports a `Capability`; importing it has no effect; it meets another capability only where
an RFC says so. May import: engine, directory, store, blobs, model, formats, proto, kit.
"""
