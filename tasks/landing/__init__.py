"""Pages on their way to receipts.

walk.py          which pages there are to land
staged.py        a part in a local file
upload.py        its way into the bucket, then its receipt
tally.py         what became of a range of pages
rejected.py      records that are set aside
record_keys.py   what tells one record from another
progress.py      how far a run is, in Prefect's UI
"""
