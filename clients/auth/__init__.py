"""Getting in.

forms.py     the kinds of authentication that people fill, and what each adds to a request
tokens.py    tokens: got, kept, and renewed for all fetchers at once
desk.py      where tokens are asked for
"""
