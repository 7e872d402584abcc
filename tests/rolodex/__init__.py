"""An account with contacts, for tests."""
