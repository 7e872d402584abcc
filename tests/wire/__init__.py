"""For tests over real HTTP: who talks to the server."""
