"""Receipts on their way to the manifest.

evidence.py   what the landed parts, and the source asked once more, say about the whole
checks.py     what was looked into, one by one
verdict.py    is it all there, once?
drift.py      columns that changed on the way
widened.py    parts with all columns of their dataset
sweep.py      what no manifest lists, removed after the commit
"""
