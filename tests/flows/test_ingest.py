"""Whole runs: the flow, Prefect's API, a hostile server on a socket, and storage that others judge."""

import csv
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import State
from prefect.logging.handlers import APILogWorker

from seawall.clients.limits import CLAIM_ASKINGS
from seawall.dev.seaweed import SeaweedFS
from seawall.dev.truth import differences
from seawall.dev.unstable_api import Answer, Server
from seawall.flows.ingest import ingest
from seawall.storage.local import LocalStore
from seawall.storage.manifest import Manifest
from seawall.tasks.publishing.sweep import sweep
from seawall.tests.artifacts import newest
from seawall.tests.events import payloads
from seawall.tests.simulator import PASSWORD

Serve = Callable[..., Server]
Save = Callable[..., str]

pytestmark = pytest.mark.usefixtures("short_backoffs")

ALL_FAULTS = {"http_500": 0.1, "http_503": 0.06, "http_429": 0.1, "reset": 0.04, "truncate": 0.04, "retry_after": 1}


def run(source: str, **parameters: Any) -> State[Manifest]:
    """The final state of a run."""
    return ingest(source=source, **parameters, return_state=True)


def landed(source: str, **parameters: Any) -> Manifest:
    """The manifest of a run that completes."""
    manifest = ingest(source=source, **parameters)
    assert isinstance(manifest, Manifest)
    return manifest


def files(manifest: Manifest, root: Path) -> list[Path]:
    """The parts of a dataset in a local folder, in page order."""
    return [root / part.key for part in manifest.parts]


def folder(root: Path) -> Path:
    """The one landing folder below `root`."""
    (only,) = (root / "customers").iterdir()
    return only


def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def asked_since(server: Server, before: dict[str, Any]) -> dict[str, int]:
    """Requests by page since an earlier look at the statistics."""
    pages = server.api.stats()["pages"]
    return {page: n - before["pages"].get(page, 0) for page, n in pages.items() if n != before["pages"].get(page, 0)}


def test_a_hostile_api_is_landed_in_s3_whole_and_once(
    serve: Serve, save_source: Save, bucket: str, seaweed: SeaweedFS, tmp_path: Path
) -> None:
    server = serve(total=40_000, seed=3, token_requests=25, **ALL_FAULTS)
    state = run(save_source(server, max_attempts=12), storage="s3-bucket/judge", prefix="raw/crm")
    manifest = state.result()

    parts = []
    for number, part in enumerate(manifest.parts):
        parts.append(tmp_path / f"{number}.csv")
        seaweed.client().download_file(bucket, part.key, str(parts[-1]))
    assert differences(parts, server.api.customers.records()) == []

    assert (state.name, manifest.verdict, manifest.records) == ("Completed", "complete", 40_000)
    assert state.message == f"Landed 40,000 records in 1 part: {manifest.location}"
    answers = server.api.stats()["answers"]
    assert all(answers[kind] for kind in ("500", "503", "429", "429 with Retry-After", "reset", "truncate", "401"))
    key = manifest.location.removeprefix(f"s3://{bucket}/")
    stored = json.loads(seaweed.client().get_object(Bucket=bucket, Key=key)["Body"].read())
    assert stored["verdict"] == "complete"
    assert key.startswith("raw/crm/customers/")
    keys = [found["Key"] for found in seaweed.client().list_objects_v2(Bucket=bucket)["Contents"]]
    inside = {found.removeprefix(key.replace("_manifest.json", "")) for found in keys}
    data = manifest.parts[0].key.rpartition("/")[2]
    assert inside == {"_plan.json", "_receipts/00000001.json", "_manifest.json", "_report.md", data}


