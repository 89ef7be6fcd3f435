"""Pages on their way to receipts.

walk.py          which pages there are to land
confirm.py       is that all? The source asked once more, until nothing else comes
staged.py        a part in a local file
summary.py       what its receipt keeps of its pages
upload.py        its way into the bucket, then its receipt
tally.py         what became of a range of pages
rejected.py      records that are set aside
width.py         columns of all parts together, of which there may be too many
record_keys.py   the keys of records, compared over all parts
progress.py      how far a run is, in Prefect's UI
"""
