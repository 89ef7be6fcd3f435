"""Pace: how many requests at once, and how many a second, as far as a source permits and is no slower for it.

tickets.py      what became of the requests of the last seconds
latency.py      how long answers take, by how many requests are in flight
crowd.py        how many at once
rate.py         how many a second
bucket.py       the rate that explains when a request was refused
door.py         whether anything is let in at all
quota.py        what headers tell of a quota
controller.py   all of them together: a state machine without a clock of its own
course.py       what was paced so far, for people to see
allowance.py    requests that somebody else permits, a bundle at a time
peers.py        what other processes learned
"""
