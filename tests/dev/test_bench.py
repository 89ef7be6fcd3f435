"""The benchmark's parts at tiny sizes: what is measured really happens, and what is incomplete is refused."""

import pstats
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from seawall.dev.bench import contestants, nginx, pages, profile, table
from seawall.dev.bench.__main__ import measure
from seawall.dev.bench.contestants import Contestant, Course, Measured
from seawall.dev.bench.nginx import Nginx
from seawall.dev.customers import Customers
from seawall.formats import registry

RECORDS = 2_500


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """Three pages behind nginx; where it is missing, the error says how to install it."""
    folder = tmp_path_factory.mktemp("bench")
    count = pages.prepare(folder / "pages", RECORDS, seed=3)
    with Nginx(folder / "nginx", folder / "pages") as server:
        yield Course(server=server, pages=folder / "pages", count=count, records=RECORDS, folder=folder)


def rounds(**seconds: tuple[float, ...]) -> dict[str, list[Measured]]:
    """Measurements by name; an underscore stands for the blank."""
    return {
        name.replace("_", " "): [Measured(seconds=each, mebibytes=1.0, phases={}) for each in given]
        for name, given in seconds.items()
    }


def test_every_record_is_as_long_as_the_table_says() -> None:
    customers = Customers(seed=3, total=1_000_000)
    assert {len(pages.record(customers, number)) for number in range(1, 1_000_000, 997)} == {pages.RECORD_BYTES}


def test_nginx_serves_each_page_by_its_number_and_tells_of_every_request(course: Course) -> None:
    course.server.forget()
    bodies = [httpx.get(course.server.url, params={"page": page, "limit": 1000}).content for page in (1, 2, 3)]
    assert bodies == list(pages.bodies(RECORDS, seed=3))
    last = msgspec.json.decode(bodies[-1])
    assert (len(last["data"]), last["metadata"]["total_records"]) == (500, RECORDS)
    assert httpx.get(course.server.url, params={"page": 4}).status_code == 404
    requests, first = course.server.requests()
    assert requests == 4
    assert first <= time.time()


@pytest.mark.runs
def test_each_of_ours_and_the_plain_loop_run_and_stand_in_the_table(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contestants, "RIVALS", sys.executable)  # its `requests` comes with moto
    wanted = [each for each in contestants.contestants() if each.kind in ("floor", "writer", "loop")]
    found = measure(course, [*wanted, Contestant(kind="engine", format="csv")], rounds=1)
    text = table.render(found, RECORDS, (0.5, 0.6))
    for name in ("floor", *(f"writer {each}" for each in registry.names()), "engine csv", "loop csv"):
        assert found[name][0].seconds > 0
        assert f"\n| {name} | " in text
    phases = found["engine csv"][0].phases
    assert sum(phases.values()) == pytest.approx(found["engine csv"][0].seconds)


def test_an_output_that_is_not_whole_is_no_measurement(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("id,name\r\n1,a\r\n2,b\r\n2,b\r\n")
    with pytest.raises(RuntimeError, match=r"\(3, 2, 1, 2\), not 3 records"):
        contestants.verify([path], "csv", 3)


def test_a_process_that_fails_shows_why(course: Course) -> None:
    with pytest.raises(RuntimeError, match="unknown format 'nonsense'"):
        Contestant(kind="writer", format="nonsense").run(course)
    assert not (course.folder / "out").exists()


def figures(path: Path) -> dict[str, tuple[int, float]]:
    """Calls and CPU seconds by function."""
    found = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]  # typeshed lacks it
    return {name.rpartition(".")[2]: (calls, own) for (_, _, name), (calls, _, own, *_) in found.items()}


def test_a_run_can_be_profiled(course: Course) -> None:
    path = course.folder / "profile"
    Contestant(kind="floor").run(course, path)
    assert figures(path)["handle_request"][0] >= course.count


def test_a_profile_counts_the_work_of_threads_and_not_their_waiting(tmp_path: Path) -> None:
    def work() -> None:
        time.sleep(0.3)
        sum(range(3_000_000))

    with profile.profiled(str(tmp_path / "profile")):
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = figures(tmp_path / "profile")
    assert found["work"][0] == 3
    assert found["sleep"][1] < found["sum"][1]


def test_ratios_are_medians_over_rounds_and_a_missed_aim_is_said() -> None:
    found = rounds(floor=(1.0, 1.0, 1.0), engine_csv=(2.0, 5.0, 10.0), loop_csv=(8.0, 10.0, 10.0))
    assert table.ratio(found, "engine csv", "floor") == 0.2
    text = table.render(found, 1_000, (0.0, 0.0))
    assert "| engine csv against floor | ≥ 0.25 | 0.20, missed |" in text
    assert "| engine csv against loop csv | ≥ 3 | 2.00, missed |" in text
    assert "| engine csv against dlt csv | ≥ 10 | not measured |" in text


def test_without_nginx_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(RuntimeError, match="apt-get install nginx-light"), nginx.Nginx(tmp_path, tmp_path):
        pass
