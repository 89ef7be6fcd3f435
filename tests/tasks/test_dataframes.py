"""What a notebook does: the newest dataset as a DataFrame, and frames put beside it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest

from seawall.dev.process import ROOT
from seawall.dev.seaweed import SeaweedFS
from seawall.dev.unstable_api import Server
from seawall.flows.ingest import ingest
from seawall.formats.writer import FormatError
from seawall.storage.errors import CorruptObjectError, ObjectMissingError, UnsafeKeyError
from seawall.storage.local import LocalStore
from seawall.storage.manifest import Manifest
from seawall.tasks.dataframes import fetch_dataframe, get_dataframe, latest, put_dataframe, read_dataset, read_frames
from seawall.tasks.errors import SettingsError
from seawall.tests.datasets import publish

pytestmark = pytest.mark.usefixtures("short_backoffs")

Serve = Callable[..., Server]
Save = Callable[..., str]


def landed(source: str, **parameters: Any) -> Manifest:
    manifest = ingest(source=source, **parameters)
    assert isinstance(manifest, Manifest)
    return manifest


def ids(frame: Any) -> list[int]:
    return [int(value) for value in frame["id"]]


def test_the_newest_dataset_of_a_local_folder_is_a_frame_of_text(serve: Serve, save_source: Save) -> None:
    server = serve(total=2_500, late=2_000)
    manifest = landed(save_source(server), prefix="crm", options={"pages_per_part": 1})
    frame = fetch_dataframe("customers", prefix="crm")
    assert len(manifest.parts) == 3
    assert ids(frame) == list(range(1, 2_501))
    assert list(frame) == [column.name for column in manifest.columns]
    truth = server.api.customers.record(2_500)
    assert frame.iloc[-1]["loyalty_tier"] == truth["loyalty_tier"]
    assert frame.iloc[0]["loyalty_tier"] == ""
    assert json.loads(frame.iloc[-1]["address"]) == truth["address"]
    assert latest("customers", prefix="crm") == manifest


def test_a_dataset_in_s3_is_read_by_its_block_whichever_way_it_is_named(
    serve: Serve, save_source: Save, bucket: str, seaweed: SeaweedFS
) -> None:
    manifest = landed(save_source(serve(total=2_500)), storage="s3-bucket/judge", options={"pages_per_part": 2})
    folder = manifest.parts[0].key.rpartition("/")[0]
    for named in (manifest, manifest.location, manifest.location.removesuffix("/_manifest.json"), folder):
        assert ids(read_dataset(named, storage="s3-bucket/judge")) == list(range(1, 2_501))
    sizes = [len(frame) for frame in read_frames(manifest, storage="s3-bucket/judge", records=900)]
    assert sizes == [900, 900, 200, 500]
    assert ids(fetch_dataframe("customers", storage="s3-bucket/judge")) == list(range(1, 2_501))

    with pytest.raises(SettingsError, match="storage='s3-bucket/NAME'"):
        read_dataset(manifest)
    seaweed.client().put_object(Bucket=bucket, Key=manifest.parts[1].key, Body=b"id\r\n1\r\n")
    with pytest.raises(CorruptObjectError, match="is not what was published"):
        read_dataset(manifest, storage="s3-bucket/judge")


def test_another_bucket_in_place_of_the_blocks_own_is_found_again(
    serve: Serve, save_source: Save, bucket: str, seaweed: SeaweedFS
) -> None:
    seaweed.client().create_bucket(Bucket=f"{bucket}-b")
    manifest = landed(save_source(serve(total=10)), storage="s3-bucket/judge", bucket=f"{bucket}-b")
    assert ids(read_dataset(manifest, storage="s3-bucket/judge")) == list(range(1, 11))
    assert ids(fetch_dataframe("customers", storage="s3-bucket/judge", bucket=f"{bucket}-b")) == list(range(1, 11))
    with pytest.raises(ObjectMissingError, match="customers has no landings"):
        latest("customers", storage="s3-bucket/judge")


@pytest.mark.parametrize("where", ["path", "location", "key", "manifest"])
def test_a_landing_folder_that_was_moved_as_a_whole_is_still_read(tmp_path: Path, where: str) -> None:
    made = publish(LocalStore(Path("data")), "customers/run", b'{"id":1,"name":"a"}\n', b'{"id":null,"name":"b"}\n')
    named: Any = {"key": "customers/run", "manifest": made, "location": made.location}.get(where)
    if where == "path":
        shutil.move("data/customers/run", tmp_path / "elsewhere")
        named = str(tmp_path / "elsewhere")
    frame = read_dataset(named)
    assert frame["id"].tolist() == [1, pd.NA]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {"id": "Int64", "name": "string"}


def test_a_folder_without_a_manifest_is_refused() -> None:
    LocalStore(Path("data")).put("customers/run/part-1.csv", b"id\r\n1\r\n", content_type="text/csv")
    with pytest.raises(ObjectMissingError, match="has no manifest: nothing was published there"):
        read_dataset("customers/run")
    with pytest.raises(ObjectMissingError, match="not published"):
        fetch_dataframe("customers")


def test_a_dataset_without_records_is_a_frame_with_its_columns() -> None:
    frame = read_dataset(publish(LocalStore(Path("data")), "customers/run", format="csv"))
    assert (len(frame), list(frame)) == (0, ["id", "name"])
    assert {str(dtype) for dtype in frame.dtypes} == {"string"}


def test_a_verdict_other_than_complete_is_warned_of(serve: Serve, save_source: Save) -> None:
    landed(save_source(serve(total=2_500, fail_pages=frozenset({2}))), options={"max_failed_pages": 1})
    with pytest.warns(UserWarning, match="is gaps: 1 page missing"):
        assert len(fetch_dataframe("customers")) == 1_500


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
def test_a_frame_is_put_under_a_key_and_got_again(suffix: str) -> None:
    frame = pd.DataFrame({"id": [1, 2**53 + 1], "name": ["a", ""], "ok": [True, False]})
    uri = put_dataframe(frame, f"features/scores.{suffix}")
    assert Path(uri) == Path(f"data/features/scores.{suffix}").absolute()
    again = get_dataframe(f"features/scores.{suffix}")
    expected = [["1", "a", "true"], [str(2**53 + 1), "", "false"]] if suffix == "csv" else frame.to_numpy().tolist()
    assert again.to_numpy().tolist() == expected
    put_dataframe(frame[:1], f"features/scores.{suffix}")
    assert len(get_dataframe(f"features/scores.{suffix}")) == 1


def test_a_frame_is_put_in_s3_with_its_content_type(bucket: str, seaweed: SeaweedFS) -> None:
    uri = put_dataframe(pd.DataFrame({"id": [1]}), "features/scores.parquet", storage="s3-bucket/judge")
    assert uri == f"s3://{bucket}/features/scores.parquet"
    head = seaweed.client().head_object(Bucket=bucket, Key="features/scores.parquet")
    assert head["ContentType"] == "application/vnd.apache.parquet"
    assert get_dataframe("features/scores.parquet", storage="s3-bucket/judge")["id"].tolist() == [1]


def test_nothing_is_put_where_a_run_has_landed(serve: Serve, save_source: Save) -> None:
    manifest = landed(save_source(serve(total=10)))
    with pytest.raises(SettingsError, match="lies in a landing folder"):
        put_dataframe(pd.DataFrame({"id": [1]}), manifest.parts[0].key)
    assert len(read_dataset(manifest)) == 10


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("../out.csv", UnsafeKeyError),
        ("/tmp/out.csv", UnsafeKeyError),
        ("out", FormatError),
        ("out.csv.gz", FormatError),
    ],
)
def test_an_unsafe_key_or_one_without_a_format_is_refused(key: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        put_dataframe(pd.DataFrame({"id": [1]}), key)
    assert not Path("data").exists()


def test_pandas_is_imported_by_nobody_who_has_no_dataframe() -> None:
    code = "import sys, seawall.flows.ingest, seawall.tasks.dataframes; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
