"""A garden that is shared with visitors, as the test bed of what they see."""
