"""A domain with people and a group, for tests."""
