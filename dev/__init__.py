"""Tools for developing: the simulator, the demo, the truth to compare with."""
