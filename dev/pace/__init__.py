"""How close to its limit a server is used whose limit nobody tells, and how seldom it has to refuse.

servers.py      servers with limits, as state machines
world.py        walks over them on a virtual clock
policies.py     who decides when a request may start: the controller, and what it is compared with
cases.py        the servers of the table, and servers drawn from a seed
sockets.py      the same over sockets
"""
