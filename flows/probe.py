"""The flow: ask an unknown source a handful of questions, and say what to save in its block."""

from prefect import flow
from prefect.states import Completed

from seawall.tasks.conclude import explained
from seawall.tasks.context import logs, prefect_api
from seawall.tasks.parameters import SourceName
from seawall.tasks.probe.findings import Findings
from seawall.tasks.probe.steps import ask, keep, tell


@flow(name="probe", flow_run_name="probe {source}")
def probe(source: SourceName, save: bool = False) -> Findings:  # noqa: FBT001, FBT002  # a parameter of the form
    """Find out how a source is paged, how large its pages may be, and how long landing it would take.

    Args:
        source: Name of a saved API Source block; its URL and auth have to be right, the rest may be wrong.
        save: Save what was found in the block, and leave the rest of it as it is.
    """
    logs.configure()
    prefect_api.begin()
    try:
        findings = ask(source)
        findings = keep(findings) if save else findings
        tell(findings)
        return Completed(message=findings.summary, data=findings)  # type: ignore[return-value]  # which Prefect hands on
    except Exception as error:  # noqa: BLE001  # raised again, with what kind it is
        raise explained(error)  # noqa: B904  # the same error, or one that says what caused it
    finally:
        prefect_api.end()
