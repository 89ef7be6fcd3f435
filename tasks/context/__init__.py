"""What is Prefect's or the process's, and no step of the story.

step.py          the decorator of every task: no retries, no cache, no secret in its errors
resources.py     source, client, store and format of a run, opened once per process and attempt
leftovers.py     what is closed once nobody holds it any more, at a moment when that is safe
processes.py     processes of a pool, which end with the one that runs the flow
blocks.py        blocks by name
keeper.py        tokens that rotate, kept in the block of their source
logs.py          logging, configured in one place
events.py        what automations can wait for
prefect_api.py   whether Prefect's API answers, and how a process ends that cannot reach it
"""
