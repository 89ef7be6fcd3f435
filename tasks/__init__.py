"""Tasks: the steps of a run, in the order of the story.

settle.py       refuse what makes no sense before anything is asked for
preflight.py    get in at the source, reach the bucket
plan.py         read the first page, cut the walk into parts, write `_plan.json`
land.py         fetch the pages that no receipt covers, part by part
publish.py      judge, and commit by `_manifest.json`
report.py       tell how it went, also when it failed
conclude.py     end as a state with a name, or as an error with the way to go on

overview.py     several sources in one report, and how that run ends

run.py options.py upload_options.py parameters.py errors.py
                the small frozen values of a run, their limits, what can go wrong
dataframes.py   published datasets for notebooks

landing/        pages on their way to receipts
publishing/     receipts on their way to the manifest
probe/          an unknown source: what is asked, and what the answers amount to
sources/        sources as YAML in git, and the blocks that come of them
context/        Prefect, blocks, logging: what is the process's, and no step
"""
