"""What objects are stored with, as people fill it in: names and values that no store would take are refused."""

from typing import Any

import boto3
import pytest
from pydantic import ValidationError

from seawall.flows.ingest import ingest
from seawall.storage.plan import DECISIVE_OPTIONS
from seawall.tasks.options import IngestOptions
from seawall.tasks.run import Run
from seawall.tasks.upload_options import UploadOptions


@pytest.mark.parametrize(
    "upload",
    [
        {},
        {"ServerSideEncryption": "AES256"},
        {
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": "arn:aws:kms:eu-central-1:1:key/2",
            "BucketKeyEnabled": True,
        },
        {"ServerSideEncryption": "aws:kms:dsse"},
        {"StorageClass": "GLACIER_IR", "ACL": "bucket-owner-full-control"},
        {"Tagging": "team=crm&cost%20centre=4%2B2&empty="},
        {"Metadata": {"owner": "data team", "x_1": ""}},
    ],
)
def test_what_boto3_takes_is_handed_on_as_it_is(upload: dict[str, Any]) -> None:
    assert UploadOptions(**upload).arguments == upload


@pytest.mark.parametrize(
    ("upload", "told"),
    [
        (
            {"ServerSideEncription": "AES256"},
            "unknown field 'ServerSideEncription'; did you mean 'ServerSideEncryption'",
        ),
        ({"storage_class": "STANDARD"}, "did you mean 'StorageClass'"),
        ({"Body": "x"}, "choose from: ServerSideEncryption, SSEKMSKeyId"),
        ({"ServerSideEncryption": "AES-256"}, "'AES256', 'aws:kms' or 'aws:kms:dsse'"),
        ({"SSEKMSKeyId": "our-key"}, "SSEKMSKeyId goes with ServerSideEncryption 'aws:kms'"),
        ({"BucketKeyEnabled": True, "ServerSideEncryption": "AES256"}, "BucketKeyEnabled goes with"),
        ({"SSEKMSKeyId": "our key", "ServerSideEncryption": "aws:kms"}, "should match pattern"),
        (
            {"StorageClass": "GLACIER"},
            "'GLACIER' cannot be read at once, and a run reads what it wrote; take GLACIER_IR",
        ),
        ({"StorageClass": "DEEP_ARCHIVE"}, "lifecycle rule"),
        ({"StorageClass": "standard"}, "should match pattern"),
        ({"ACL": "public-read-write"}, "'bucket-owner-full-control'"),
        ({"Tagging": "team"}, "'team' are no tags; write name=value"),
        ({"Tagging": "team=crm&team=erp"}, "'team' is named twice"),
        ({"Tagging": "=crm"}, "at most 10 tags, with names of 1 to 128 characters"),
        ({"Tagging": f"{'t' * 129}=x"}, "too long: .*ttt"),
        ({"Tagging": "&".join(f"t{number}=x" for number in range(11))}, "these are 11"),
        ({"Metadata": {"owner name": "x"}}, "no header can carry the metadata 'owner name'"),
        ({"Metadata": {"owner": "a\nb"}}, "no header can carry the metadata 'owner'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(upload: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        IngestOptions.model_validate({"upload": upload})


def test_every_name_is_one_that_both_kinds_of_writes_take() -> None:
    model = boto3.client("s3", "us-east-1").meta.service_model
    for operation in ("PutObject", "CreateMultipartUpload"):
        assert set(UploadOptions.model_fields) <= set(model.operation_model(operation).input_shape.members)


def test_it_shapes_nothing_so_a_resume_may_change_it() -> None:
    assert "upload" not in DECISIVE_OPTIONS


def test_the_command_that_resumes_repeats_it() -> None:
    run = Run(run_id="r", source="s", options=IngestOptions.model_validate({"upload": {"Tagging": "team=crm"}}))
    assert "'upload': {'Tagging': 'team=crm'}" in run.resume_command


def test_the_form_offers_choices() -> None:
    definition = ingest.parameters.definitions["UploadOptions"]
    assert list(definition["properties"]) == list(UploadOptions.model_fields)
    assert {"enum": ["AES256", "aws:kms", "aws:kms:dsse"], "type": "string"} in definition["properties"][
        "ServerSideEncryption"
    ]["anyOf"]
