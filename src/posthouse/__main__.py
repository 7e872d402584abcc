"""``python -m posthouse`` is the command ``posthouse``."""

from posthouse.app.cli import main

main()
