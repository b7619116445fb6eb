"""What an operator sees of requests: their lines in the log, and the metrics as programs of others read them."""

import http.client
import http.server
import json
import pathlib
import socket
import threading
import time

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text_format

from servers import Proxy

TRACE = "0af7651916cd43dd8448eb211c80319c"
ERRORS = {
    "/denied/key": (403, "AccessDenied"),
    "/slow/key": (503, "SlowDown"),
    "/missing/key": (404, "NoSuchKey"),
}
ISSUED = "ASIAOUTSIDEOBSERVED1"


class S3(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, code = ERRORS.get(self.path, (200, None))
        body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>m</Message></Error>".encode() if code else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Broken(http.server.BaseHTTPRequestHandler):
    """An STS that is down."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Metadata(http.server.BaseHTTPRequestHandler):
    """EC2's, version 2."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        self.respond("token/outside", "21600")

    def do_GET(self):
        if self.path.endswith("/security-credentials/"):
            return self.respond("reader")
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        keys = {"AccessKeyId": ISSUED, "SecretAccessKey": "issued/outside", "Token": "session/outside"}
        self.respond(json.dumps({"Code": "Success", "Type": "AWS-HMAC", "Expiration": expires, "LastUpdated": expires, **keys}))

    def respond(self, body, ttl=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if ttl:
            self.send_header("X-aws-ec2-metadata-token-ttl-seconds", ttl)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class Vault(Metadata):
    """A key/value engine, version 2, and what it says of the token."""

    def do_GET(self):
        if self.path.startswith("/v1/auth/token/lookup-self"):
            return self.respond(json.dumps({"data": {"ttl": 0, "renewable": False}}))
        if self.path.startswith("/v1/sys/internal/ui/mounts/"):
            return self.respond(json.dumps({"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}}))
        self.respond(json.dumps({"data": {"data": {"secret": "outside/of+vault"}, "metadata": {"version": 1}}}))


class Sts(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        body = (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>{ISSUED}</AccessKeyId><SecretAccessKey>issued/outside</SecretAccessKey>"
            f"<SessionToken>session/outside</SessionToken><Expiration>{expires}</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def listening(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    servers = [listening(handler) for handler in (S3, Sts, Broken, Metadata, Vault)]
    s3, sts, broken, metadata, vault = [url for _, url in servers]
    key = {"access_key_id": "AKIAOUTSIDEOBSERVED1"}
    keys = {**key, "secret_access_key": "env:OBSERVED_SECRET"}
    place = {"service": "s3", "region": "us-east-1", "endpoint": s3}
    role = {"method": "access-key-assume-role", "role": "arn:aws:iam::111122223333:role/reader", **keys}
    connections = {
        "direct": {**place, "auth": {"method": "access-key", **keys}},
        "role": {**place, "auth": role},
        "down": {**place, "sts_endpoint": broken, "auth": role},
        "instance": {**place, "auth": {"method": "default-chain"}},
        "vault": {**place, "auth": {"method": "access-key", **key, "secret_access_key": "vault:secret/app#secret"}},
    }
    environment = {
        "OBSERVED_SECRET": "outside/observed+0123456789",
        "OBSERVED_TOKEN": "outside/vault-token",
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata,
    }
    sections = {
        "sts": {"endpoint": sts},
        "assets": {"vault": {"address": vault, "auth": {"method": "token", "token": "env:OBSERVED_TOKEN"}}},
    }
    proxy = Proxy(tmp_path_factory.mktemp("observed"), "observed", connections, environment, **sections)
    yield proxy
    proxy.stop()
    for server, _ in servers:
        server.shutdown()


def send(proxy, connection, path, method="GET", **headers):
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    client.request(method, f"/@{connection}{path}", headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = client.getresponse()
    response.read()
    client.close()
    return response


def line_of(proxy, response):
    """The line of the request in the log."""
    wanted = response.headers["x-signing-proxy-request-id"]
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for line in proxy.log.read_text().splitlines():
            if line.startswith("{") and f'"{wanted}"' in line and '"message":"request"' in line:
                return json.loads(line)
        time.sleep(0.05)
    raise AssertionError(f"no line of {wanted}")


def scrape(proxy, accept=None):
    """Content type and text of the metrics."""
    client = http.client.HTTPConnection("127.0.0.1", proxy.admin_port, timeout=30)
    client.request("GET", "/metrics", headers={} if accept is None else {"Accept": accept})
    response = client.getresponse()
    text = response.read().decode()
    client.close()
    assert response.status == 200, text
    return response.headers["content-type"], text


@pytest.mark.parametrize(("path", "code"), [(path, code) for path, (_, code) in ERRORS.items()])
def test_the_line_of_a_request_has_awss_error_code(observed, path, code):
    line = line_of(observed, send(observed, "direct", path))
    assert (line["status"], line.get("aws_error")) == (ERRORS[path][0], code)
    _, text = scrape(observed)
    assert any(
        name.startswith("signing_proxy_aws_errors_total{") and f'code="{code}"' in name and 'connection="direct"' in name
        for name in text.splitlines()
    ), text


def test_the_line_of_a_request_says_who_signed_it(observed):
    line = line_of(observed, send(observed, "direct", "/bucket/key"))
    assert (line.get("access_key_id"), "session_name" in line) == ("AKIAOUTSIDEOBSERVED1", False)
    line = line_of(observed, send(observed, "role", "/bucket/key"))
    assert (line.get("access_key_id"), line.get("session_name")) == (ISSUED, "signing-proxy-role")
    assert "aws_error" not in line


def test_the_line_of_a_request_has_its_trace_and_its_program(observed):
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "user_agent": "probe/1\t2"}
    line = line_of(observed, send(observed, "direct", "/bucket/key", **headers))
    assert (line.get("trace_id"), line.get("user_agent")) == (TRACE, "probe/1\\u{9}2")


OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def samples(proxy, name, **labels):
    """The samples of this name with these labels."""
    _, text = scrape(proxy)
    found = [sample for family in text_format.text_string_to_metric_families(text) for sample in family.samples]
    return [sample for sample in found if sample.name == name and labels.items() <= sample.labels.items()]


def value(proxy, name, **labels):
    (sample,) = samples(proxy, name, **labels)
    return sample.value


@pytest.mark.parametrize("accept", [None, "*/*", "text/plain", "text/plain;version=0.0.4", "application/json"])
def test_who_does_not_ask_for_openmetrics_gets_text(observed, accept):
    send(observed, "direct", "/slow/key")
    content_type, text = scrape(observed, accept)
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert "# EOF" not in text and "# UNIT" not in text
    families = {family.name: family for family in text_format.text_string_to_metric_families(text)}
    # What has no type is what the parser does not understand.
    assert {name for name, family in families.items() if family.type in ("unknown", "untyped")} == set()
    assert families["signing_proxy_requests"].type == "counter"
    assert families["signing_proxy_build_info"].type == "gauge"
    assert families["signing_proxy_request_duration_seconds"].type == "histogram"
    assert all(family.documentation for family in families.values())


def test_prometheus_gets_openmetrics(observed):
    send(observed, "direct", "/slow/key")
    content_type, text = scrape(observed, OPEN_METRICS)
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    # A strict parser: it wants the end, the units and the suffixes.
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(text)}
    assert families["signing_proxy_build"].type == "info"
    (sample,) = families["signing_proxy_config"].samples
    assert (sample.name, len(sample.labels["fingerprint"]), sample.value) == ("signing_proxy_config_info", 12, 1)
    as_text = {family.name for family in text_format.text_string_to_metric_families(scrape(observed)[1])}
    assert {name.removesuffix("_info") for name in as_text} == families.keys()


def test_the_process_is_measured_as_by_every_prometheus_client(observed):
    proc = pathlib.Path(f"/proc/{observed.process.pid}")
    assert value(observed, "process_cpu_seconds_total") > 0
    assert abs(value(observed, "process_start_time_seconds") - proc.stat().st_ctime) < 60
    assert abs(value(observed, "process_resident_memory_bytes") / observed.memory("VmRSS") - 1) < 0.3
    assert value(observed, "process_virtual_memory_bytes") > value(observed, "process_resident_memory_bytes")
    assert value(observed, "process_threads") == len(list((proc / "task").iterdir()))
    assert value(observed, "process_max_fds") >= 1024
    before = value(observed, "process_open_fds")
    held = [socket.create_connection(("127.0.0.1", observed.port)) for _ in range(20)]
    end = time.monotonic() + 10
    while value(observed, "process_open_fds") < before + 20 and time.monotonic() < end:
        time.sleep(0.05)
    assert value(observed, "process_open_fds") >= before + 20
    for one in held:
        one.close()


def test_the_process_is_measured_where_files_are_limited(tmp_path, stopping):
    place = {"service": "s3", "region": "us-east-1", "endpoint": "http://127.0.0.1:9"}
    auth = {"method": "access-key", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "env:OBSERVED_SECRET"}
    environment = {"OBSERVED_SECRET": "outside/observed+0123456789"}
    connections = {"direct": {**place, "auth": auth}}
    try:
        proxy = Proxy(tmp_path, "limited", connections, environment, process={"landlock": True})
    except RuntimeError as error:
        if "this kernel limits no files" in str(error):
            pytest.skip("this kernel has no Landlock")
        raise
    stopping.append(proxy)
    for name in ("process_resident_memory_bytes", "process_open_fds", "process_threads", "process_cpu_seconds_total"):
        assert value(proxy, name) > 0


def test_calls_for_credentials_are_measured_with_their_outcome(observed):
    name = "signing_proxy_credential_call_duration_seconds"
    assert [send(observed, connection, "/bucket/key").status for connection in ("role", "instance", "vault")] == [200] * 3
    assert send(observed, "down", "/bucket/key").status == 503
    for service, outcome in [("sts", "ok"), ("sts", "failed"), ("metadata", "ok"), ("vault", "ok")]:
        assert value(observed, f"{name}_count", service=service, outcome=outcome) >= 1
        assert 0 < value(observed, f"{name}_sum", service=service, outcome=outcome) < 60
        buckets = samples(observed, f"{name}_bucket", service=service, outcome=outcome)
        assert buckets[-1].labels["le"] == "+Inf" and buckets[-1].value >= 1


def test_memory_of_bodies_in_use_and_its_limit_are_reported(observed):
    used = {"name": "signing_proxy_shared_taken_bytes", "resource": "body_memory"}
    assert value(observed, **used) == 0
    assert value(observed, "signing_proxy_shared_size_bytes", resource="body_memory") >= 1 << 20
    assert value(observed, "signing_proxy_shared_size_bytes", resource="spool") >= 1 << 20
    client = socket.create_connection(("127.0.0.1", observed.port))
    client.sendall(b"PUT /@direct/bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000\r\n\r\n" + bytes(200_000))
    end = time.monotonic() + 10
    while value(observed, **used) < 1 and time.monotonic() < end:
        time.sleep(0.05)
    assert value(observed, **used) >= 1
    client.close()
