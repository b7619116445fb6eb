//! The texts of keys that are one of a few.

use super::{AllowMode, BucketAddressing, BucketOwner, ChecksumMode, LogFormat, LogLevel, PayloadMode, PresignedMode};

/// A value that is written as one of a few texts.
pub(super) trait Choice: Copy + Default + 'static {
    /// Every text with what it means.
    const CHOICES: &'static [(&'static str, Self)];

    /// What the text means.
    fn of(text: &str) -> Option<Self> {
        let (_, value) = Self::CHOICES.iter().find(|(name, _)| *name == text)?;
        Some(*value)
    }
}

impl Choice for BucketAddressing {
    const CHOICES: &'static [(&'static str, Self)] = &[("path", Self::Path), ("virtual", Self::Virtual)];
}

impl Choice for BucketOwner {
    const CHOICES: &'static [(&'static str, Self)] = &[("account", Self::Account)];
}

impl Choice for AllowMode {
    const CHOICES: &'static [(&'static str, Self)] = &[("enforce", Self::Enforce), ("log", Self::Log)];
}

impl Choice for PayloadMode {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("signed", Self::Signed),
        ("unsigned", Self::Unsigned),
        ("streaming", Self::Streaming),
        ("streaming-trailer", Self::StreamingTrailer),
        ("unsigned-trailer", Self::UnsignedTrailer),
    ];
}

impl Choice for ChecksumMode {
    const CHOICES: &'static [(&'static str, Self)] = &[("crc64nvme", Self::Crc64Nvme), ("crc32c", Self::Crc32c)];
}

impl Choice for PresignedMode {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("reject", Self::Reject), ("pass", Self::Pass), ("resign", Self::Resign)];
}

impl Choice for LogFormat {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("text", Self::Text), ("json", Self::Json)];
}

impl Choice for LogLevel {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}
