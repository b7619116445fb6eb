//! The form of the Query protocols of EC2 and STS: in the query of a GET, in the query or the body of a POST.

mod names;

use std::borrow::Cow;
use std::collections::BTreeSet;

use aws_endpoints::percent::{PercentError, decode_strict};
use http::Method;
use http::header::CONTENT_TYPE;

use super::{BodyFraming, BodyNeed, MappingError, Request};

/// The most bytes of a form in a body. The largest that EC2 takes are launch templates with 16 KiB of user data.
pub(super) const MAX_BODY: usize = 1 << 20;

/// The most parameters of a form.
const MAX_PARAMETERS: usize = 8192;

/// A form, decoded once. No name stands in it twice.
#[derive(Debug)]
pub(super) struct Form {
    pairs: Vec<Pair>,
}

#[derive(Debug)]
struct Pair {
    /// As it is written, decoded.
    name: String,
    /// The name without the numbers of lists: `NetworkInterface.1.SubnetId` is `NetworkInterface.SubnetId`.
    path: String,
    value: String,
}

/// Whether the body belongs to the form.
pub(super) fn needs_body(request: &Request<'_>) -> BodyNeed {
    match request.body {
        BodyFraming::Empty => BodyNeed::No,
        BodyFraming::Length(_) | BodyFraming::Unknown => BodyNeed::UpTo(MAX_BODY),
    }
}

impl Form {
    /// Reads the form of a request, wherever it lies.
    pub(super) fn read(request: &Request<'_>, body: Option<&[u8]>) -> Result<Self, MappingError> {
        check_head(request)?;
        let body = match request.body {
            BodyFraming::Empty => body.unwrap_or_default(),
            BodyFraming::Length(_) | BodyFraming::Unknown => body.ok_or(MappingError::BodyMissing)?,
        };
        let body = std::str::from_utf8(body).map_err(|_| MappingError::malformed("the form", "it is ASCII"))?;
        // Escaped in a query before it is signed, and sent as it is in a body.
        if body.contains([';', '\0']) {
            let what = "a ';' or NUL in a form that is not escaped, where some readers end a parameter; write %3B";
            return Err(MappingError::ambiguous(what));
        }
        let mut names = BTreeSet::new();
        let mut pairs = Vec::new();
        for text in [request.query.unwrap_or_default(), body] {
            for pair in text.split('&').filter(|pair| !pair.is_empty()) {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let (name, value) = (decoded(name)?, decoded(value)?);
                if pairs.len() == MAX_PARAMETERS {
                    return Err(MappingError::malformed("the form", "it has at most 8192 parameters"));
                }
                if !names.insert(name.to_ascii_lowercase()) {
                    return Err(MappingError::ambiguous("a parameter that is there twice"));
                }
                pairs.push(Pair {
                    path: path_of(&name),
                    name,
                    value,
                });
            }
        }
        Ok(Self { pairs })
    }

    /// The value of `Action`.
    pub(super) fn action(&self) -> Result<&str, MappingError> {
        match self.texts("Action")?.as_slice() {
            [] => Err(MappingError::unknown("a form without Action")),
            [name] => Ok(name),
            _ => Err(MappingError::ambiguous("Action")),
        }
    }

    /// The values of a parameter, whatever the numbers of lists in its name.
    pub(super) fn texts(&self, path: &str) -> Result<Vec<&str>, MappingError> {
        let mut found = Vec::new();
        for pair in self.pairs.iter().filter(|pair| pair.path.eq_ignore_ascii_case(path)) {
            if pair.path != path {
                return Err(MappingError::ambiguous(format!(
                    "a parameter like {path} in another case"
                )));
            }
            found.push(pair.value.as_str());
        }
        Ok(found)
    }

    /// Checks every name against those of the service; says whether there is one that the service is not known to have.
    ///
    /// # Errors
    ///
    /// [`MappingError`] where a name is no name, or is one of the service's in another spelling: who reads it leniently would
    /// find what was not read here.
    pub(super) fn has_unknown_name(&self, service: &str) -> Result<bool, MappingError> {
        let mut has_unknown = false;
        for pair in &self.pairs {
            has_unknown |= !names::is_known(service, &pair.name, &pair.path)?;
        }
        Ok(has_unknown)
    }

    /// The names of all parameters, without the numbers of lists.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|pair| pair.path.as_str())
    }

    /// Whether there is a parameter of this name or below it.
    pub(super) fn has(&self, path: &str) -> bool {
        self.pairs.iter().any(|pair| {
            let start = pair.path.get(..path.len());
            let is_below = matches!(pair.path.as_bytes().get(path.len()), None | Some(b'.'));
            is_below && start.is_some_and(|start| start.eq_ignore_ascii_case(path))
        })
    }
}

/// Only what every reader takes for a form.
fn check_head(request: &Request<'_>) -> Result<(), MappingError> {
    if ![Method::GET, Method::POST].contains(request.method) {
        return Err(MappingError::unknown("the method: a form is sent by GET or POST"));
    }
    if request.path != "/" {
        return Err(MappingError::unknown("the path: a form is sent to /"));
    }
    if request.headers.contains_key("x-amz-target") || request.headers.contains_key("smithy-protocol") {
        return Err(MappingError::ambiguous("Action and a header that names an operation"));
    }
    let mut kinds = request.headers.get_all(CONTENT_TYPE).iter();
    let is_form = |kind: &http::HeaderValue| {
        let kind = kind.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
        kind.trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    };
    if *request.method == Method::POST && !kinds.all(is_form) {
        return Err(MappingError::malformed(
            "Content-Type",
            "a form is application/x-www-form-urlencoded",
        ));
    }
    Ok(())
}

/// Form-decoded exactly once.
fn decoded(text: &str) -> Result<String, MappingError> {
    let text = if text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    decode_strict(&text).map(Cow::into_owned).map_err(|error| {
        let reason = match error {
            PercentError::Escape => "a '%' is followed by two hexadecimal digits; write a plain one as %25",
            PercentError::Utf8 => "it is UTF-8 after decoding",
        };
        MappingError::malformed("the form", reason)
    })
}

/// EC2 counts lists by `.1`, STS by `.member.1`.
fn path_of(name: &str) -> String {
    let is_word = |part: &&str| !part.bytes().all(|b| b.is_ascii_digit()) && !part.eq_ignore_ascii_case("member");
    name.split('.').filter(is_word).collect::<Vec<_>>().join(".")
}
