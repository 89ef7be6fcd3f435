"""Kills: processes that die before, in the middle of and after every kind of write to their store.

strikes.py   the kinds of writes, and at which of them a process dies
cases.py     a case, drawn from a seed: a source, a store, options, strikes
stock.py     what the source of a case holds, and what it answers
worker.py    the process that lands, and may die
proxy.py     between a process and SeaweedFS: where those that land in a bucket are struck
disk.py      where those that land in a folder are struck
life.py      a case from its first process to its last one
places.py    what a store holds, seen past the project's own code
judge.py     the dataset as a reader finds it, compared with the source; what is left behind
table.py     all cases, counted
mutants.py   defects that are planted, to see that they are noticed
"""
