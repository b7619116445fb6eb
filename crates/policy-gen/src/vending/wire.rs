//! How an operation looks on the wire, and every name of an operation that a request could be read to hold.

use std::borrow::Cow;

use aws_endpoints::percent::decode_lossy;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use crate::mapping::{Request, s3};

/// How a request for an operation is told.
#[derive(Debug)]
pub(super) enum Wire {
    /// By `Action` of a form.
    Query(&'static str),
    /// By `X-Amz-Target`, or the path of RPC v2.
    Target(&'static str),
    /// By method and path.
    Path {
        method: Method,
        segments: Vec<&'static str>,
        /// A key that the query must have.
        only_with: Option<&'static str>,
    },
    /// By the sub-resource `session` of a bucket.
    S3Session,
}

/// Parameters that name an operation in a query or a form.
const NAMING: [&str; 3] = ["action", "operation", "x-amz-target"];

/// Headers and parameters that make another method of one, to some servers.
const OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

impl Wire {
    pub(super) fn read(form: &str, wire: &'static str) -> Option<Self> {
        Some(match form {
            "query" => Self::Query(wire),
            "target" => Self::Target(wire),
            "s3-session" => Self::S3Session,
            "path" => {
                let (method, path) = wire.split_once(' ')?;
                let (path, only_with) = match path.split_once('?') {
                    Some((path, key)) => (path, Some(key)),
                    None => (path, None),
                };
                Self::Path {
                    method: method.parse().ok()?,
                    segments: path.split('/').filter(|segment| !segment.is_empty()).collect(),
                    only_with,
                }
            }
            _ => return None,
        })
    }

    /// Whether a body has the name of an operation that is called by a header: older protocols had it there.
    pub(super) fn is_named_in(&self, body: &[u8]) -> bool {
        let Self::Target(name) = self else { return false };
        body.windows(name.len())
            .any(|window| window.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Whether the request could be for this operation.
    pub(super) fn is(&self, request: &Request<'_>, names: &Names) -> bool {
        match self {
            Self::Query(name) | Self::Target(name) => names.has(name),
            Self::Path {
                method,
                segments,
                only_with,
            } => {
                (request.method == method || overrides_method(request.headers))
                    && readings(request.path).iter().any(|path| fits(segments, path))
                    && only_with.is_none_or(|key| has_flag(request.query, key))
            }
            Self::S3Session => {
                (*request.method == Method::GET || overrides_method(request.headers))
                    && has_key(request.query, "session")
                    && !s3::is_object(request)
            }
        }
    }
}

/// Names of operations, in lower case.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Those of the head: of the target header, of the path of RPC v2, and of the query.
    pub(super) fn of_head(request: &Request<'_>) -> Self {
        let mut names = Self::default();
        for value in request.headers.get_all("x-amz-target") {
            for part in String::from_utf8_lossy(value.as_bytes()).split(',') {
                names.add(part);
            }
        }
        for path in readings(request.path) {
            if let Some(at) = path
                .iter()
                .position(|segment| segment.eq_ignore_ascii_case("operation"))
                && let Some(name) = path.get(at + 1)
            {
                names.add(name);
            }
            // Frameworks for RPC take the last segment for the operation's name.
            if let Some(name) = path.last() {
                names.add(name);
            }
        }
        names.add_form(request.query.unwrap_or_default());
        names
    }

    /// Those of the head and of a form in the body.
    pub(super) fn of_form(request: &Request<'_>, body: &[u8]) -> Self {
        let mut names = Self::of_head(request);
        // Without the zeros of UTF-16, and what a lenient reader leaves out.
        let text: String = String::from_utf8_lossy(body)
            .chars()
            .filter(|c| !matches!(*c, '\0' | '\u{feff}' | char::REPLACEMENT_CHARACTER))
            .collect();
        names.add_form(&text);
        names
    }

    /// Whether a service that is called by a header could be called by a form in the body instead.
    pub(super) fn may_be_in_body(&self, request: &Request<'_>) -> bool {
        self.0.is_empty() || self.is_form(request)
    }

    /// Whether there is none at all.
    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the body says that it is a form.
    #[expect(clippy::unused_self, reason = "read together with the names")]
    pub(super) fn is_form(&self, request: &Request<'_>) -> bool {
        let kinds = request.headers.get_all(CONTENT_TYPE).iter();
        let mut kinds = kinds.map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase());
        kinds.any(|kind| kind.contains("form"))
    }

    fn has(&self, operation: &str) -> bool {
        self.0.iter().any(|name| name.eq_ignore_ascii_case(operation))
    }

    fn add_form(&mut self, form: &str) {
        for (key, value) in pairs(form) {
            let mut key: String = key.chars().filter(char::is_ascii_graphic).collect();
            key.make_ascii_lowercase();
            if NAMING.contains(&key.as_str()) {
                self.add(&value);
            }
        }
    }

    /// The name without the service before it, such as that of `AmazonSSM.GetAccessToken`, whatever stands between.
    fn add(&mut self, text: &str) {
        let name = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let name = name
            .rsplit(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        if !name.is_empty() {
            self.0.push(name.to_ascii_lowercase());
        }
    }
}

/// Whether a body is one that a form could be in: any but S3's own, which are not sent to the root.
pub(super) fn may_be_form(request: &Request<'_>) -> bool {
    let is_s3 = matches!(request.service.as_str(), "s3" | "s3express");
    !is_s3 || (*request.method == Method::POST && may_be_root(request.path))
}

/// Whether a server could read the path as `/`, where no bucket is: it may resolve dot segments, join slashes, cut
/// parameters off, or take an empty first segment for no bucket (Ceph's RGW).
pub(super) fn may_be_root(path: &str) -> bool {
    let is_odd = |byte: u8| matches!(byte, b'.' | b'%' | b'\\' | b';');
    if path == "/" || path.starts_with("//") {
        return true;
    }
    if !path.bytes().any(is_odd) {
        return false;
    }
    let once = lossy(path);
    let twice = lossy(&once);
    [path, &once, &twice].into_iter().any(|path| {
        let mut resolved: Vec<&str> = Vec::new();
        let path = path.strip_prefix('/').unwrap_or(path);
        for segment in path.split(['/', '\\']) {
            match segment.split(';').next().unwrap_or_default() {
                "." => {}
                ".." => drop(resolved.pop()),
                segment => resolved.push(segment),
            }
        }
        resolved.first().is_none_or(|first| first.is_empty())
    })
}

/// Whether a request to S3 holds no trace of an operation that hands out credentials: most requests, so this is cheap.
pub(super) fn is_plain_s3(request: &Request<'_>) -> bool {
    let has = |text: &str, word: &[u8]| {
        let mut windows = text.as_bytes().windows(word.len());
        text.contains('%') || windows.any(|window| window.eq_ignore_ascii_case(word))
    };
    matches!(request.service.as_str(), "s3" | "s3express")
        && !may_be_root(request.path)
        && !has(request.path, b"dataaccess")
        && request.query.is_none_or(|query| !has(query, b"session"))
}

fn overrides_method(headers: &HeaderMap) -> bool {
    OVERRIDES.iter().any(|name| headers.contains_key(*name))
}

fn has_key(query: Option<&str>, key: &str) -> bool {
    pairs(query.unwrap_or_default()).any(|(name, _)| name.trim().eq_ignore_ascii_case(key))
}

/// Whether a key is there and anything but off.
fn has_flag(query: Option<&str>, key: &str) -> bool {
    pairs(query.unwrap_or_default())
        .any(|(name, value)| name.trim().eq_ignore_ascii_case(key) && !value.trim().eq_ignore_ascii_case("false"))
}

fn pairs(form: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form.split(['&', ';']).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> Cow<'_, str> {
    match decode_lossy(text) {
        Cow::Owned(text) => Cow::Owned(text.replace('+', " ")),
        Cow::Borrowed(text) if text.contains('+') => Cow::Owned(text.replace('+', " ")),
        Cow::Borrowed(text) => Cow::Borrowed(text),
    }
}

/// The segments of a path as servers could read it: escapes decoded before or after it is divided, with and without the
/// removal of dot segments. Empty segments are none.
fn readings(path: &str) -> Vec<Vec<String>> {
    let of_raw: Vec<String> = path.split('/').map(lossy).collect();
    let of_decoded: Vec<String> = lossy(path).split('/').map(str::to_owned).collect();
    let mut readings = Vec::with_capacity(3);
    for segments in [of_raw, of_decoded] {
        let plain: Vec<String> = segments.into_iter().filter(|segment| !segment.is_empty()).collect();
        let mut resolved: Vec<String> = Vec::with_capacity(plain.len());
        for segment in &plain {
            match segment.as_str() {
                "." => {}
                ".." => drop(resolved.pop()),
                _ => resolved.push(segment.clone()),
            }
        }
        for reading in [plain, resolved] {
            if !readings.contains(&reading) {
                readings.push(reading);
            }
        }
    }
    readings
}

fn lossy(text: &str) -> String {
    decode_lossy(text).into_owned()
}

/// Whether a path has the segments of a template, in which `{NAME}` stands for any one.
fn fits(template: &[&str], path: &[String]) -> bool {
    let is_same = |(wanted, segment): (&&str, &String)| wanted.starts_with('{') || wanted.eq_ignore_ascii_case(segment);
    template.len() == path.len() && template.iter().zip(path).all(is_same)
}
