"""The kinds of storage that `storage=` can name."""
