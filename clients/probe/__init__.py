"""A source that nobody knows.

scout.py      asks one question after the other, and takes any answer for a finding
anatomy.py    the lists, counts and texts that a body holds
guesses.py    the kinds of pagination that they suggest
"""
