"""A post office for tests: messages go in, and one looks where they went."""
