"""All probes."""

from raw import fields, h1_heads, h1_pipelined, h1_requests, h2_frames, h2_rows, policy, response_rows, vending

MODULES = (h1_heads, h1_pipelined, h1_requests, fields, policy, vending, h2_rows, h2_frames, response_rows)

# Kinds that wait for what they are about, by its number in the security findings.
PENDING = {
    "single-label hosts": "W5",
    "browsers": "W5",
    "private fields": "W20",
    "response: state in browsers": "W20",
}


def all_rows():
    return [row for module in MODULES for row in module.rows() if row.kind not in PENDING]
