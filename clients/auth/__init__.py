"""Getting in.

forms.py        the kinds of authentication, and those whose secret never changes
login.py        a username and a password, for a token or for a session that cookies hold
oauth.py        OAuth 2: an id and a secret, a refresh token, a signed assertion
aws.py          requests that are signed for AWS
credentials.py  what all kinds share
assertions.py   what a private key signs
tokens.py       one token for all fetchers at once, and its renewal
shared.py       the same where refresh tokens work once, and several runs have them
keepers.py      where such tokens are kept
readings.py     what stands in the answer to a request for a token
desk.py         where tokens are asked for
"""