def test_every_report_says_where_secrets_go_unencrypted(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.clients.source.ApiSource.open_urls", lambda source: ["http://inside/items"])
    ingest(source=save_source(serve(total=10), allow_http=True))
    text = (folder(Path("data")) / "_report.md").read_text()
    assert "| Secrets Unencrypted | sent over http:// (allow_http) to `http://inside/items` |" in text


def test_the_report_is_an_artifact_and_a_file_and_tells_what_happened(serve: Serve, save_source: Save) -> None:
    server = serve(total=6_000, seed=5, http_500=0.3)
    state = run(save_source(server, max_attempts=12))
    manifest = state.result()
    text = (folder(Path("data")) / "_report.md").read_text()
    artifact = newest("execution-report")
    assert artifact.data == text
    assert text.startswith("# complete")
    retries = server.api.stats()["answers"]["500"]
    for line in (
        "| Verdict | complete |",
        "| Pages Requested | 6 |",
        "| Successful Pages | 6 |",
        "| Failed Pages | 0 |",
        "| Records Ingested | 6,000 |",
        f"| Output | `{manifest.location}` |",
        f"`500` {manifest.retries['500']}",
    ):
        assert line in text
    assert 0 < manifest.retries["500"] <= retries
    for name in ("Timestamp", "Execution Time", "Format Chosen | `csv`: "):
        assert name in text


def test_the_progress_of_a_run_is_one_artifact(serve: Serve, save_source: Save) -> None:
    run_id = run(save_source(serve(total=3_000))).state_details.flow_run_id
    artifact = newest("landing-progress")
    assert (artifact.flow_run_id, float(str(artifact.data))) == (run_id, 100.0)
    assert str(artifact.description).startswith("3 of 3 pages, ")


def test_events_tell_of_datasets_published_and_incomplete(serve: Serve, save_source: Save) -> None:
    server = serve(total=3_000, fail_pages=frozenset({2}))
    source = save_source(server)
    run_id = str(run(source).state_details.flow_run_id)
    (incomplete,) = payloads("seawall.dataset.incomplete", run_id)
    assert incomplete["landing"].startswith(str(Path("data/customers").absolute()))
    assert "gaps: 1 page missing" in incomplete["reason"]
    assert f"resume='{run_id}'" in incomplete["resume"]
    httpx.post(f"{server.url}/heal")
    manifest = landed(source, resume=run_id)
    (published,) = payloads("seawall.dataset.published", run_id)
    assert published == {
        "manifest": manifest.location, "verdict": "complete", "records": 3_000, "run_id": run_id
    }  # fmt: skip


def test_two_pages_that_fail_for_good_fail_the_run_and_a_resume_asks_for_nothing_else(
    serve: Serve, save_source: Save
) -> None:
    server = serve(total=20_000, fail_pages=frozenset({5, 13}))
    source = save_source(server)
    state = run(source)
    run_id = str(state.state_details.flow_run_id)
    assert state.is_failed()
    assert "gaps: 2 pages missing" in str(state.message)
    assert f"resume='{run_id}'" in str(state.message)
    assert not list(Path("data").rglob("_manifest.json"))
    report = (folder(Path("data")) / "_report.md").read_text()
    assert "| 5 | `page 5 failed 4 times; the last:" in report
    assert "| Failed Pages | 2 |" in report

    httpx.post(f"{server.url}/heal")
    before = server.api.stats()
    manifest = landed(source, resume=run_id)
    asked = {"1": 1, "5": 1, "13": 1, "21": CLAIM_ASKINGS}
    assert asked_since(server, before) == asked, "the first page, to see whether it moved, and the one behind the last"
    assert (manifest.verdict, manifest.run_id) == ("complete", run_id)
    assert [(part.first, part.last) for part in manifest.parts] == [(1, 4), (5, 5), (6, 12), (13, 13), (14, 20)]
    assert differences(files(manifest, Path("data")), server.api.customers.records()) == []
    assert (folder(Path("data")) / "_report.md").read_text().startswith("# complete")


def test_gaps_up_to_max_failed_pages_are_published_and_named(serve: Serve, save_source: Save) -> None:
    server = serve(total=10_000, fail_pages=frozenset({3}))
    state = run(save_source(server), options={"max_failed_pages": 1})
    manifest = state.result()
    assert (state.name, manifest.verdict) == ("CompletedWithGaps", "gaps")
    assert [gap.page for gap in manifest.failed_pages] == [3]
    assert "answers 500 for page 3" in manifest.failed_pages[0].error
    assert manifest.records == 9_000


def test_a_strict_run_publishes_no_gaps(serve: Serve, save_source: Save) -> None:
    server = serve(total=10_000, fail_pages=frozenset({3}))
    state = run(save_source(server), options={"max_failed_pages": 1, "strict": True})
    assert state.is_failed()
    assert "options.strict is set" in str(state.message)
    assert not list(Path("data").rglob("_manifest.json"))


@pytest.mark.parametrize(("advertise", "verdict"), [(7, "short"), (-7, "excess")])
def test_other_counts_than_advertised_are_published_with_a_warning(
    serve: Serve, save_source: Save, advertise: int, verdict: str
) -> None:
    source = save_source(serve(total=3_000, advertise=advertise))
    state = run(source)
    assert (state.name, state.result().verdict) == ("CompletedWithWarnings", verdict)
    assert f"{verdict}: 3,000" in str(state.message)
    strict = run(source, options={"strict": True})
    assert strict.is_failed()
    assert f"{verdict}: 3,000" in str(strict.message)


def test_the_bytes_do_not_depend_on_how_many_requests_are_in_flight(serve: Serve, save_source: Save) -> None:
    source = save_source(serve(total=12_000, seed=2, http_500=0.2, jitter=0.01), max_attempts=12)
    one = landed(source, options={"max_in_flight": 1})
    eight = landed(source, options={"max_in_flight": 8})
    assert [part.sha256 for part in one.parts] == [part.sha256 for part in eight.parts]


def test_parts_landed_in_parallel_hold_all_rows_in_page_order(serve: Serve, save_source: Save) -> None:
    server = serve(total=1_000, http_500=0.05)
    manifest = landed(
        save_source(server, page_size=10, max_attempts=12), options={"pages_per_part": 10, "parallel_parts": 4}
    )
    assert [(part.first, part.last) for part in manifest.parts] == [(n, n + 9) for n in range(1, 101, 10)]
    assert differences(files(manifest, Path("data")), server.api.customers.records()) == []


def test_a_key_that_appears_late_widens_every_part_to_one_schema(serve: Serve, save_source: Save) -> None:
    server = serve(total=4_000, late=2_501, sparse=900)
    manifest = landed(save_source(server), options={"pages_per_part": 1})
    paths = files(manifest, Path("data"))
    names = [column.name for column in manifest.columns]
    assert names[-2:] == ["referral_code", "loyalty_tier"]
    assert {tuple(header(path)) for path in paths} == {tuple(names)}
    assert differences(paths, server.api.customers.records()) == []
    kept = {path.name for path in folder(Path("data")).glob("*.csv")}
    assert kept == {path.name for path in paths}, "the narrow originals are swept"


def test_a_part_that_was_changed_since_it_landed_is_not_published(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=3_000, late=2_001)
    real = LocalStore.get_file

    def tampered(store: LocalStore, key: str, path: Path) -> None:
        real(store, key, path)
        path.write_bytes(path.read_bytes().replace(b"customer7@", b"customer8@"))

    monkeypatch.setattr(LocalStore, "get_file", tampered)
    state = run(save_source(server), options={"pages_per_part": 1})
    assert "was changed since it was landed" in str(state.message)
    assert not list(Path("data").rglob("_manifest.json"))


def test_pages_that_appear_during_the_walk_are_landed(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=3_000)
    api, real = server.api, server.api._page
    customers = type(api.customers)

    def growing(kind: str, page: int, limit: int) -> Any:
        if page == 3:
            api.customers = customers(total=5_000)
            api._bodies.clear()
        return real(kind, page, limit)

    monkeypatch.setattr(api, "_page", growing)
    manifest = landed(save_source(server))
    assert (manifest.verdict, manifest.records, manifest.pages.last) == ("complete", 5_000, 5)
    assert manifest.advertised_at_start.records == 3_000
    assert differences(files(manifest, Path("data")), api.customers.records()) == []


def test_a_source_that_shrinks_during_the_walk_ends_where_it_says(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=9_000)
    api, real = server.api, server.api._page

    def shrinking(kind: str, page: int, limit: int) -> Any:
        if page == 2:
            api.customers = type(api.customers)(total=6_000)
            api._bodies.clear()
        return real(kind, page, limit)

    monkeypatch.setattr(api, "_page", shrinking)
    manifest = landed(save_source(server), options={"pages_per_part": 3, "parallel_parts": 1})
    assert (manifest.verdict, manifest.records) == ("shifted", 6_000), "rows that went may have moved others"
    assert (manifest.advertised_at_start.records, manifest.advertised_at_end.records) == (9_000, 6_000)


def test_an_empty_source_is_a_complete_dataset_without_parts(serve: Serve, save_source: Save) -> None:
    manifest = landed(save_source(serve(total=0)))
    assert (manifest.verdict, manifest.records, manifest.parts) == ("complete", 0, ())


def test_a_range_of_pages_lands_these_pages(serve: Serve, save_source: Save) -> None:
    server = serve(total=10_000)
    state = run(save_source(server), options={"pages": "3-5", "strict": True})
    manifest = state.result()
    assert set(server.api.stats()["pages"]) == {"3", "4", "5"}
    assert differences(files(manifest, Path("data")), server.api.customers.records(2_001, 5_000)) == []
    assert (state.name, manifest.verdict, manifest.scope.pages) == ("CompletedPartial", "partial", "3-5")


def test_a_range_of_pages_that_holds_the_whole_source_is_complete(serve: Serve, save_source: Save) -> None:
    state = run(save_source(serve(total=10_000)), options={"pages": "1-10", "strict": True})
    assert (state.name, state.result().verdict) == ("Completed", "complete")


def test_parameters_of_a_run_reach_the_api(serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(total=1_000)
    seen: list[str] = []
    real = server.api.answer

    def recording(request: Any) -> Any:
        seen.append(request.query.get("since", ""))
        return real(request)

    monkeypatch.setattr(server.api, "answer", recording)
    landed(save_source(server), params={"since": "2026-01-01"})
    assert "2026-01-01" in seen


def test_a_wrong_password_costs_one_request_and_shows_no_secret(serve: Serve, save_source: Save) -> None:
    server = serve()
    login = {
        "kind": "login", "login_url": f"{server.url}/login", "username": "demo", "password": "hunter2-is-wrong"
    }  # fmt: skip
    state = run(save_source(server, auth=login))
    stats = server.api.stats()
    assert (stats["rejected_logins"], stats["requests"], stats["logins"]) == (1, 0, 0)
    assert state.is_failed()
    assert f"{server.url}/login answers 401" in str(state.message)
    assert "hunter2" not in str(state.message)
    assert str(state.state_details.flow_run_id) in str(state.message)
    artifact = newest("execution-report")
    assert str(artifact.data).startswith("# failed")
    assert "hunter2" not in str(artifact.data)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"source": "nobody"}, "no api-source block is called 'nobody'; there are: 'customers'"),
        ({"storage": "s3-bucket/nowhere"}, "no s3-bucket block is called 'nowhere'"),
        ({"storage": "ftp"}, "unknown storage 'ftp'; choose 'local'"),
        ({"format": "xml"}, "unknown format 'xml'; choose one of: csv"),
        ({"prefix": "../elsewhere"}, "unsafe prefix '../elsewhere'"),
        ({"prefix": "x" * 1_000}, "keys would be longer than 1024 bytes"),
        ({"options": {"pages": "5-2"}}, "pages '5-2' ends before it begins"),
        ({"options": {"pages": "all"}}, "options.pages"),
        ({"options": {"pages": "0-2"}}, "begin before page 1"),
        ({"options": {"speed": 9}}, "unknown option 'speed'; choose from: page_size"),
        ({"options": {"parallel_parts": 0}}, "options.parallel_parts"),
        ({"resume": "not-a-run"}, "resume='not-a-run' is not a full run id"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_request(
    serve: Serve, save_source: Save, parameters: dict[str, Any], told: str
) -> None:
    server = serve()
    state = run(**{"source": save_source(server)} | parameters)
    assert state.is_failed()
    assert told in str(state.message)
    assert server.api.stats()["requests"] == 0
    assert server.api.stats()["logins"] == 0


def test_a_missing_bucket_is_refused_before_any_page_and_made_when_asked(
    serve: Serve, save_source: Save, bucket: str, seaweed: SeaweedFS
) -> None:
    server = serve(total=1_000)
    source = save_source(server)
    name = f"missing-{uuid.uuid4().hex[:8]}"
    state = run(source, storage="s3-bucket/judge", bucket=name)
    assert f"bucket '{name}' at {seaweed.url} does not exist" in str(state.message)
    assert server.api.stats()["requests"] == 0
    manifest = landed(source, storage="s3-bucket/judge", bucket=name, options={"create_bucket": True})
    assert manifest.location.startswith(f"s3://{name}/customers/")


def test_pages_beyond_the_source_are_refused(serve: Serve, save_source: Save) -> None:
    state = run(save_source(serve(total=2_000)), options={"pages": "7-9"})
    assert "pages '7-9' lie beyond the source's last page, 2" in str(state.message)


def test_a_missing_records_path_names_the_path_and_the_keys_that_are_there(serve: Serve, save_source: Save) -> None:
    server = serve()
    state = run(save_source(server, records_path="result.items"))
    assert "no list of records at 'result.items'; the keys there are: 'metadata', 'data'" in str(state.message)
    assert server.api.stats()["pages"] == {"1": 3}
    assert not list(Path("data").rglob("_plan.json"))


def test_a_run_that_is_complete_has_nothing_to_fill_and_keeps_its_report(serve: Serve, save_source: Save) -> None:
    source = save_source(serve(total=1_000))
    manifest = landed(source)
    before = (folder(Path("data")) / "_report.md").read_text()
    state = run(source, resume=manifest.run_id)
    assert (state.name, state.result()) == ("Completed", manifest)
    assert f"is published already, and there is nothing to fill: {manifest.location}" in str(state.message)
    assert (folder(Path("data")) / "_report.md").read_text() == before


def test_a_run_is_not_resumed_with_another_source_or_shape(serve: Serve, save_source: Save) -> None:
    server = serve(total=3_000, fail_pages=frozenset({2}))
    run_id = str(run(save_source(server)).state_details.flow_run_id)
    before = server.api.stats()
    for changes, parameters, told in (
        ({"page_size": 500}, {}, "the source"),
        ({}, {"params": {"since": "2026"}}, "the source"),
        ({}, {"options": {"page_size": 10}}, "options.page_size (None then, 10 now)"),
        ({}, {"options": {"pages": "1-2"}}, "options.pages (None then, '1-2' now)"),
    ):
        state = run(save_source(server, **changes), resume=run_id, **parameters)
        assert state.is_failed()
        assert told in str(state.message)
    assert asked_since(server, before) == {}


@pytest.mark.parametrize("option", [{"page_size": 500}, {"pages": "1-4"}])
def test_a_run_is_not_resumed_without_the_options_that_shape_it(
    serve: Serve, save_source: Save, option: dict[str, Any]
) -> None:
    server = serve(total=5_000, fail_pages=frozenset({3}))
    source = save_source(server)
    run_id = str(run(source, options=option).state_details.flow_run_id)
    httpx.post(f"{server.url}/heal")
    ((name, value),) = option.items()
    state = run(source, resume=run_id)
    assert f"options.{name} ({value!r} then, None now)" in str(state.message)
    assert landed(source, resume=run_id, options=option).verdict == ("partial" if "pages" in option else "complete")


def test_an_unknown_run_cannot_be_resumed(serve: Serve, save_source: Save) -> None:
    state = run(save_source(serve()), resume=str(uuid.uuid4()))
    assert "no such run in" in str(state.message)


def test_a_retry_of_the_flow_run_is_a_resume(serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(total=9_000)
    real = server.api._draw
    first_run = 2 * 4  # attempts at a page: four, and four more at the end of the run

    def failing_at_first(page: int, limit: int, attempt: int) -> tuple[str, float]:
        return ("500", 0.0) if page == 6 and attempt <= first_run else real(page, limit, attempt)

    monkeypatch.setattr(server.api, "_draw", failing_at_first)
    # Prefect 3.8 would raise the first attempt's error from a plain call: a returned State does not clear it
    state = ingest.with_options(retries=1)(source=save_source(server), return_state=True)
    manifest = state.result()
    assert (state.name, manifest.verdict) == ("Completed", "complete")
    assert server.api.stats()["pages"] == {
        str(n): {1: 2, 6: first_run + 1, 10: CLAIM_ASKINGS}.get(n, 1) for n in range(1, 11)
    }
    assert differences(files(manifest, Path("data")), server.api.customers.records()) == []


def test_a_source_that_is_down_fails_the_run_and_keeps_the_pages_before(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=50_000)
    source = save_source(server, give_up_after=10, max_attempts=12)
    real = server.api._draw
    monkeypatch.setattr(
        server.api, "_draw", lambda page, *rest: ("500", 0.0) if server.api._asked.total() > 20 else real(page, *rest)
    )
    state = run(source, options={"max_in_flight": 1})
    assert "the API is down: 10 attempts in a row failed" in str(state.message)
    assert server.api.stats()["requests"] < 60
    report = (folder(Path("data")) / "_report.md").read_text()
    assert "| 1-" in report, "the good pages before the fault are a part"


def test_pages_that_fail_for_good_are_gaps_however_many_while_others_answer(serve: Serve, save_source: Save) -> None:
    server = serve(total=30_000, fail_pages=frozenset(range(10, 17)))
    source = save_source(server, give_up_after=10, max_attempts=12)
    state = run(source, options={"max_failed_pages": 10})
    assert state.name == "CompletedWithGaps"
    assert [gap.page for gap in state.result().failed_pages] == list(range(10, 17))


def test_pages_of_an_api_that_rations_requests_are_no_gaps(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=4_000)
    real = server.api._draw
    monkeypatch.setattr(server.api, "_draw", lambda page, limit, n: ("429", 0.0) if n <= 20 else real(page, limit, n))
    manifest = landed(save_source(server, max_attempts=2))
    assert (manifest.verdict, manifest.records) == ("complete", 4_000)
    assert manifest.retries["429"] == 4 * 20


def test_one_glitch_that_says_the_end_does_not_cut_the_walk(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=20_000)
    real = server.api._page

    def glitching(kind: str, page: int, limit: int) -> Any:
        if page == 4 and server.api._asked[4] == 1:
            return Answer(status=200, body=b'{"metadata":{"total_pages":0,"total_records":0},"data":[]}')
        return real(kind, page, limit)

    monkeypatch.setattr(server.api, "_page", glitching)
    manifest = landed(save_source(server), options={"pages_per_part": 10})
    assert (manifest.verdict, manifest.records) == ("complete", 20_000)
    assert differences(files(manifest, Path("data")), server.api.customers.records()) == []


def test_a_page_that_insists_on_the_end_costs_its_own_records_and_no_others(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=20_000)
    real = server.api._page

    def lying(kind: str, page: int, limit: int) -> Any:
        if page == 4:
            return Answer(status=200, body=b'{"metadata":{"total_pages":3,"total_records":3000},"data":[]}')
        return real(kind, page, limit)

    monkeypatch.setattr(server.api, "_page", lying)
    source = save_source(server)
    state = run(source, options={"pages_per_part": 10})
    assert (state.name, state.result().verdict, state.result().records) == ("CompletedWithWarnings", "short", 19_000)
    assert "page 4 empty or shorter than others, though asked for again" in str(state.message)
    assert run(source, options={"strict": True}).is_failed()


def test_a_page_number_that_the_source_ignores_ends_the_run(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=5_000)
    real = server.api._page
    monkeypatch.setattr(server.api, "_page", lambda kind, page, limit: real(kind, 1, limit))
    state = run(save_source(server))
    assert "PageRepeatedError: page" in str(state.message)
    assert "holds the very records of page" in str(state.message)
    assert not list(Path("data").rglob("_manifest.json"))


def test_pages_that_appear_while_gaps_are_tried_again_are_landed(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=3_000)
    api, real_page, real_draw = server.api, server.api._page, server.api._draw
    monkeypatch.setattr(
        api, "_draw", lambda page, limit, n: ("500", 0.0) if page == 2 and n <= 4 else real_draw(page, limit, n)
    )

    def growing(kind: str, page: int, limit: int) -> Any:
        if page == 2 and kind == "200":
            api.customers = type(api.customers)(total=5_000)
            api._bodies.clear()
        return real_page(kind, page, limit)

    monkeypatch.setattr(api, "_page", growing)
    manifest = landed(save_source(server))
    assert (manifest.verdict, manifest.records) == ("complete", 5_000)


def test_a_part_that_vanished_since_it_landed_is_not_published(serve: Serve, save_source: Save) -> None:
    server = serve(total=3_000, fail_pages=frozenset({2}))
    source = save_source(server)
    run_id = str(run(source).state_details.flow_run_id)
    next(folder(Path("data")).glob("*-00000001-*.csv")).unlink()
    httpx.post(f"{server.url}/heal")
    state = run(source, resume=run_id)
    assert state.is_failed()
    assert "-00000001-" in str(state.message)
    assert not list(Path("data").rglob("_manifest.json"))


def test_what_a_death_after_the_commit_left_is_swept_by_the_retry(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=2_000, late=1_001)
    deaths = iter([True])

    def dying(*arguments: Any) -> None:
        if next(deaths, False):
            raise MemoryError("killed between commit and sweep")
        sweep(*arguments)

    monkeypatch.setattr("seawall.tasks.publish.sweep", dying)
    state = ingest.with_options(retries=1)(source=save_source(server), options={"pages_per_part": 1}, return_state=True)
    manifest = state.result()
    assert (state.name, manifest.verdict) == ("Completed", "complete")
    assert {path.name for path in folder(Path("data")).glob("*.csv")} == {
        path.name for path in files(manifest, Path("data"))
    }


def test_a_report_of_a_run_that_failed_otherwise_names_the_failed_pages_too(
    serve: Serve, save_source: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(total=40_000, fail_pages=frozenset({2}))
    real = server.api._page

    def refusing(kind: str, page: int, limit: int) -> Any:
        return Answer(status=400, body=b"{}") if page == 39 else real(kind, page, limit)

    monkeypatch.setattr(server.api, "_page", refusing)
    state = run(save_source(server))
    assert "RequestRefusedError" in str(state.message)
    report = (folder(Path("data")) / "_report.md").read_text()
    assert "| 2 | `page 2 failed 4 times" in report
    assert "| 3-38 |" in report, "what was good before the error is kept"


def test_every_line_is_once_in_prefect_under_its_task(serve: Serve, save_source: Save) -> None:
    state = run(save_source(serve(total=12_000, seed=4, http_500=0.2), max_attempts=12))
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        tasks = {task.id: task.name for task in client.read_task_runs()}
        logs = _logs_until(client, run_id, "Landed 12,000 records")
    told = [(log.message, tasks.get(log.task_run_id)) for log in logs]
    retries = [(message, task) for message, task in told if message.startswith("attempt failed, backing off")]
    assert len(retries) == state.result().retries["500"]
    assert len(set(retries)) == len(retries)
    assert all("page=" in m and "attempt=" in m and "cause=500" in m and "wait=" in m for m, _ in retries)
    assert {task for _, task in retries} <= {"land customers pages 1-12", "plan customers", "publish customers"}
    assert [task for message, task in told if message.startswith("logged in")] == ["authenticate at customers"]
    assert {log.name for log in logs if log.message.startswith("attempt failed")} == {
        "prefect.task_runs.seawall.clients.http.retries"
    }


def _logs_until(client: Any, run_id: Any, last: str) -> list[Any]:
    """All log lines of a run, once the last one has arrived; lines are sent in the background."""
    APILogWorker.drain_all(timeout=10)
    logs = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])), limit=200)
    assert any(last in log.message for log in logs)
    return list(logs)


def test_secrets_appear_nowhere(serve: Serve, save_source: Save, capfd: pytest.CaptureFixture[str]) -> None:
    server = serve(total=8_000, token_requests=3, fail_pages=frozenset({4}), http_500=0.1)
    source = save_source(
        server, secret_params={"q": "s3cr3t/param+value"}, headers={"X-Api-Key": "s3cr3t-header-value"}
    )
    state = run(source)
    told = [str(state.message), capfd.readouterr().err]
    told += [path.read_text() for path in Path().rglob("*") if path.is_file()]
    told.append(str(newest("execution-report").data))
    tokens = [*server.api._tokens, *server.api._refresh_tokens]
    assert len(tokens) > 4
    for secret in (PASSWORD, "s3cr3t", *tokens):
        assert not [text for text in told if secret in text]
    assert any("logs/app.log" in str(path) for path in Path().rglob("*.log"))
