"""One request on the wire.

exchange.py     a request and its answer, judged before the connection serves another one
transport.py    connections, and the client that sends over them
certificates.py what servers are checked by, and what we show them
wire.py         absolute deadlines, and a way to hang up at once
codings.py      bodies decompressed piece by piece
retries.py      which failures another attempt may heal, and how long to wait before it
gate.py         slots, pauses, a rate: what an API sees of all clients that share it
pacing.py       a client's way through the gate, its stop, its failures in a row
proxies.py      which proxies we accept, and what of them is secret
urls.py         which URLs we accept, and how we show them
"""
