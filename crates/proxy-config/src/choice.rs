//! The texts of keys that are one of a few.

use super::{
    AllowMode, BrowserMode, BucketAddressing, BucketOwner, ChecksumMode, LogFormat, LogLevel, PayloadMode,
    PresignedMode, UserAgents,
};

/// A value that is written as one of a few texts.
pub(super) trait Choice: Copy + Default + 'static {
    /// Every text.
    const NAMES: &'static [&'static str];
    /// What each of them means, in the same order.
    const VALUES: &'static [Self];

    /// What the text means.
    fn of(text: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|name| *name == text)?;
        Self::VALUES.get(index).copied()
    }
}

/// Each value with its text.
macro_rules! choices {
    ($($type:ident { $($value:ident = $name:literal),+ })+) => {$(
        impl Choice for $type {
            const NAMES: &'static [&'static str] = &[$($name),+];
            const VALUES: &'static [Self] = &[$(Self::$value),+];
        }
    )+};
}

choices! {
    BrowserMode { Reject = "reject", Pass = "pass" }
    UserAgents { Reject = "reject", Pass = "pass" }
    LogFormat { Auto = "auto", Text = "text", Json = "json" }
    LogLevel { Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace" }
    BucketAddressing { Path = "path", Virtual = "virtual" }
    BucketOwner { Account = "account" }
    AllowMode { Enforce = "enforce", Log = "log" }
    PayloadMode {
        Auto = "auto",
        Signed = "signed",
        Unsigned = "unsigned",
        Streaming = "streaming",
        StreamingTrailer = "streaming-trailer",
        UnsignedTrailer = "unsigned-trailer"
    }
    ChecksumMode { Crc64Nvme = "crc64nvme", Crc32c = "crc32c" }
    PresignedMode { Reject = "reject", Pass = "pass", Resign = "resign" }
}
