"""An upstream that recomputes every signature with botocore, which is AWS's own signer, and responses piece by piece."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

S3_LIKE = {"s3", "s3-outposts", "s3-object-lambda", "s3express"}


def verify(method, target, headers, body, key_id, secret):
    """Why the request is not well signed, or None. `headers` is a list of pairs as received."""
    named = {name.lower(): value for name, value in headers}
    if len(named) != len(headers):
        return "a header came twice"
    authorization = named.get("authorization", "")
    if not authorization.startswith("AWS4-HMAC-SHA256 "):
        return "not signed"
    parts = dict(part.strip().split("=", 1) for part in authorization.split(" ", 1)[1].split(","))
    found_key, date, region, service, ending = parts["Credential"].split("/")
    signed = parts["SignedHeaders"].split(";")
    if found_key != key_id or ending != "aws4_request" or not named["x-amz-date"].startswith(date):
        return f"a wrong scope: {parts['Credential']}"
    must = {name for name in named if name.startswith("x-amz-")} | {"host"} | ({"content-type"} & set(named))
    if set(signed) < must or "content-length" in signed:
        return f"a wrong choice of signed headers: {signed}"
    if named["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
        return "x-amz-content-sha256 is not the hash of the body"
    request = AWSRequest(method, f"http://{named['host']}{target}", data=body)
    for name in signed:
        request.headers[name] = named[name]
    request.context["timestamp"] = named["x-amz-date"]
    signer = (S3SigV4Auth if service in S3_LIKE else SigV4Auth)(Credentials(key_id, secret), service, region)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return None if parts["Signature"] == expected else "another signature than botocore's"


class Upstream(ThreadingHTTPServer):
    """Sends `pieces` one by one, the next only after `go` was called once more. Sees clients leave."""

    daemon_threads = True

    def __init__(self, key_id, secret, content_type, pieces):
        super().__init__(("127.0.0.1", 0), Response)
        self.key_id, self.secret = key_id, secret
        self.content_type, self.pieces = content_type, pieces
        self.permits = threading.Semaphore(1)
        self.verdicts, self.left = [], threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def go(self):
        self.permits.release()


class Response(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        server = self.server
        wrong = verify(self.command, self.path, self.headers.items(), body, server.key_id, server.secret)
        server.verdicts.append((urlsplit(self.path).path, wrong))
        if wrong:
            self.send_error(403, wrong)
            return
        self.send_response(200)
        self.send_header("Content-Type", server.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in server.pieces:
            while not server.permits.acquire(timeout=0.05):
                if self.client_left():
                    server.left.set()
                    self.close_connection = True
                    return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def client_left(self):
        self.connection.settimeout(0.001)
        try:
            return self.connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(None)

    def log_message(self, *arguments):
        pass
