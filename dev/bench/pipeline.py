"""The same walk by dlt: its `rest_api` source into its `filesystem` destination, with settings that suit it best."""

import os
from pathlib import Path

SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "NORMALIZE__WORKERS": str(os.cpu_count() or 1),  # processes; they need several files to share
    "DATA_WRITER__FILE_MAX_ITEMS": "50000",
    "DATA_WRITER__BUFFER_MAX_ITEMS": "5000",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "LOAD__WORKERS": "4",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
}


def main(url: str, folder: str, file_format: str) -> None:
    """Load all pages into `folder`; nested objects stay JSON, as ours do."""
    os.environ |= SETTINGS
    import dlt  # noqa: PLC0415  # it reads its settings when imported
    from dlt.sources.rest_api import rest_api_source  # noqa: PLC0415

    base, _, path = url.rpartition("/")
    source = rest_api_source(
        {
            "client": {
                "base_url": base,
                "paginator": {"type": "page_number", "base_page": 1, "total_path": "metadata.total_pages"},
            },
            "resources": [
                {
                    "name": path,
                    "parallelized": True,
                    "max_table_nesting": 0,
                    "endpoint": {"path": path, "params": {"limit": 1000}, "data_selector": "data"},
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=str(Path(folder, "work")),
        destination=dlt.destinations.filesystem(Path(folder, "out").as_uri()),
        dataset_name="landed",
    )
    pipeline.run(source, loader_file_format=file_format)
