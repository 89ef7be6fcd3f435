"""Clients: everything between us and a source.

api.py          pages in order, read ahead; or one after the other
fetcher.py      one page, with all its attempts
source.py       the block that people fill in
account.py      one login and one pacing for all sources with the same credentials at the same API
caps.py         where a walk stops that would go on for ever
statistics.py   counts of what a client has fetched
errors.py limits.py redact.py   what can go wrong; what bounds it; what nobody may read
encodings.py    what hides a word in a text

http/           one request on the wire, and how it is paced and retried
auth/           getting in
pages/          what an answer holds
pagination/     which page comes next, and where the source ends
walks/          pages in order, and what is believed of those that end, empty or shorten a walk
probe/          a source that nobody knows
"""
