//! What there is to try: one table for the printed commands and for the self test.

use std::fmt;
use std::net::SocketAddr;

use http::Method;
use sandbox::principals;

/// Where proxy and sandbox listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// The proxy's shared listener; `None` where it is off.
    pub(super) proxy: Option<SocketAddr>,
    /// The sandbox's S3 itself.
    pub(super) s3: SocketAddr,
}

/// How a request gets to the sandbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// Unsigned to the proxy's own address, below `/@NAME`.
    Gateway(&'static str),
    /// Unsigned to an AWS host name, with the proxy as HTTP proxy.
    Forward(&'static str),
    /// Unsigned, past the proxy.
    Unsigned,
    /// Past the proxy, signed by curl itself with [`principals::REPORTER`]'s key id and this secret.
    Signed(&'static str),
}

/// One request and what has to come of it.
#[derive(Clone, Debug)]
pub(super) struct Demo {
    /// What it shows.
    pub(super) title: &'static str,
    pub(super) way: Way,
    pub(super) method: Method,
    /// Path and query below the way's base.
    pub(super) target: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: Option<&'static str>,
    pub(super) status: u16,
    /// Stands in the response's body.
    pub(super) says: &'static str,
    /// The response is a binary event stream.
    pub(super) is_event_stream: bool,
}

const PLAIN: Demo = Demo {
    title: "",
    way: Way::Unsigned,
    method: Method::GET,
    target: "",
    headers: &[],
    body: None,
    status: 200,
    says: "",
    is_event_stream: false,
};

const JSON: (&str, &str) = ("content-type", "application/json");
const JSON_1_0: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
const JSON_1_1: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const PROMPT: &str = r#"{"messages":[{"role":"user","content":[{"text":"Who signed this?"}]}]}"#;

/// What is printed and tested, in this order: later requests use what earlier ones stored.
pub(super) const DEMOS: [Demo; 17] = [
    Demo {
        title: "S3: put an object (access-key)",
        way: Way::Gateway("reports"),
        method: Method::PUT,
        target: "/sandbox-bucket/hello.txt",
        headers: &[("content-type", "text/plain")],
        body: Some("hello, sandbox"),
        ..PLAIN
    },
    Demo {
        title: "S3: get it back",
        way: Way::Gateway("reports"),
        target: "/sandbox-bucket/hello.txt",
        says: "hello, sandbox",
        ..PLAIN
    },
    Demo {
        title: "S3: list the bucket",
        way: Way::Gateway("reports"),
        target: "/sandbox-bucket?list-type=2",
        says: "<Key>hello.txt</Key>",
        ..PLAIN
    },
    Demo {
        title: "S3: get it with an assumed role (access-key-assume-role)",
        way: Way::Gateway("robot"),
        target: "/sandbox-bucket/hello.txt",
        says: "hello, sandbox",
        ..PLAIN
    },
    Demo {
        title: "S3: the same in forward mode, by its AWS host name",
        way: Way::Forward("sandbox-bucket.s3.us-east-1.amazonaws.com"),
        target: "/hello.txt",
        says: "hello, sandbox",
        ..PLAIN
    },
    Demo {
        title: "S3: delete it",
        way: Way::Gateway("reports"),
        method: Method::DELETE,
        target: "/sandbox-bucket/hello.txt",
        status: 204,
        ..PLAIN
    },
    Demo {
        title: "STS: who am I?",
        way: Way::Gateway("whoami"),
        target: "/?Action=GetCallerIdentity&Version=2011-06-15",
        says: ":assumed-role/report-reader/",
        ..PLAIN
    },
    Demo {
        title: "EC2: describe instances",
        way: Way::Gateway("machines"),
        target: "/?Action=DescribeInstances&Version=2016-11-15",
        says: "<instanceId>",
        ..PLAIN
    },
    Demo {
        title: "WorkSpaces: describe workspaces",
        way: Way::Gateway("desktops"),
        method: Method::POST,
        target: "/",
        headers: &[JSON_1_1, ("x-amz-target", "WorkspacesService.DescribeWorkspaces")],
        body: Some("{}"),
        says: "WorkspaceId",
        ..PLAIN
    },
    Demo {
        title: "DynamoDB: put an item",
        way: Way::Gateway("tables"),
        method: Method::POST,
        target: "/",
        headers: &[JSON_1_0, ("x-amz-target", "DynamoDB_20120810.PutItem")],
        body: Some(r#"{"TableName":"sandbox-table","Item":{"id":{"S":"1"},"said":{"S":"hello"}}}"#),
        says: "{",
        ..PLAIN
    },
    Demo {
        title: "DynamoDB: get it back",
        way: Way::Gateway("tables"),
        method: Method::POST,
        target: "/",
        headers: &[JSON_1_0, ("x-amz-target", "DynamoDB_20120810.GetItem")],
        body: Some(r#"{"TableName":"sandbox-table","Key":{"id":{"S":"1"}}}"#),
        says: "hello",
        ..PLAIN
    },
    Demo {
        title: "Bedrock: Converse in a customer's account (managed-cross-account)",
        way: Way::Gateway("acme-models"),
        method: Method::POST,
        target: "/model/anthropic.claude-3-haiku-20240307-v1:0/converse",
        headers: &[JSON],
        body: Some(PROMPT),
        says: "\"text\"",
        ..PLAIN
    },
    Demo {
        title: "Bedrock: the same as an event stream",
        way: Way::Gateway("acme-models"),
        method: Method::POST,
        target: "/model/anthropic.claude-3-haiku-20240307-v1:0/converse-stream",
        headers: &[JSON],
        body: Some(PROMPT),
        says: "contentBlockDelta",
        is_event_stream: true,
        ..PLAIN
    },
    Demo {
        title: "Bedrock: invoke a model",
        way: Way::Gateway("acme-models"),
        method: Method::POST,
        target: "/model/anthropic.claude-3-haiku-20240307-v1:0/invoke",
        headers: &[JSON],
        body: Some(r#"{"max_tokens":64,"messages":[{"role":"user","content":"Who signed this?"}]}"#),
        says: "\"text\"",
        ..PLAIN
    },
    Demo {
        title: "Rejected: the same sandbox without the proxy, unsigned",
        target: "/sandbox-bucket?list-type=2",
        status: 403,
        says: "<Code>AccessDenied</Code>",
        ..PLAIN
    },
    Demo {
        title: "Accepted: the same, signed by curl itself with the right secret",
        way: Way::Signed(principals::REPORTER.secret_access_key),
        target: "/sandbox-bucket?list-type=2",
        says: "<Name>sandbox-bucket</Name>",
        ..PLAIN
    },
    Demo {
        title: "Rejected: a tampered signature, made by curl with a wrong secret",
        way: Way::Signed("not-the-secret-of-this-key"),
        target: "/sandbox-bucket?list-type=2",
        status: 403,
        says: "<Code>SignatureDoesNotMatch</Code>",
        ..PLAIN
    },
];

/// Old versions of curl do not add it by themselves, and S3 wants it.
const UNSIGNED_PAYLOAD: &str = "x-amz-content-sha256: UNSIGNED-PAYLOAD";

impl Demo {
    /// Where the request's connection goes; `None` where that listener is off.
    pub(super) fn dial(&self, places: &Places) -> Option<SocketAddr> {
        match self.way {
            Way::Gateway(_) | Way::Forward(_) => places.proxy,
            Way::Unsigned | Way::Signed(_) => Some(places.s3),
        }
    }

    /// The URL as a client has it.
    pub(super) fn url(&self, places: &Places) -> Option<String> {
        let addr = self.dial(places)?;
        Some(match self.way {
            Way::Gateway(name) => format!("http://{addr}/@{name}{}", self.target),
            Way::Forward(host) => format!("http://{host}{}", self.target),
            Way::Unsigned | Way::Signed(_) => format!("http://{addr}{}", self.target),
        })
    }

    /// The request as a command.
    pub(super) fn curl(&self, places: &Places) -> Option<String> {
        let mut command = String::from("curl -sS");
        if self.is_event_stream {
            command.push_str("N --output -");
        }
        match (&self.method, self.body) {
            (&Method::GET, None) | (&Method::POST, Some(_)) => {}
            (method, _) => push(&mut command, "-X", method.as_str()),
        }
        match self.way {
            Way::Forward(_) => push(&mut command, "-x", &format!("http://{}", self.dial(places)?)),
            Way::Signed(secret) => {
                push(&mut command, "--aws-sigv4", "aws:amz:us-east-1:s3");
                let user = format!("{}:{secret}", principals::REPORTER.access_key_id);
                push(&mut command, "--user", &user);
                push(&mut command, "-H", UNSIGNED_PAYLOAD);
            }
            Way::Gateway(_) | Way::Unsigned => {}
        }
        for (name, value) in self.headers {
            push(&mut command, "-H", &format!("{name}: {value}"));
        }
        if let Some(body) = self.body {
            push(&mut command, "-d", body);
        }
        command.push(' ');
        command.push_str(&quoted(&self.url(places)?));
        if self.is_event_stream {
            // The frames are binary; their texts are not.
            command.push_str(" | tr -cd '[:print:]'; echo");
        }
        Some(command)
    }
}

fn push(command: &mut String, flag: &str, value: &str) {
    command.push(' ');
    command.push_str(flag);
    command.push(' ');
    command.push_str(&quoted(value));
}

/// One word of a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@,+%=".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Every command under its title.
#[derive(Debug)]
pub(super) struct Commands<'a>(pub(super) &'a Places);

impl fmt::Display for Commands<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for demo in &DEMOS {
            if let Some(command) = demo.curl(self.0) {
                writeln!(f, "  # {}\n  {command}", demo.title)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(title: &str, want: &str) {
        let places = Places {
            proxy: Some("127.0.0.1:8080".parse().unwrap()),
            s3: "127.0.0.1:9".parse().unwrap(),
        };
        let demo = DEMOS.iter().find(|demo| demo.title.starts_with(title)).unwrap();
        assert_eq!(demo.curl(&places).unwrap(), want);
    }

    #[test]
    fn commands_are_what_a_person_would_type() {
        check(
            "S3: get it back",
            "curl -sS http://127.0.0.1:8080/@reports/sandbox-bucket/hello.txt",
        );
        check(
            "S3: list",
            "curl -sS 'http://127.0.0.1:8080/@reports/sandbox-bucket?list-type=2'",
        );
        check(
            "S3: put",
            "curl -sS -X PUT -H 'content-type: text/plain' -d 'hello, sandbox' \
             http://127.0.0.1:8080/@reports/sandbox-bucket/hello.txt",
        );
        check(
            "S3: the same in forward",
            "curl -sS -x http://127.0.0.1:8080 http://sandbox-bucket.s3.us-east-1.amazonaws.com/hello.txt",
        );
        check(
            "Rejected: a tampered",
            "curl -sS --aws-sigv4 aws:amz:us-east-1:s3 --user AKIASANDBOXREPORTER0:not-the-secret-of-this-key \
             -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' 'http://127.0.0.1:9/sandbox-bucket?list-type=2'",
        );
    }

    #[test]
    fn shell_words_survive_quotes() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
