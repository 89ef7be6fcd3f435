"""The benchmark: the engine and its writers as ratios to bare fetching and to other tools, in one run."""
