"""The policy and the lifecycle rule of docs/operations.md: as little as a run needs, and enough."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from seawall.dev.process import ROOT
from seawall.storage.errors import BucketError
from seawall.storage.s3 import CHUNK_BYTES, S3Store

DOCS = (ROOT / "docs/operations.md").read_text()
BUCKET = "my-bucket"


def documented(mark: str) -> dict[str, Any]:
    (block,) = re.findall(rf"<!-- {mark} by tests/storage/test_policy.py -->\n```json\n(.*?)```", DOCS, re.DOTALL)
    found: dict[str, Any] = json.loads(block)
    return found


def as_moto_has_it(policy: dict[str, Any]) -> str:
    """HeadBucket needs s3:ListBucket on AWS; moto asks for an action of that name, which IAM does not have."""
    return json.dumps(policy).replace('"s3:ListBucket"', '"s3:ListBucket", "s3:HeadBucket"')


def keys_of_a_user_with(policy: dict[str, Any]) -> dict[str, str]:
    iam = boto3.client("iam", region_name="us-east-1")
    iam.create_user(UserName="worker")
    iam.put_user_policy(UserName="worker", PolicyName="seawall", PolicyDocument=as_moto_has_it(policy))
    key = iam.create_access_key(UserName="worker")["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield


def store_with(policy: dict[str, Any]) -> S3Store:
    return S3Store(boto3.client("s3", region_name="us-east-1", **keys_of_a_user_with(policy)), BUCKET)


def work(store: S3Store, folder: Path) -> None:
    """Everything that a run asks of a store."""
    small, large = folder / "small", folder / "large"
    small.write_bytes(b"a,b\r\n")
    large.write_bytes(b"x" * (CHUNK_BYTES + 1))
    store.preflight("raw/customers")
    store.put_new("raw/customers/run/_plan.json", b"{}")
    store.put_file(small, "raw/customers/run/small.csv", content_type="text/csv")
    store.put_file(large, "raw/customers/run/large.csv", content_type="text/csv")
    store.put("raw/customers/run/_report.md", b"#", content_type="text/markdown")
    assert store.get("raw/customers/run/_plan.json") == b"{}"
    store.get_file("raw/customers/run/small.csv", folder / "back")
    assert store.head("raw/customers/run/small.csv") == 5
    assert list(store.folders("raw/customers/")) == ["run"]
    assert len(list(store.list("raw/customers/run/"))) == 4
    store.abort_uploads("raw/customers/run/")
    store.delete("raw/customers/run/small.csv")


def enforced(function: Any) -> Any:
    """From the fourth call on (user, policy, key) the policy is asked, as IAM does."""
    return set_initial_no_auth_action_count(3)(function)


def test_the_documented_policy_suffices_for_a_run(tmp_path: Path) -> None:
    enforced(lambda: work(store_with(documented("enforced")), tmp_path))()


@pytest.mark.parametrize(
    "action",
    [action for statement in documented("enforced")["Statement"] for action in statement["Action"]],
)
def test_no_action_of_the_documented_policy_is_superfluous(action: str, tmp_path: Path) -> None:
    policy = documented("enforced")
    for statement in policy["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != action] or ["s3:GetBucketCors"]
    with pytest.raises(BucketError, match=r"AccessDenied|Forbidden"):
        enforced(lambda: work(store_with(policy), tmp_path))()


def test_the_documented_policy_ends_at_its_prefix(tmp_path: Path) -> None:
    def elsewhere() -> None:
        store_with(documented("enforced")).put_new("other/customers/run/_plan.json", b"{}")

    with pytest.raises(BucketError, match="AccessDenied"):
        enforced(elsewhere)()


def test_the_documented_lifecycle_rule_is_one_that_s3_takes() -> None:
    rule = documented("put")
    client = boto3.client("s3", region_name="us-east-1")
    client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=rule)
    (found,) = client.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert found["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
