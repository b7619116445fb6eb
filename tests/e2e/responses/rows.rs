//! What upstreams send, and what the client must get of it.

use crate::support::hostile::Script;

/// What the client must get.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    /// `502 upstream-malformed`.
    Malformed,
    /// `502 upstream-failed`, since there was no whole head.
    Failed,
    /// A response that ends before its framing says so.
    Broken,
    /// The same, or `502 upstream-malformed` where the service was seen to end before the head went on.
    BrokenOrMalformed,
    /// The status and the body.
    Passed(u16, &'static str),
}

use Want::{Broken, BrokenOrMalformed, Failed, Malformed, Passed};

pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) script: Script,
    pub(super) want: Want,
}

pub(super) fn row(name: &'static str, bytes: impl Into<Vec<u8>>, want: Want) -> Row {
    let script = Script {
        bytes: bytes.into(),
        closes: false,
    };
    Row {
        name,
        method: "GET",
        script,
        want,
    }
}

/// With these lines after the status line, and this body.
fn head(name: &'static str, fields: &str, body: &str, want: Want) -> Row {
    row(name, format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}"), want)
}

impl Row {
    fn closing(mut self) -> Self {
        self.script.closes = true;
        self
    }

    fn to(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }
}

pub(super) fn framings() -> Vec<Row> {
    vec![
        head(
            "two equal lengths",
            "content-length: 2\r\ncontent-length: 2\r\n",
            "ok",
            Malformed,
        ),
        head(
            "two lengths",
            "content-length: 2\r\ncontent-length: 4\r\n",
            "okay",
            Malformed,
        ),
        head(
            "two lengths, the longer first",
            "content-length: 4\r\ncontent-length: 2\r\n",
            "okay",
            Malformed,
        ),
        head("a list of equal lengths", "content-length: 2, 2\r\n", "ok", Malformed),
        head("a list of lengths", "content-length: 2, 4\r\n", "okay", Malformed),
        head("a length with a sign", "content-length: +2\r\n", "ok", Malformed),
        head("a negative length", "content-length: -1\r\n", "ok", Malformed),
        head("a hexadecimal length", "content-length: 0x2\r\n", "ok", Malformed),
        head("an empty length", "content-length:\r\n", "ok", Malformed),
        head(
            "a length beyond 64 bits",
            "content-length: 18446744073709551618\r\n",
            "ok",
            Malformed,
        ),
        head(
            "both lengths",
            "content-length: 2\r\ntransfer-encoding: chunked\r\n",
            "4\r\nokay\r\n0\r\n\r\n",
            Malformed,
        ),
        head(
            "both, chunked first",
            "transfer-encoding: chunked\r\ncontent-length: 2\r\n",
            "4\r\nokay\r\n0\r\n\r\n",
            Malformed,
        ),
        head("gzip", "transfer-encoding: gzip\r\n", "okay", Malformed).closing(),
        head(
            "gzip, chunked",
            "transfer-encoding: gzip, chunked\r\n",
            "2\r\nok\r\n0\r\n\r\n",
            Malformed,
        ),
        head(
            "chunked, identity",
            "transfer-encoding: chunked, identity\r\n",
            "2\r\nok\r\n0\r\n\r\n",
            Malformed,
        ),
        head(
            "chunked, gzip",
            "transfer-encoding: chunked, gzip\r\n",
            "2\r\nok\r\n0\r\n\r\n",
            Malformed,
        )
        .closing(),
        head(
            "identity",
            "transfer-encoding: identity\r\ncontent-length: 2\r\n",
            "ok",
            Malformed,
        ),
        head(
            "chunked twice",
            "transfer-encoding: chunked, chunked\r\n",
            "2\r\nok\r\n0\r\n\r\n",
            Malformed,
        ),
        head(
            "two fields chunked",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "2\r\nok\r\n0\r\n\r\n",
            Malformed,
        ),
        head(
            "an unknown coding",
            "transfer-encoding: xchunked\r\n",
            "2\r\nok\r\n0\r\n\r\n",
            Malformed,
        )
        .closing(),
        row(
            "chunked in HTTP/1.0",
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            Malformed,
        ),
        head("two lengths to a HEAD", "content-length: 2, 2\r\n", "", Malformed).to("HEAD"),
        head("no length to a HEAD", "content-length: two\r\n", "", Malformed).to("HEAD"),
        row(
            "two lengths of a 304",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
            Malformed,
        ),
    ]
}

