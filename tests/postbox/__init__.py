"""What receives mail in tests: hosts that follow a script."""
