//! What each client sends.

use super::Fields;
use crate::error::ErrorCode;

/// What programs send that are no browsers.
pub(super) const PROGRAMS: [(&str, Fields); 23] = [
    ("nothing at all: .NET, raw sockets", &[]),
    ("curl", &[("user-agent", "curl/8.11.1"), ("accept", "*/*")]),
    ("curl, disguised", &[("user-agent", "Mozilla/5.0"), ("accept", "*/*")]),
    (
        "wget",
        &[("user-agent", "Wget/1.21.3"), ("accept-encoding", "identity")],
    ),
    ("Python urllib", &[("user-agent", "Python-urllib/3.12")]),
    (
        "Python requests",
        &[("user-agent", "python-requests/2.32.3"), ("accept", "*/*")],
    ),
    (
        "boto3",
        &[("user-agent", "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1")],
    ),
    (
        "Go",
        &[("user-agent", "Go-http-client/1.1"), ("accept-encoding", "gzip")],
    ),
    ("Java HttpClient", &[("user-agent", "Java-http-client/21.0.4")]),
    (
        "Java HttpURLConnection",
        &[
            ("user-agent", "Java/1.8.0_402"),
            ("accept", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"),
        ],
    ),
    (
        ".NET with tracing",
        &[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")],
    ),
    (
        "Windows PowerShell",
        &[(
            "user-agent",
            "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.19041.4648",
        )],
    ),
    (
        "PowerShell 7",
        &[(
            "user-agent",
            "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.22631; en-US) PowerShell/7.4.5",
        )],
    ),
    (
        "Node's fetch",
        &[
            ("accept", "*/*"),
            ("accept-language", "*"),
            ("sec-fetch-mode", "cors"),
            ("user-agent", "node"),
            ("accept-encoding", "br, gzip, deflate"),
        ],
    ),
    (
        "Node's fetch, no-cors",
        &[
            ("accept-language", "*"),
            ("sec-fetch-mode", "no-cors"),
            ("user-agent", "undici"),
        ],
    ),
    (
        "Node's WebSocket",
        &[
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-fetch-mode", "websocket"),
            ("accept-language", "*"),
            ("user-agent", "node"),
        ],
    ),
    ("Deno", &[("accept-language", "*"), ("user-agent", "Deno/2.1.4")]),
    ("Bun", &[("user-agent", "Bun/1.1.38"), ("accept", "*/*")]),
    (
        "WinHTTP",
        &[(
            "user-agent",
            "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)",
        )],
    ),
    (
        "Perl",
        &[("user-agent", "libwww-perl/6.72"), ("te", "deflate,gzip;q=0.3")],
    ),
    (
        "an old tool with a referrer",
        &[("user-agent", "Tool/1"), ("referer", "http://tool.example/")],
    ),
    (
        "a WebSocket client",
        &[
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ],
    ),
    (
        "a program that copies a header",
        &[("accept-language", "en"), ("user-agent", "Tool/1 (like Mozilla/5.0)")],
    ),
];

pub(super) const CHROME: (&str, &str) = (
    "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
);
pub(super) const LANGUAGE: (&str, &str) = ("accept-language", "en-US,en;q=0.9");

/// What browsers send to loopback, the error, and what the hint says was seen.
pub(super) const METADATA: [(Fields, ErrorCode, &str); 32] = [
    // A link in a mail, a typed address, a bookmark.
    (
        &[
            CHROME,
            ("sec-fetch-site", "none"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-user", "?1"),
        ],
        ErrorCode::BrowserRejected,
        "Sec-Fetch-Site: none shows a web browser",
    ),
    (
        &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
        ],
        ErrorCode::BrowserRejected,
        "Sec-Fetch-Site: same-origin",
    ),
    (
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "image"),
        ],
        ErrorCode::CrossSite,
        "Sec-Fetch-Site: cross-site shows a page of another origin",
    ),
    (&[("sec-fetch-site", "same-site")], ErrorCode::CrossSite, "same-site"),
    (
        &[("sec-fetch-site", "Cross-Site")],
        ErrorCode::BrowserRejected,
        "Cross-Site",
    ),
    (
        &[("sec-fetch-site", "new-value")],
        ErrorCode::BrowserRejected,
        "new-value",
    ),
    (
        &[("sec-fetch-site", "")],
        ErrorCode::BrowserRejected,
        "Sec-Fetch-Site shows",
    ),
    (
        &[("sec-fetch-mode", "navigate")],
        ErrorCode::BrowserRejected,
        "Sec-Fetch-Mode: navigate",
    ),
    (
        &[("sec-fetch-site", "none"), ("sec-fetch-mode", "websocket")],
        ErrorCode::BrowserRejected,
        "Sec-Fetch-Site: none",
    ),
    (
        &[("origin", "http://127.0.0.1:8080"), ("sec-fetch-mode", "websocket")],
        ErrorCode::BrowserRejected,
        "Origin",
    ),
    (
        &[("sec-fetch-mode", "cors"), ("sec-fetch-mode", "navigate")],
        ErrorCode::BrowserRejected,
        "navigate",
    ),
    (
        &[("sec-fetch-dest", "document")],
        ErrorCode::BrowserRejected,
        "Sec-Fetch-Dest: document",
    ),
    (
        &[("sec-fetch-user", "?1")],
        ErrorCode::BrowserRejected,
        "Sec-Fetch-User",
    ),
    (
        &[("sec-fetch-storage-access", "active")],
        ErrorCode::BrowserRejected,
        "Sec-Fetch-Storage-Access",
    ),
    (
        &[("sec-purpose", "prefetch")],
        ErrorCode::BrowserRejected,
        "Sec-Purpose",
    ),
    (&[("sec-gpc", "1")], ErrorCode::BrowserRejected, "Sec-Gpc"),
    (
        &[("sec-ch-ua-mobile", "?0")],
        ErrorCode::BrowserRejected,
        "Sec-Ch-Ua-Mobile",
    ),
    (
        &[("purpose", "prefetch")],
        ErrorCode::BrowserRejected,
        "Purpose: prefetch",
    ),
    (&[("x-moz", "prefetch")], ErrorCode::BrowserRejected, "X-Moz"),
    (
        &[("service-worker", "script")],
        ErrorCode::BrowserRejected,
        "Service-Worker",
    ),
    (
        &[("ping-to", "http://a.example/")],
        ErrorCode::BrowserRejected,
        "Ping-To",
    ),
    (
        &[("access-control-request-private-network", "true")],
        ErrorCode::BrowserRejected,
        "Access-Control-Request-Private-Network",
    ),
    (
        &[("origin", "https://evil.example")],
        ErrorCode::CrossSite,
        "Pages of \"https://evil.example\"",
    ),
    (&[("origin", "null")], ErrorCode::CrossSite, "Origin: null"),
    (&[("origin", "")], ErrorCode::CrossSite, "Origin shows"),
    (
        &[("origin", "http://localhost:3000")],
        ErrorCode::CrossSite,
        "Origin: http://localhost:3000",
    ),
    (&[("origin", "http://127.0.0.1")], ErrorCode::CrossSite, "Origin"),
    (&[("origin", "https://127.0.0.1:8080")], ErrorCode::CrossSite, "Origin"),
    (&[("origin", "127.0.0.1:8080")], ErrorCode::CrossSite, "Origin"),
    (
        &[("origin", "http://127.0.0.1:8080"), ("origin", "http://evil.example")],
        ErrorCode::CrossSite,
        "Origin: http://evil.example",
    ),
    (
        &[("origin", "http://127.0.0.1:8080"), ("upgrade", "websocket")],
        ErrorCode::BrowserRejected,
        "Origin",
    ),
    (
        &[("origin", "http://127.0.0.1:8080"), ("sec-websocket-key", "x")],
        ErrorCode::BrowserRejected,
        "Origin",
    ),
];
