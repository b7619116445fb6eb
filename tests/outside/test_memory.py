"""Whatever a hundred clients do, the proxy stays below the least memory limit that is shipped: the sidecar's.

Each row runs against a proxy of its own, which is in a control group with that limit and without swap; where the machine lets
us make none, only its peak of resident memory is looked at, as it is in any case. A build without optimisation has some 25 MiB
more of code and larger futures, and is held to the same limit.

`MEMORY_CONNECTIONS` is the number of connections that a row has. With 1,000, which is nearly all that `server.max_clients`
lets in, all rows run, some five minutes long: the figures in docs/performance.md are of those. Where it is not given the worst
rows run with 250. `MEMORY_LIMIT` is another limit, in MiB.
"""

import http.client
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys

import pytest

from hostile.crowd import Crowd
from hostile.limit import limited
from hostile.rows import COMBINED, MIB, ROWS, WORST
from servers import Proxy, Server, clean_environment, free_ports

LIMIT = int(os.environ.get("MEMORY_LIMIT", "256")) * MIB
IS_SHORT = "MEMORY_CONNECTIONS" not in os.environ
CONNECTIONS = int(os.environ.get("MEMORY_CONNECTIONS", "250"))
SECONDS = 10 if IS_SHORT else 120
FIGURES = []


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    wanted = 8 * CONNECTIONS + 1024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, wanted), hard), hard))
    (port,) = free_ports(1)
    command = [sys.executable, pathlib.Path(__file__).parent / "hostile/service.py", port]
    server = Server("hostile-service", command, clean_environment(tmp_path_factory.mktemp("service")), port)
    yield server
    server.stop(0)


def connections(service):
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    plain = {
        "region": "eu-west-1",
        "endpoint": service.url,
        "auth": {"method": "access-key", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "env:MEMORY_SECRET"},
    }
    decided = {**plain, "allow": json.dumps(allowed)}
    return {
        "s3": {"service": "s3", **plain},
        "chunks": {"service": "s3", "payload": "streaming", **plain},
        "pipe": {"service": "s3", "multipart": True, **plain},
        "small": {"service": "s3", "payload": "signed", "limits": {"memory_body": "0B"}, **plain},
        "bucket": {"service": "s3", **decided},
        "table": {"service": "dynamodb", **decided},
        "ec2": {"service": "ec2", **decided},
    }


def name(rows):
    return " + ".join(row.__name__ for row in rows)


def test_the_limit_is_one():
    """Or the rows would show nothing."""
    with limited(LIMIT) as group:
        if not group.prefix:
            pytest.skip("no control group can be made here")
        greedy = [*group.prefix, sys.executable, "-c", f"b'x' * {2 * LIMIT}"]
        assert subprocess.run(greedy, stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL


@pytest.mark.parametrize("rows", [*([row] for row in (WORST if IS_SHORT else ROWS)), *COMBINED], ids=name)
def test_row(service, tmp_path, rows):
    environment = {"MEMORY_SECRET": "outside/memory+0123456789", "MALLOC_ARENA_MAX": "2"}
    # In the form the log has where it is shipped, and no more of it.
    with limited(LIMIT) as group:
        proxy = Proxy(
            tmp_path, "memory", connections(service), environment, prefix=group.prefix, log={"level": "error", "format": "json"}
        )
        crowd = Crowd(proxy.port, CONNECTIONS)
        try:
            idle = proxy.memory()
            for row in rows:
                row(crowd, CONNECTIONS // len(rows))
            crowd.press(proxy, SECONDS)
            assert proxy.process.poll() is None, "it was ended for want of memory"
            peak = proxy.memory()
            FIGURES.append((name(rows), idle, peak, group.peak()))
            assert peak < LIMIT
            serves(proxy)
        finally:
            crowd.leave()
            proxy.process.kill()
            proxy.stop()


def serves(proxy):
    """Another client is still served, or gets a response at least: all there is may be taken."""
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=15)
    client.request("GET", "/@s3/b/k")
    assert client.getresponse().status in (200, 503)
    client.close()
