"""A source that nobody knows.

scout.py      asks one question after another, and learns from any answer
anatomy.py    the lists, counts, flags and texts that an answer holds
names.py      what APIs call parameters, totals and flags
guesses.py    the kinds of pagination that these suggest
"""
