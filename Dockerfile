# An image for Docker and Kubernetes work pools: Prefect's workers start `prefect flow-run execute` in it.
# `make image` runs these commands in a clean folder and environment, where no Docker engine is at hand.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 DO_NOT_TRACK=1

WORKDIR /opt/seawall
COPY requirements-runtime.lock ./
RUN python -m pip install --quiet --require-hashes --requirement requirements-runtime.lock
COPY pyproject.toml README.md LICENSE __init__.py py.typed ./
COPY flows flows
COPY tasks tasks
COPY clients clients
COPY formats formats
COPY storage storage
COPY testing testing
RUN python -m pip install --quiet --no-deps .

WORKDIR /tmp
RUN python -c "from seawall import ingest; print(ingest.name)" && prefect version
