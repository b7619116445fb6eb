"""botocore recomputes the signatures of thousands of odd requests."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("seed", (1, 20261123))
def test_botocore_computes_the_same_signatures(seed):
    signer = os.environ.get("SIGN_JSONL_BIN")
    if not signer:
        pytest.skip("SIGN_JSONL_BIN is not set: tests/outside/run builds it unless SIGNING_PROXY_BIN is given")
    script = os.path.join(os.path.dirname(__file__), "botocore_verifier.py")
    done = subprocess.run([sys.executable, script, "--signer", signer, "--seed", str(seed)], check=False)
    assert done.returncode == 0
