"""The probe of an unknown source: questions, findings, report.

steps.py       the three tasks: ask, keep, tell
questions.py   what is asked, one question after another: which kind, where it begins
inquiry.py     the asking, and which answers hold the same records
sizes.py       how many records come in a page, and who asks for how many
ends.py        the last page, beyond it, and which totals can be believed
reckoning.py   what the figures amount to
findings.py    what was learnt
report.py      the findings for people
"""
