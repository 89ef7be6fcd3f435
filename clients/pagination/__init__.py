"""Which page comes next, and where the source ends.

kinds.py        every kind of pagination, as one union for the form
numbered.py     pages that can be asked for in any order: by number, by offset
chained.py      pages of which only the one before tells how to ask for them: cursor, next URL, Link header
links.py        where a page says that the next one is, and whether we may go there
extent.py       how far a source goes, as its pages tell and show
seen.py         walks that go in circles
parameters.py   settings that several kinds share
"""
