"""Walks: the pages of a source in order, and what is believed of those that end, empty or shorten one.

claims.py     an end is a claim: it is asked for again after a pause
numbered.py   pages that are read ahead, by number or offset
outage.py     pages that fail one after the other, though the first one comes
readahead.py  how many of them may be in flight or in hand
chained.py    pages of which each tells how to ask for the next
"""
