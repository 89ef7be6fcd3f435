"""What Seawall costs: time against a bare fetch, memory against the length of a part."""
