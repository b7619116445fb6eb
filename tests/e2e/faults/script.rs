//! What each fault makes a service of HTTP/1.1 do.

use std::time::Duration;

use auth_model::{Clock as _, SystemClock};

/// When it happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moment {
    /// At the first byte of the request.
    Unread,
    /// After the head, before `100 Continue`.
    Head,
    /// After some of the body.
    Middle,
    /// After all of it.
    Whole,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Then {
    /// The next request may come.
    Next,
    /// It ends, over TLS without a word.
    Close,
    /// It ends as TLS has it.
    End,
    Reset,
    /// Nothing more comes until the proxy leaves.
    Wait,
}

/// What a service does in place of what it should.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) moment: Moment,
    pub(super) bytes: String,
    pub(super) then: Then,
    /// The request has no effect though all of it has come.
    pub(super) is_rejection: bool,
    /// Every attempt meets it.
    pub(super) is_lasting: bool,
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";
const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this";

fn script(moment: Moment, bytes: impl Into<String>, then: Then) -> Script {
    Script {
        moment,
        bytes: bytes.into(),
        then,
        is_rejection: false,
        is_lasting: false,
    }
}

fn status(line: &str, fields: &str) -> String {
    format!("HTTP/1.1 {line}\r\ncontent-type: application/xml\r\n{fields}content-length: 16\r\n\r\n<Error>x</Error>")
}

/// Of the fault and whether the request expects `100 Continue`; `None` where the service itself is well.
pub(super) fn of(fault: &str, expects: bool) -> Option<Script> {
    use Moment::{Head, Middle, Unread, Whole};
    use Then::{Close, End, Next, Reset, Wait};
    let slow_down = status("503 Slow Down", "connection: close\r\n");
    let rejecting = |script: Script| Script {
        is_rejection: true,
        ..script
    };
    Some(match fault {
        "close-unread" => script(Unread, "", Close),
        "reset-unread" => script(Unread, "", Reset),
        "close-head" => script(Head, "", Close),
        "reset-head" => script(Head, "", Reset),
        "close-middle" => script(Middle, "", Close),
        "reset-middle" => script(Middle, "", Reset),
        "close" => script(Whole, "", Close),
        "reset" => script(Whole, "", Reset),
        "garbage" => script(Whole, "SSH-2.0-OpenSSH_9\r\n\r\n", Close),
        "half-head" => script(Whole, "HTTP/1.1 200 OK\r\ncontent-le", Close),
        "two-lengths" => script(
            Whole,
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            Close,
        ),
        "huge-head" => script(
            Whole,
            format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "x".repeat(65_536)),
            Close,
        ),
        "bad-status" => script(Whole, "HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n", Close),
        "cut-length" => script(Whole, CUT, Close),
        "cut-reset" => script(Whole, CUT, Reset),
        "cut-chunked" => script(
            Whole,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nonly this\r\n",
            Close,
        ),
        "cut-until-close" => script(Whole, "HTTP/1.1 200 OK\r\n\r\nonly this", Close),
        "until-close" => script(Whole, "HTTP/1.1 200 OK\r\n\r\ndone", End),
        "stall" => script(Whole, "", Wait),
        "stall-head" => script(Whole, "HTTP/1.1 200 OK\r\ncontent-le", Wait),
        "stall-body" => script(Whole, CUT, Wait),
        "early-503" => script(Head, slow_down, Close),
        "early-503-middle" => script(Middle, slow_down, Close),
        "early-503-kept" => script(Head, status("503 Slow Down", ""), Next),
        "early-cut" => script(Head, CUT.replace("200 OK", "503 Slow Down"), Close),
        "100-unrequested" => script(Whole, format!("HTTP/1.1 100 Continue\r\n\r\n{OK}"), Next),
        "103-first" => script(
            Whole,
            format!("HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n{OK}"),
            Next,
        ),
        "100-close" => script(Head, "HTTP/1.1 100 Continue\r\n\r\n", Close),
        "1xx-flood" => script(Whole, "HTTP/1.1 102 Processing\r\n\r\n".repeat(40) + OK, Next),
        "101-unrequested" => script(
            Whole,
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            Close,
        ),
        "417" | "417-always" => {
            let moment = if expects { Head } else { Whole };
            Script {
                is_lasting: fault == "417-always",
                ..rejecting(script(
                    moment,
                    status("417 Expectation Failed", "connection: close\r\n"),
                    Close,
                ))
            }
        }
        "500" => rejecting(script(Whole, status("500 Internal Server Error", ""), Next)),
        "503" | "listed-503" => rejecting(script(Whole, status("503 Slow Down", ""), Next)),
        "listed-503-later" => rejecting(script(Whole, status("503 Slow Down", "retry-after: 60\r\n"), Next)),
        "429" => rejecting(script(Whole, status("429 Too Many Requests", ""), Next)),
        "throttled" => rejecting(script(Whole, rejection("json", 400, "ThrottlingException", ""), Next)),
        _ => return None,
    })
}

/// An error as the service writes it: CBOR services say the code in a field, too, which is enough here.
pub(super) fn rejection(service: &str, status: u16, code: &str, fields: &str) -> String {
    let (kind, field, body) = match service {
        "s3" => (
            "application/xml",
            "",
            format!("<Error><Code>{code}</Code><Message>no</Message></Error>"),
        ),
        "ec2" => {
            // `AuthFailure` has other meanings, too.
            let why = "AWS was not able to validate the provided access credentials";
            let error = format!("<Error><Code>{code}</Code><Message>{why}</Message></Error>");
            ("text/xml", "", format!("<Response><Errors>{error}</Errors></Response>"))
        }
        "monitoring" => ("application/cbor", code, String::new()),
        _ => {
            let body = format!("{{\"__type\":\"com.amazon.coral.service#{code}\",\"message\":\"no\"}}");
            ("application/x-amz-json-1.1", "", body)
        }
    };
    let field = if field.is_empty() {
        String::new()
    } else {
        format!("x-amzn-errortype: {field}\r\n")
    };
    format!(
        "HTTP/1.1 {status} Rejected\r\ncontent-type: {kind}\r\n{field}{fields}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The status that goes with a code.
pub(super) fn status_of(code: &str) -> u16 {
    match code {
        "AuthFailure" => 401,
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" => 403,
        _ => 400,
    }
}

/// What a service calls a time that is too far off.
pub(super) fn skew_code(service: &str) -> &'static str {
    if service == "ec2" {
        "RequestExpired"
    } else {
        "RequestTimeTooSkewed"
    }
}

/// A `Date` so far ahead.
pub(super) fn date_in(ahead: Duration) -> String {
    let date = httpdate::fmt_http_date(SystemClock.now() + ahead);
    format!("date: {date}\r\n")
}