pub(super) fn heads() -> Vec<Row> {
    let fields = |count: usize| (0..count).map(|n| format!("x-{n}: v\r\n")).collect::<String>();
    let interim = |count: usize| "HTTP/1.1 102 Processing\r\n\r\n".repeat(count);
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    vec![
        row(
            "101",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            Malformed,
        ),
        row(
            "status 000",
            "HTTP/1.1 000 None\r\ncontent-length: 2\r\n\r\nok",
            Malformed,
        ),
        row(
            "status 099",
            "HTTP/1.1 099 None\r\ncontent-length: 2\r\n\r\nok",
            Malformed,
        ),
        row(
            "status 600",
            "HTTP/1.1 600 None\r\ncontent-length: 2\r\n\r\nok",
            Malformed,
        ),
        row(
            "status 999",
            "HTTP/1.1 999 None\r\ncontent-length: 2\r\n\r\nok",
            Malformed,
        ),
        row(
            "status 2000",
            "HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\nok",
            Malformed,
        ),
        row("HTTP/0.9", "ok, no head at all\r\n\r\n", Malformed).closing(),
        row("another protocol", "SSH-2.0-OpenSSH_9.9\r\n\r\n", Malformed),
        row(
            "HTTP/2.0 in the clear",
            "HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
            Malformed,
        ),
        row("HTTP/1.2", "HTTP/1.2 200 OK\r\ncontent-length: 2\r\n\r\nok", Malformed),
        row("an ICY head", "ICY 200 OK\r\ncontent-length: 2\r\n\r\nok", Malformed),
        row("NULs", vec![0; 100], Malformed),
        head(
            "a NUL in a value",
            "x-a: a\0b\r\ncontent-length: 2\r\n",
            "ok",
            Malformed,
        ),
        head(
            "a CR in a value",
            "x-a: a\rx-b: b\r\ncontent-length: 2\r\n",
            "ok",
            Malformed,
        ),
        head(
            "a folded line",
            "x-a: a\r\n b\r\ncontent-length: 2\r\n",
            "ok",
            Malformed,
        ),
        head("a space before the colon", "content-length : 2\r\n", "ok", Malformed),
        head("a space before the name", " content-length: 2\r\n", "ok", Malformed),
        head("a line without a colon", "content-length\r\n", "ok", Malformed),
        head("an empty name", ": 2\r\n", "ok", Malformed),
        head(
            "900 fields",
            &format!("Content-Length: 2\r\n{}", fields(900)),
            "ok",
            Passed(200, "ok"),
        ),
        head(
            "1,000 fields",
            &format!("Content-Length: 2\r\n{}", fields(999)),
            "ok",
            Passed(200, "ok"),
        ),
        head("1,001 fields", &fields(1_001), "ok", Malformed),
        head(
            "a field of 2 MiB",
            &format!("x-a: {}\r\n", "a".repeat(2 * 1024 * 1024)),
            "ok",
            Malformed,
        ),
        row("a head that does not end", "HTTP/1.1 200 OK\r\nx-a: b\r\n", Failed).closing(),
        row("no byte", "", Failed).closing(),
        row("interim responses only", interim(10_000), Malformed),
        row(
            "a few too many interim responses",
            format!("{}{ok}", interim(17)),
            Malformed,
        ),
        row(
            "some interim responses",
            format!("{}{ok}", interim(5)),
            Passed(200, "ok"),
        ),
        row(
            "bare line feeds",
            "HTTP/1.1 200 OK\nx-a: b\ncontent-length: 2\n\nok",
            Passed(200, "ok"),
        ),
        head(
            "fields that Connection names",
            "connection: x-a, content-length\r\nx-a: b\r\ncontent-length: 2\r\n",
            "ok",
            Passed(200, "ok"),
        ),
    ]
}

pub(super) fn bodies() -> Vec<Row> {
    let chunked = |name, body: &str, want| head(name, "transfer-encoding: chunked\r\n", body, want);
    vec![
        head("a body that is cut", "content-length: 10\r\n", "hello", Broken).closing(),
        head("no body", "content-length: 10\r\n", "", BrokenOrMalformed).closing(),
        // Nothing of the response has gone on yet.
        chunked(
            "a first chunk behind a bare line feed",
            "5\nhello\r\n0\r\n\r\n",
            Malformed,
        ),
        chunked("a first chunk size that is none", "zz\r\nhello\r\n0\r\n\r\n", Malformed),
        chunked(
            "a first chunk size beyond 64 bits",
            "10000000000000000\r\nhello\r\n",
            Malformed,
        ),
        chunked("a first chunk size with a sign", "+5\r\nhello\r\n0\r\n\r\n", Malformed),
        chunked("no last chunk", "2\r\nok\r\n", Broken).closing(),
        chunked("a last chunk without its end", "2\r\nok\r\n0\r\n", Broken).closing(),
        chunked("a chunk that is cut", "a\r\nhello", Broken).closing(),
        chunked(
            "a chunk size beyond 64 bits",
            "2\r\nok\r\n10000000000000000\r\nok\r\n0\r\n\r\n",
            Broken,
        ),
        chunked("a chunk size with a sign", "2\r\nok\r\n+2\r\nok\r\n0\r\n\r\n", Broken),
        chunked("a chunk size that is none", "2\r\nok\r\nzz\r\nok\r\n0\r\n\r\n", Broken),
        chunked(
            "a chunk longer than its size",
            "2\r\nok\r\n2\r\nokay\r\n0\r\n\r\n",
            Broken,
        ),
        chunked(
            "an extension of 64 KiB",
            &format!("2;{}\r\nok\r\n0\r\n\r\n", "a".repeat(65_536)),
            BrokenOrMalformed,
        ),
        chunked(
            "trailers",
            "2\r\nok\r\n0\r\ncontent-length: 9\r\nx-signing-proxy-error: x\r\n\r\n",
            Passed(200, "ok"),
        ),
        row(
            "a 204 with a length",
            "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok",
            Passed(204, ""),
        ),
        row(
            "a 204 in chunks",
            "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            Passed(204, ""),
        ),
        row(
            "a 304 with a body",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nok",
            Passed(304, ""),
        ),
        head("a HEAD with a body", "content-length: 2\r\n", "ok", Passed(200, "")).to("HEAD"),
        head(
            "bytes after the body",
            "content-length: 2\r\n",
            "okHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON",
            Passed(200, "ok"),
        ),
        // RFC 9112, section 8: without a length, the end of a connection in the clear is the end of the body.
        head("no length", "", "ok", Passed(200, "ok")).closing(),
        row("no length in HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nok", Passed(200, "ok")).closing(),
    ]
}
