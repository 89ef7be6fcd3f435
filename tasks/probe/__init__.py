"""The probe of an unknown source: questions, findings, report.

steps.py       the three tasks: ask, keep, tell
questions.py   what is asked, one question after another
reckoning.py   what the figures amount to
findings.py    what was learnt
report.py      the findings for people
"""
