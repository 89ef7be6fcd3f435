"""Servers that we did not write, to land from."""
