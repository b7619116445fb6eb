"""AWS's SDK for JavaScript, with any keys, streams to and from Bedrock through the proxy; the sandbox verifies each message."""

import json
import pathlib
import shutil
import subprocess
import time

import pytest

from servers import WORK, Sandbox, clean_environment

HERE = pathlib.Path(__file__).parent
NODE = WORK / "node"
SECONDS = 120
OPERATION = "bedrock-runtime InvokeModelWithBidirectionalStream"

pytestmark = pytest.mark.skipif(
    not (NODE / "node_modules" / "@aws-sdk").is_dir(), reason="Node.js 20 with npm is not installed here"
)


@pytest.fixture(scope="module")
def sandbox():
    server = Sandbox()
    yield server
    server.stop()


def stream(sandbox, *arguments):
    # Modules are looked for beside the program.
    program = shutil.copy(HERE / "bidirectional.mjs", NODE)
    command = ["node", program, f"{sandbox.url}/@acme-models", *map(str, arguments)]
    environment = clean_environment(NODE, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED="true")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=True)
    return json.loads(done.stdout)


def verdicts(sandbox, verdict):
    """How many streams had this verdict."""
    return sandbox.log.read_text().count(f"{verdict} {OPERATION}")


@pytest.mark.parametrize("manner,count,size", [("turns", 50, 1000), ("flood", 300, 60_000), ("turns", 3, 900_000)])
def test_each_message_is_signed_and_repeated(sandbox, manner, count, size):
    before = verdicts(sandbox, " verified ")
    assert stream(sandbox, "h2", manner, count, size) == {"received": count, "sum": count * size}
    end = time.monotonic() + SECONDS
    while verdicts(sandbox, " verified ") == before and time.monotonic() < end:
        time.sleep(0.05)
    assert verdicts(sandbox, " verified ") == before + 1, sandbox.log.read_text()[-2000:]


def test_http_1_is_rejected_where_http_2_is_required(sandbox):
    response = stream(sandbox, "h1", "turns", 1, 10)
    assert response["received"] == 0
    assert response["status"] == 505, response
