//! Why a target is rejected, and where.

/// A part of the request target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetPart {
    /// Up to the first question mark.
    Path,
    /// After it.
    Query,
}

impl std::fmt::Display for TargetPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
        })
    }
}

/// What is wrong with a target.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetFault {
    /// Some servers take it as it is, others reject it.
    #[error("'%' without two hexadecimal digits; a percent sign is written %25")]
    InvalidEscape,
    /// A fragment to some servers, data to others; it never belongs on the wire.
    #[error("bare '#'; it is written %23")]
    BareHash,
    /// Bytes below 0x20, and 0x7F.
    #[error("control character; it is written as %XX")]
    ControlCharacter,
    /// Not in origin form.
    #[error("no '/' at the beginning")]
    NoLeadingSlash,
    /// Over 65,000 bytes.
    #[error("longer than 65000 bytes when encoded")]
    TooLong,
}

/// A target that two servers could read differently, so it is not sent to any.
///
/// The text names part, place and fault, and shows at most three bytes of the target: fit for a response and a log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{fault} (in the {part}, at byte {offset}{})", show(excerpt))]
pub struct TargetError {
    part: TargetPart,
    fault: TargetFault,
    offset: usize,
    excerpt: String,
}

/// An escape has three bytes; more could be somebody's secret.
const EXCERPT_BYTES: usize = 3;

impl TargetError {
    /// `rest` is the target from the offset on, or empty where there is nothing to show.
    pub(super) fn new(part: TargetPart, fault: TargetFault, offset: usize, rest: &[u8]) -> Self {
        let shown = rest.get(..EXCERPT_BYTES).unwrap_or(rest);
        Self {
            part,
            fault,
            offset,
            excerpt: shown.escape_ascii().to_string(),
        }
    }

    /// Where the fault is.
    #[must_use]
    pub fn part(&self) -> TargetPart {
        self.part
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> TargetFault {
        self.fault
    }

    /// The offending byte's place in the target, counted from 0.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

fn show(excerpt: &str) -> String {
    if excerpt.is_empty() {
        String::new()
    } else {
        format!(": \"{excerpt}\"")
    }
}
