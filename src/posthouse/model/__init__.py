"""The vocabulary of declarations: what a JMAP type, property, filter, sort, right and capability is.

Contract: values only. A declaration says what is true of a type; the engine and the store derive the
methods, tables and indexes from it. The ports that hooks work against are Protocols in `ports`.
May import: proto, kit. No I/O, no threads, no database.
"""
