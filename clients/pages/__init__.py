"""What an answer holds.

page.py       a page and what asks for it; or what stands in its place: a gap, an end
answers.py    what the status of an answer means for a page
decoding.py   the JSON text that the bytes of an answer hold, whatever they come as
charsets.py jsonlines.py cells.py   what else they come as: other encodings, JSON Lines, CSV
body.py       a JSON body, read to its end once
structure.py  how deep it nests and how many members it has, counted piece by piece
keyed.py      an object where a list is expected: records by their keys, or a single one
envelopes.py  what tells of an error and could be taken for a record
layout.py     where records stand in it, so that one pass is enough
records.py    the records of a page in one piece of memory
identity.py   what tells one record, and one page, from another
nesting.py utf8.py   whether readers of our files could follow
"""
