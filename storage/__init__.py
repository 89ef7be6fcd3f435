"""Storage: objects, and the documents that make a landing folder."""
