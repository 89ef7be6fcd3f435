"""A source that nobody knows.

scout.py      asks one question after another, and learns from any answer
anatomy.py    the lists, counts and texts that a body holds
guesses.py    the kinds of pagination that these suggest
"""
