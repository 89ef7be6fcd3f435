"""Formats: from the JSON text of records to files."""
