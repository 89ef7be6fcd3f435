"""Storage: objects, and the documents that make a landing folder.

store.py      an object store, as the rest of the code sees it
s3.py local.py   the stores
copies.py     records of parts that were widened, until the commit
parallel.py   many requests to a store at once
bucket/       one call on a bucket: repeated, explained, stopped
targets/      the kinds of storage that `storage=` can name

keys.py       the names of things in a bucket
disk.py       staging folders, and what a full disk is called
leftovers.py  what dead processes left on it
checksums.py  SHA-256 of files, as our documents and as S3 have it
documents.py  how JSON documents are written, and read back without trust
plan.py receipts.py manifest.py   the documents
ranges.py     ranges of pages, and what is missing between them
datasets.py   published datasets, as readers find them
"""
