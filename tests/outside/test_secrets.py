"""The logs of all proxies of this run, which logged all they could, hold no secret; read at the end (conftest.py)."""

import http.client

from conftest import BUCKET
from secrets_seen import add, leaks
from servers import LOGS, SeaweedFs
from test_streaming import SECRET as MODEL_SECRET

CANARY = "canary-0f9e8d7c6b5a"


def test_what_clients_send_is_not_logged(proxy):
    """A secret in every place where a client may put one."""
    add(CANARY)
    headers = {
        "authorization": f"Bearer {CANARY}",
        "x-amz-security-token": CANARY,
        "x-api-key": CANARY,
        "cookie": f"session={CANARY}",
        "x-amz-meta-note": CANARY,
        "proxy-authorization": f"Basic {CANARY}",
        "content-type": "text/plain",
    }
    for method, query in (("PUT", ""), ("GET", f"?token={CANARY}"), ("GET", f"?X-Amz-Signature={CANARY}")):
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
        connection.request(method, f"/{BUCKET}/secret{query}", body=CANARY if method == "PUT" else None, headers=headers)
        connection.getresponse().read()


def test_no_log_holds_a_secret():
    add(SeaweedFs.SECRET, MODEL_SECRET)
    logs = sorted(LOGS.glob("proxy-*.log"))
    assert logs, "no proxy has run"
    found = [line for log in logs for line in leaks(log)]
    assert not found, "\n".join(found[:20])
    lines = sum(log.read_text(errors="replace").count("\n") for log in logs)
    assert lines > len(logs), "the proxies have logged nothing: this test has seen nothing"
