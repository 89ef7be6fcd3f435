"""The flow: ask an unknown source a handful of questions, and say what to save in its block."""

from prefect import flow

from seawall.tasks.conclude import explained
from seawall.tasks.context import logs, prefect_api
from seawall.tasks.parameters import SourceName
from seawall.tasks.probe.findings import Findings
from seawall.tasks.probe.steps import ask, tell


@flow(name="probe", flow_run_name="probe {source}")
def probe(source: SourceName) -> Findings:
    """Find out how a source is paged, how large its pages may be, and how long landing it would take.

    Args:
        source: Name of a saved API Source block; its URL and auth have to be right, the rest may be wrong.
    """
    logs.configure()
    prefect_api.begin()
    try:
        findings = ask(source)
        tell(findings)
        return findings
    except Exception as error:  # noqa: BLE001  # raised again, with what kind it is
        raise explained(error)  # noqa: B904  # the same error, or one that says what caused it
    finally:
        prefect_api.end()
