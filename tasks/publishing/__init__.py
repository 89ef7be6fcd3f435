"""Receipts on their way to the manifest.

evidence.py   what the landed parts, and the source asked once more, say about the whole
checks.py     what was looked into, one by one
verdict.py    is it all there, once?
drift.py      columns that changed on the way
widened.py    published parts: objects with all columns, looked at
sweep.py      what no manifest lists, removed after the commit
"""
