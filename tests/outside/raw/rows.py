"""All probes."""

from raw import fields, h1_heads, h1_pipelined, h1_requests, h2_frames, h2_rows, policy, response_rows, vending

MODULES = (h1_heads, h1_pipelined, h1_requests, fields, policy, vending, h2_rows, h2_frames, response_rows)

# Kinds that wait for what they are about, by its number in the security findings.
PENDING = {
    "pipelined": "W8",
    "transfer codings": "W8",
    "bare line ends": "W8",
    "host": "W8",
    "absolute form": "W8",
    "connect": "W8",
    "fragment": "W7",
    "target without a slash": "W13",
    "authority (HTTP/2)": "W13",
    "pseudo-header fields": "W13",
    "trace": "W15",
    "single-label hosts": "W5",
    "browsers": "W5",
    "private fields": "W20",
    "GET with a body": "W1",
    "dot segments": "W6",
    "allow": "W14",
    "vending": "W2",
    "response: 101": "W16",
    "response: framing": "W16",
    "response: cut": "W16",
    "response: fields": "W20",
    "response: SignatureDoesNotMatch": "W20",
}


def all_rows():
    return [row for module in MODULES for row in module.rows() if row.kind not in PENDING]
