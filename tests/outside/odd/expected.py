"""What becomes of each byte from 0x21 to 0xff in a target, by the place it stands in. Written before the proxy was run.

The rules are those of Signature Version 4: in keys of S3 and in queries everything but the unreserved characters of
RFC 3986 is escaped, in upper case; in paths of other services what a URI may hold stays as it came. Rejected is only what
AWS rejects as well (400 `InvalidURI`): a number sign, a percent sign without two digits, and control characters.
"""

import string
from dataclasses import dataclass

SAME, ESCAPED, SPACE, BEGINS_QUERY, ENDS_PAIR, REJECTED = "same", "%XX", "%20", "begins the query", "ends the pair", "400"

UNRESERVED = (string.ascii_letters + string.digits + "-._~").encode()
# (bytes, in a key of S3, in a path of Bedrock, in a query)
TABLE = [
    (UNRESERVED, SAME, SAME, SAME),
    (b"/", SAME, SAME, ESCAPED),
    # What a URI's path may hold, by RFC 3986.
    (b"!$'()*,:;@", ESCAPED, SAME, ESCAPED),
    (b"+", ESCAPED, SAME, SPACE),
    (b"&", ESCAPED, SAME, ENDS_PAIR),
    # The table's place for it is behind the pair's own one.
    (b"=", ESCAPED, SAME, ESCAPED),
    (b"?", BEGINS_QUERY, BEGINS_QUERY, ESCAPED),
    # No URI holds these bare, and clients send them all the same.
    (b'"<>^`{|}[]\\', ESCAPED, ESCAPED, ESCAPED),
    (bytes(range(0x80, 0x100)), ESCAPED, ESCAPED, ESCAPED),
    (b"#%\x7f", REJECTED, REJECTED, REJECTED),
]
ALL = bytes(range(0x21, 0x100))


@dataclass(frozen=True)
class Place:
    """Where the byte stands: `target` is what the client sends, with the byte between `before` and `after`."""

    name: str
    on: str
    column: int
    before: str
    after: str

    def raw(self, byte):
        return self.before.encode() + bytes([byte]) + self.after.encode()

    def offset(self):
        """Of the byte, in the target."""
        return len(self.before)

    def becomes(self, byte):
        """The target as the service must get it, or `REJECTED`."""
        kind = self.kind(byte)
        if kind == REJECTED:
            return REJECTED
        if kind == BEGINS_QUERY:
            # A parameter without a value has a bare `=` on the wire.
            return f"{self.before}?{self.after.replace('/', '%2F')}="
        if kind == ENDS_PAIR:
            return f"{self.before}&{self.after}="
        return self.before + self.spelled(byte) + self.after

    def kind(self, byte):
        (row,) = [row for row in TABLE if byte in row[0]]
        return row[self.column]

    def spelled(self, byte):
        return {SAME: chr(byte), ESCAPED: f"%{byte:02X}", SPACE: "%20"}[self.kind(byte)]

    def wire(self, text):
        """The same for a text in the place of the byte."""
        if self.column == 3 and "&" in text:
            text, _, name = text.partition("&")
            return f"{self.before}{text}&{name}{self.after}="
        return self.before + "".join(map(self.spelled, text.encode())) + self.after


# `z` is no hexadecimal digit.
PLACES = [
    Place("S3 path", "s3", 1, "/outside/bytes/a", "z"),
    Place("S3 query", "s3", 3, "/outside/there?response-content-disposition=a", "z"),
    Place("Bedrock path", "bedrock", 2, "/model/eu.vendor.a", "z-v1%3A0/invoke"),
    Place("Bedrock query", "bedrock", 3, "/async-invoke?statusEquals=a", "z"),
    Place("EC2 query", "ec2", 3, "/?Action=DescribeVpcs&Version=2016-11-15&Filter.1.Value.1=a", "z"),
]

# What HTTP/2's library for Rust rejects by itself, as a stream error without a response, by column. No client sends it there.
NOT_ON_HTTP_2 = {1: "<>`", 2: "<>`", 3: '"<>'}

# Characters of UTF-8 that have between them every byte from 0x80 to 0xf4 which UTF-8 has. A key of S3 is text.
CHARACTERS = (
    [chr(0x80 + low) for low in range(0x40)]
    + [chr((lead & 0x1F) << 6 | 0x29) for lead in range(0xC3, 0xE0)]
    + [chr((lead & 0x0F) << 12 | 0x965) for lead in range(0xE0, 0xF0) if lead != 0xED]
    + ["\ud7a3"]
    + [chr((lead & 0x07) << 18 | 0x1F980) for lead in range(0xF0, 0xF4)]
    + ["\U00100000"]
)
NEVER_IN_UTF_8 = {0xC0, 0xC1, *range(0xF5, 0x100)}
# The characters of ASCII that are part of a key where they stand bare in a path.
IN_KEYS = [chr(byte) for byte in range(0x21, 0x7F) if byte not in b"/?#%"]
