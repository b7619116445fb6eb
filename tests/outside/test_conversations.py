"""AWS's SDK for JavaScript, with any keys, speaks with Bedrock through the proxy; the sandbox verifies each message."""

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


def converse(sandbox, *arguments):
    # Modules are looked for beside the program.
    program = shutil.copy(HERE / "conversation.mjs", NODE)
    command = ["node", program, f"{sandbox.url}/@acme-models", *map(str, arguments)]
    environment = clean_environment(NODE, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED="true")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=True)
    return json.loads(done.stdout)


def judged(sandbox, verdict):
    """How many conversations were judged so."""
    return sandbox.log.read_text().count(f"{verdict} {OPERATION}")


@pytest.mark.parametrize("manner,count,size", [("turns", 50, 1000), ("flood", 300, 60_000), ("turns", 3, 900_000)])
def test_each_message_is_signed_and_repeated(sandbox, manner, count, size):
    before = judged(sandbox, " verified ")
    assert converse(sandbox, "h2", manner, count, size) == {"heard": count, "sum": count * size}
    end = time.monotonic() + SECONDS
    while judged(sandbox, " verified ") == before and time.monotonic() < end:
        time.sleep(0.05)
    assert judged(sandbox, " verified ") == before + 1, sandbox.log.read_text()[-2000:]


def test_http_1_is_told_to_speak_http_2(sandbox):
    answer = converse(sandbox, "h1", "turns", 1, 10)
    assert answer["heard"] == 0
    assert answer["status"] == 505, answer
