"""Envelopes: what tells of an error and of nothing else."""

import pytest

from seawall.clients.pages.envelopes import is_error


@pytest.mark.parametrize(
    "record",
    [
        b'{"error":"timed out"}',
        b'{"errors":[{"message":"x"}],"request_id":"r"}',
        b'{"error": {"code": 17}, "type": "x"}',
        b'{"code":500,"message":"x"}',
        b'{"timestamp":"t","status":404,"path":"/x"}',
        b'{"statusCode":"503","message":"x"}',
    ],
)
def test_an_error_is_told_from_a_record(record: bytes) -> None:
    assert is_error(record)


@pytest.mark.parametrize(
    "record",
    [
        b'{"id":1,"error":"timed out"}', b'{"error":null,"message":"x"}', b'{"errors":[],"code":200}',
        b'{"message":"x","timestamp":"t"}', b'{"code":"ok"}', b'{"code":4000}', b"{}", b"[1]", b"null", b'"error"',
        b'{"error":"%b"}' % (b"x" * 2**16),
    ],
)  # fmt: skip
def test_a_record_is_no_error(record: bytes) -> None:
    assert not is_error(record)
