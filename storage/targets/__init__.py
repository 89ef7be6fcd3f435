"""The kinds of storage that `storage=` can name: one file each, and one line in `kinds.TARGETS`.

kinds.py                all of them by name, and what follows from them together
target.py               what a kind tells, and a target
local.py                a folder on this machine, named by the word alone
s3_bucket.py            a bucket, by a block of prefect-aws
local_file_system.py    a folder on this machine, by a block of Prefect
"""
