"""What the tests share: the servers are started once and stopped whatever happens."""

import http.client
import os
import shutil
import sys

import boto3
import pytest
from botocore.config import Config

from servers import LOGS, WORK, Moto, Proxy, SeaweedFs

BUCKET = "outside"
# In CI nothing is skipped, whatever is missing.
IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def scratch():
    """A folder for this run."""
    folder = WORK / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(LOGS, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def store(scratch):
    server = SeaweedFs(scratch / "seaweedfs")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def signed(store):
    return direct_client(store)


def direct_client(store):
    """A client that signs by itself and calls the store directly: the second opinion on what was stored."""
    client = boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id=store.ACCESS_KEY_ID,
        aws_secret_access_key=store.SECRET,
        config=Config(s3={"addressing_style": "path"}, proxies={}, retries={"max_attempts": 8}),
    )
    client.create_bucket(Bucket=BUCKET)
    return client


def store_connection(store, tls=False):
    return {
        "service": "s3",
        "region": "us-east-1",
        "endpoint": store.tls_url if tls else store.url,
        "auth": {
            "method": "access-key",
            "access_key_id": store.ACCESS_KEY_ID,
            "secret_access_key": "env:STORE_SECRET",
        },
    }


@pytest.fixture(scope="session")
def proxy(scratch, store, signed):
    """The proxy in front of the store, with one connection, so that its address is the store's."""
    server = Proxy(scratch, "store", {"store": store_connection(store)}, {"STORE_SECRET": store.SECRET})
    yield server
    assert server.stop() == 0, "the proxy did not end well on SIGTERM"


def listing(proxy, connection=""):
    """The status of a listing of the bucket and what the proxy says of it; `connection` as `/@NAME`, where there are several."""
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    client.request("GET", f"{connection}/{BUCKET}?list-type=2&max-keys=1")
    response = client.getresponse()
    response.read()
    client.close()
    return response.status, response.headers.get("x-signing-proxy-error")


@pytest.fixture
def stopping():
    """Stops the proxies of a test and sees that they end well."""
    proxies = []
    yield proxies
    assert [proxy.stop() for proxy in proxies] == [0] * len(proxies)


@pytest.fixture(scope="session")
def moto(scratch):
    server = Moto(scratch / "moto")
    yield server
    server.stop()


def pytest_collection_modifyitems(items):
    # It reads what all others have made the proxies log.
    items.sort(key=lambda item: item.name == "test_no_log_holds_a_secret")


def failed_in_ci(report):
    """What was skipped, as a failure where nothing may be."""
    if IN_CI and report.skipped:
        # Of a skip it is file, line and reason.
        why = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"CI=true, where nothing may be skipped: {why}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return failed_in_ci((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport():
    return failed_in_ci((yield))


def pytest_terminal_summary(terminalreporter):
    """The plain closing line beside pytest's own, and the figures of the memory rows."""
    suite = sys.modules.get("test_memory")
    for figure in getattr(suite, "FIGURES", ()):
        terminalreporter.write_line(suite.line(*figure))
    count = {word: len(terminalreporter.stats.get(word, [])) for word in ("passed", "failed", "error", "skipped")}
    failed = count["failed"] + count["error"]
    terminalreporter.write_line(f"outside: {count['passed']} passed, {failed} failed, {count['skipped']} skipped")
