"""Figures that a test counts and the summary of pytest shows."""

from collections.abc import Callable

Figures = Callable[[str, object], None]
"""pytest's fixture `record_property`: takes the name of a figure, and the figure."""
