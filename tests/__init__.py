"""Tests: one file for each module, and whole runs against real servers."""
