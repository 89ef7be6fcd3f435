"""The engine: the flow as it is, with its default options, into a local folder."""

from seawall.clients.source import ApiSource
from seawall.flows.ingest import ingest


def main(url: str, format: str, folder: str) -> str:
    """Land all pages; the location of the manifest."""
    ApiSource(name="customers", url=url, page_size=1000).save("customers", overwrite=True)
    return ingest(source="customers", bucket=folder, format=format).location
