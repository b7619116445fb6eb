"""Whatever a hundred clients do, the proxy stays below the memory limits that are shipped.

Each row runs against a proxy of its own, with the limit of memory and the `[server]` keys of deploy/kubernetes/sidecar.yaml, in
a control group with that limit and without swap; where the machine lets us make none, only its peak of resident memory is
looked at, as it is in any case. A build without optimisation has some 25 MiB more of code and larger futures, and is held to
the same limit.

`MEMORY_CONNECTIONS` is the number of connections that a row has, as far as `max_clients` allows. With 1,000 all rows run, for a
build with optimisation: the figures in docs/performance.md are of those. Where it is not given the worst rows run with 250.
`MEMORY_DEPLOY=systemd` takes the limit of the unit in deploy/systemd, for which the keys have their defaults.
"""

import http.client
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tomllib

import pytest
import yaml

from hostile.crowd import Crowd
from hostile.limit import limited
from hostile.rows import COMBINED, MIB, ROWS, WORST
from servers import Proxy, Server, clean_environment, free_ports

DEPLOY = pathlib.Path(__file__).parents[2] / "deploy"
IS_SHORT = "MEMORY_CONNECTIONS" not in os.environ
SECONDS = 10 if IS_SHORT else 120
FIGURES = []


def shipped():
    """The limit, in bytes, and the keys of `[server]` that have to do with memory."""
    if os.environ.get("MEMORY_DEPLOY") == "systemd":
        unit = (DEPLOY / "systemd/signing-proxy.service").read_text()
        return int(re.search(r"^MemoryMax=(\d+)M$", unit, re.MULTILINE)[1]) * MIB, {}
    config, pod = yaml.safe_load_all((DEPLOY / "kubernetes/sidecar.yaml").read_text())
    limit = pod["spec"]["initContainers"][0]["resources"]["limits"]["memory"]
    server = tomllib.loads(config["data"]["signing-proxy.toml"])["server"]
    kept = {"max_clients", "body_memory", "request_memory", "spool_max"}
    return int(limit.removesuffix("Mi")) * MIB, {key: value for key, value in server.items() if key in kept}


LIMIT, SERVER = shipped()
# All but some places, which are kept for others.
CONNECTIONS = min(int(os.environ.get("MEMORY_CONNECTIONS", "250")), SERVER.get("max_clients", 1024) - 24)
# In the form the log has where it is shipped, and no more of it.
LOG = {"level": "error", "format": "json"}


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


def line(row, idle, peak, group):
    """A figure, in words."""
    kernel = "" if group is None else f", {group >> 20} with the kernel's pages"
    return f"memory: {row}: {idle >> 20} MiB idle, {peak >> 20} MiB at the peak of {LIMIT >> 20}{kernel}"


def test_the_limit_is_one():
    """Or the rows would show nothing."""
    with limited(LIMIT) as group:
        if not group.prefix:
            pytest.skip("no control group can be made here")
        greedy = [*group.prefix, sys.executable, "-c", f"b'x' * {2 * LIMIT}"]
        assert subprocess.run(greedy, stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL


@pytest.mark.parametrize("rows", [*({row: 100} for row in (WORST if IS_SHORT else ROWS)), *COMBINED], ids=name)
def test_row(service, tmp_path, rows):
    environment = {"MEMORY_SECRET": "outside/memory+0123456789", "MALLOC_ARENA_MAX": "2"}
    with limited(LIMIT) as group:
        proxy = Proxy(
            tmp_path, "memory", connections(service), environment, SERVER, prefix=group.prefix, log=LOG
        )
        crowd = Crowd(proxy.port, CONNECTIONS)
        try:
            idle = proxy.memory()
            for row, percent in rows.items():
                row(crowd, CONNECTIONS * percent // 100)
            crowd.press(proxy, SECONDS)
            assert proxy.process.poll() is None, "it was ended for want of memory"
            peak = proxy.memory()
            FIGURES.append((name(rows), idle, peak, group.peak()))
            print(line(*FIGURES[-1]), flush=True)
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
