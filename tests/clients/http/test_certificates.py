"""Certificates: what is one with its key, and that no disk sees it."""

import ssl
import subprocess
from pathlib import Path

import pytest

from seawall.clients.http.certificates import add_client_certificate, client_certificate, tidy_pem
from seawall.tests.certificates import self_signed
from seawall.tests.keys import ec_key, pem


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    return self_signed(tmp_path).read_text()


def test_a_certificate_with_its_key_is_taken_in_one_line_too(certificate: str) -> None:
    for text in (certificate, certificate.replace("\n", ""), certificate.replace("\n", "\\n"), f"x {certificate} y"):
        assert client_certificate(text) == certificate


def test_loading_one_leaves_nothing_in_the_process_or_on_disk(certificate: str, tmp_path: Path) -> None:
    before = sorted(Path("/proc/self/fd").iterdir()), sorted(tmp_path.iterdir())
    add_client_certificate(ssl.create_default_context(), certificate)
    assert (sorted(Path("/proc/self/fd").iterdir()), sorted(tmp_path.iterdir())) == before


def wrong(certificate: str) -> dict[str, str]:
    key, _, rest = certificate.partition("-----BEGIN CERTIFICATE-----")
    return {
        "nothing": "",
        "no PEM": "hunter2",
        "no key": f"-----BEGIN CERTIFICATE-----{rest}",
        "no certificate": key,
        "the key of another": f"{pem(ec_key())}-----BEGIN CERTIFICATE-----{rest}",
        "a locked key": f"{pem(ec_key(), b'hunter2')}-----BEGIN CERTIFICATE-----{rest}",
        "cut": certificate[: len(certificate) // 2],
        "broken": certificate.replace("M", "N"),
    }


@pytest.mark.parametrize("case", wrong("-----BEGIN CERTIFICATE-----"))
def test_what_is_no_certificate_with_its_key_is_refused_unseen(case: str, certificate: str) -> None:
    with pytest.raises(ValueError, match="no certificate with its key in PEM form") as caught:
        client_certificate(wrong(certificate)[case])
    assert "hunter2" not in str(caught.value)


def test_tidy_text_is_what_openssl_writes(certificate: str, tmp_path: Path) -> None:
    path = tmp_path / "one-line.pem"
    path.write_text(tidy_pem(certificate.replace("\n", " ")))
    told = subprocess.run(["openssl", "x509", "-in", str(path)], capture_output=True, text=True, check=True).stdout
    assert told in certificate
