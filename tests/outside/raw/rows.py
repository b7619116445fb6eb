"""All probes."""

from raw import fields, h1_heads, h1_pipelined, h1_requests, h2_frames, h2_rows, policy, response_rows, vending

MODULES = (h1_heads, h1_pipelined, h1_requests, fields, policy, vending, h2_rows, h2_frames, response_rows)


def all_rows():
    return [row for module in MODULES for row in module.rows()]
