"""Formats: from the JSON text of records to files.

writer.py      the promise of every format: one file, whole or not at all
registry.py    the formats by name, plug-ins included
csv.py jsonl.py json.py parquet.py   the formats

records.py batches.py              records as a writer gets them, checked and gathered
columns.py parsed.py schema.py texts.py   records as columns, and the types that hold them
files.py lines.py                  files compressed and hashed on the way
frames.py series.py                files as DataFrames and back, for notebooks
"""
