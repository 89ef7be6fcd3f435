"""What Seawall costs: time as ratios to a bare fetch and to other tools, memory against the length of a part."""
