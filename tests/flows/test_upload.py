"""Storage that asks for more: a bucket whose policy denies objects without a header, from the flow's option to S3."""

from collections.abc import Callable

import pytest
from prefect_aws import MinIOCredentials, S3Bucket
from prefect_aws.client_parameters import AwsClientParameters

from seawall.dev.seaweed import ACCESS_KEY, SECRET_KEY, SeaweedFS
from seawall.dev.unstable_api import Server
from seawall.flows.ingest import ingest
from seawall.storage.errors import BucketError
from seawall.storage.manifest import Manifest
from seawall.tasks.dataframes import fetch_dataframe, put_dataframe
from seawall.tasks.errors import SettingsError
from seawall.tasks.options import IngestOptions
from seawall.tests.storeproxy import Exchange, proxy_before

UPLOAD = {"ServerSideEncryption": "AES256"}


def _policy(exchange: Exchange) -> bool:
    begins = exchange.method == "PUT" or (exchange.method == "POST" and "uploads" in exchange.path)
    if not begins or exchange.request_headers.get("x-amz-server-side-encryption") == "AES256":
        return False
    exchange.refuse(403, "AccessDenied")
    return True


def test_a_bucket_that_wants_a_header_is_landed_in_with_the_option_and_names_it_without(
    serve: Callable[..., Server], save_source: Callable[..., str], bucket: str, seaweed: SeaweedFS
) -> None:
    server = serve(total=2_500)
    source = save_source(server)
    with proxy_before(seaweed.url) as proxy:
        proxy.before = _policy
        credentials = MinIOCredentials(
            minio_root_user=ACCESS_KEY,
            minio_root_password=SECRET_KEY,
            aws_client_parameters=AwsClientParameters(endpoint_url=proxy.url),
        )
        S3Bucket(bucket_name=bucket, credentials=credentials).save("guarded", overwrite=True)

        with pytest.raises(BucketError, match=r"AccessDenied.*options\.upload, such as"):
            ingest(source=source, storage="s3-bucket/guarded")
        assert server.api.stats()["pages"] == {}, "found out before any page was asked for"

        manifest = ingest(
            source=source, storage="s3-bucket/guarded", options=IngestOptions.model_validate({"upload": UPLOAD})
        )
        assert isinstance(manifest, Manifest)
        assert (manifest.verdict, manifest.records) == ("complete", 2_500)
        frame = fetch_dataframe("customers", storage="s3-bucket/guarded")
        put_dataframe(frame, "copy.csv", storage="s3-bucket/guarded", upload=UPLOAD)

    keys = [entry["Key"] for entry in seaweed.client().list_objects_v2(Bucket=bucket)["Contents"]]
    assert {"_manifest.json", "_plan.json", "_report.md", "copy.csv"} <= {key.rpartition("/")[2] for key in keys}
    for key in keys:
        assert seaweed.client().head_object(Bucket=bucket, Key=key)["ServerSideEncryption"] == "AES256", key


def test_a_folder_knows_nothing_of_it(serve: Callable[..., Server], save_source: Callable[..., str]) -> None:
    server = serve(total=10)
    with pytest.raises(SettingsError, match="upload options with storage='local'"):
        ingest(source=save_source(server), options=IngestOptions.model_validate({"upload": UPLOAD}))
    assert server.api.stats()["pages"] == {}
