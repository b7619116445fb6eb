"""Every secret the tests made: none of them may be in a log."""

import pathlib
import re

SECRETS = set()
# No log has a reason to hold a whole signature or hash, or one of moto's session tokens.
PATTERNS = (re.compile(r"\b[0-9a-f]{64}\b"), re.compile(r"FQoGZXIvYXdz"), re.compile(r"Signature=[0-9a-f]{8}"))


def add(*secrets):
    SECRETS.update(secrets)


def leaks(log: pathlib.Path):
    """Lines of a log that show a secret, shortened to what leads there."""
    found = []
    for number, line in enumerate(log.read_text(errors="replace").splitlines(), 1):
        if any(secret in line for secret in SECRETS) or any(pattern.search(line) for pattern in PATTERNS):
            found.append(f"{log.name}:{number}: {line[:160]}")
    return found
