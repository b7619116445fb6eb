"""What an operator sees of requests: their lines in the log, and the metrics as programs of others read them."""

import http.client
import http.server
import json
import threading
import time

import pytest

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
    (s3, s3_url), (sts, sts_url) = listening(S3), listening(Sts)
    keys = {"access_key_id": "AKIAOUTSIDEOBSERVED1", "secret_access_key": "env:OBSERVED_SECRET"}
    place = {"service": "s3", "region": "us-east-1", "endpoint": s3_url}
    connections = {
        "direct": {**place, "auth": {"method": "access-key", **keys}},
        "role": {
            **place,
            "auth": {"method": "access-key-assume-role", "role": "arn:aws:iam::111122223333:role/reader", **keys},
        },
    }
    environment = {"OBSERVED_SECRET": "outside/observed+0123456789"}
    proxy = Proxy(
        tmp_path_factory.mktemp("observed"), "observed", connections, environment, sts={"endpoint": sts_url}
    )
    yield proxy
    proxy.stop()
    s3.shutdown()
    sts.shutdown()


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
