"""What an operator sees: Prefect's UI in a headless browser, on a real server with a real worker.

Screenshots go to the folder `screenshots`, for people to look at; the tests assert the text of the pages.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from prefect.settings import PREFECT_API_URL, temporary_settings

from seawall.clients.auth.login import Login
from seawall.clients.source import ApiSource
from seawall.dev.process import ROOT, wait_for
from seawall.tests.house import PARTS, House
from seawall.tests.simulator import PASSWORD, USERNAME

pytestmark = pytest.mark.ui

SCREENSHOTS = ROOT / "screenshots"
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SECONDS = 1000.0  # Playwright counts in milliseconds


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    assert Path(CHROMIUM).exists(), "these tests need Debian's chromium: apt-get install chromium"
    SCREENSHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1300, "height": 1500})
        page.set_default_timeout(30 * SECONDS)
        expect.set_options(timeout=30 * SECONDS)
        yield page
        browser.close()


def test_the_form_of_a_source_offers_the_kinds_of_auth_and_pagination_and_saves_what_was_filled_in(
    house: House, browser_page: Page
) -> None:
    page = browser_page
    page.goto(f"{house.server.ui}/v2/blocks/catalog/api-source/create")
    expect(page.get_by_text("How to get in.")).to_be_visible()
    for kind in (
        "None",
        "Bearer token",
        "API key",
        "Basic",
        "OAuth 2",
        "JWT bearer",
        "AWS Signature 4",
        "Session",
        "Offset",
        "Cursor",
        "Next URL",
        "Link header",
    ):
        expect(page.get_by_role("tab", name=kind, exact=True).first).to_be_visible()
    page.get_by_role("tab", name="Login").click()
    inputs = page.locator("input, textarea")
    inputs.nth(0).fill("by-hand")
    for label, value in (
        ("Name", "orders"),
        ("Url", f"{house.api.url}/customers"),
        ("Login Url", f"{house.api.url}/login"),
        ("Username", USERNAME),
    ):
        page.get_by_label(label, exact=True).last.fill(value)
    page.locator("input[type=password]").first.fill(PASSWORD)
    page.screenshot(path=SCREENSHOTS / "source-form.png", full_page=True)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Block created successfully")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "source-saved.png", full_page=True)
    assert PASSWORD not in page.inner_text("body")
    with temporary_settings({PREFECT_API_URL: f"{house.server.ui}/api"}):
        saved = ApiSource.load("by-hand", _sync=True)  # type: ignore[call-arg]  # Playwright has a loop in this thread
    assert isinstance(saved, ApiSource)
    assert (saved.name, saved.pagination.kind) == ("orders", "page_number")
    assert isinstance(saved.auth, Login)
    assert saved.auth.password.get_secret_value() == PASSWORD


def test_a_run_is_started_from_the_form_with_another_bucket_and_watched_to_its_report(
    house: House, browser_page: Page, tmp_path: Path
) -> None:
    page = browser_page
    house.fresh_api(latency=0.2, http_500=0.05, rate_limit=10)
    bucket = house.bucket("from-the-ui")
    with house.client as client:
        deployment = client.read_deployment_by_name("ingest/unstable-to-s3")
    with house.worker() as worker:
        page.goto(f"{house.server.ui}/v2/deployments/deployment/{deployment.id}/run")
        expect(page.get_by_text("Folder in the bucket, such as")).to_be_visible()
        page.get_by_role("tabpanel", name="str").get_by_role("textbox").first.fill(bucket)
        page.get_by_role("spinbutton", name="Pages Per Part (Optional)").fill(str(PARTS))
        page.screenshot(path=SCREENSHOTS / "run-form.png", full_page=True)
        page.get_by_role("button", name="Submit").click()
        wait_for(lambda: house.asked() > 20, worker, "the walk", 120)
        with house.client as client:
            (run,) = [each for each in client.read_flow_runs() if each.parameters.get("bucket") == bucket]
        page.goto(f"{house.server.ui}/v2/runs/flow-run/{run.id}")
        expect(page.get_by_text("customers to s3-bucket/lake").first).to_be_visible()
        expect(page.get_by_text("Running").first).to_be_visible()
        page.get_by_role("tab", name="Task Runs").click()
        expect(page.get_by_text("land customers pages 1-10").first).to_be_visible()
        page.screenshot(path=SCREENSHOTS / "run-working.png", full_page=True)
        house.wait_for_state(run, worker, "Completed")
    house.check_landed(bucket, tmp_path)
    page.reload()
    expect(page.get_by_text("Completed").first).to_be_visible()
    page.get_by_role("tab", name="Artifacts").click()
    expect(page.get_by_text("execution-report").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "run-artifacts.png", full_page=True)
    page.get_by_text("execution-report").first.click()
    page.locator("a[href*='/artifacts/artifact/']").first.click()
    expect(page.get_by_role("cell", name="Records Ingested")).to_be_visible()
    expect(page.get_by_role("cell", name="12,000", exact=True).first).to_be_visible()
    expect(page.get_by_text("The API permits about").first).to_be_visible()
    expect(page.get_by_text("pages/s").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "report.png", full_page=True)
