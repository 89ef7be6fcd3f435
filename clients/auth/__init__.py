"""Getting in.

forms.py     the kinds of authentication, as forms that people fill in, and what each adds to a request
tokens.py    one token for all fetchers at once, and its renewal
desk.py      where tokens are asked for
"""
