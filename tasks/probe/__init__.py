"""An unknown source: asked, reckoned, told.

steps.py       the two tasks: ask, tell
questions.py   what is asked, one question after the other
reckoning.py   what the figures amount to
findings.py    what came out
report.py      the findings for people
"""
