"""The only room that speaks SQL: accounts' rows, stamps, counts, search, and who may read which blob.

Contract: `Store` runs units, functions of a `Txn`, against one account at a time; a read sees one snapshot, a
write is durable before it returns. Tables and indexes derive from the declared types. Nothing above this
room knows which database stands behind it.
May import: model, blobs, kit.
"""
