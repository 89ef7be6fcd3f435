"""Sources as YAML in git: read with line numbers, checked as a whole, saved as blocks.

document.py     the text as a tree that knows its lines
entries.py      defaults and endpoints become one form for each source
references.py   ${NAME} and ${secret:NAME}, and secrets that stand in the clear
refusals.py     what is wrong with a form, at the line where it stands
files.py        all of the above for some files at once
apply.py        blocks created, changed or left as they are
schema.py       the JSON Schema by which editors complete and check a file
complaint.py    one thing that is wrong, with file and line
"""
