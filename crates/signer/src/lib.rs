//! AWS Signature Version 4 over exactly the bytes that go on the wire.
