"""Clients: everything between us and a source."""
