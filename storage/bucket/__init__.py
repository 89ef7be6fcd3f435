"""A bucket in S3, one call at a time: repeated where that may help, explained where it does not.

patience.py    how long a store is asked again, and how all asking ends at once
answers.py     what failures mean: worth another attempt, or one of our errors with its remedy
calls.py       the calls on one bucket
upload.py      a file on its way in, in chunks where it is large
preflight.py   may we write there, and does the store know create-only writes? By trying
"""
