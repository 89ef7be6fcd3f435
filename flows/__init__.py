"""Flows: what a user runs."""
