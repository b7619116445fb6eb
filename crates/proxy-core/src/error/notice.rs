//! What a notice beside a service's own response says: which recovery was not possible.

/// Why a service's response was passed on although the keys or the clock were the cause of its error. Clients see its name in
/// `x-signing-proxy-error`; the response itself is untouched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// AWS rejects the connection's credentials, and no others can be fetched.
    CredentialsRejected,
    /// AWS rejects the connection's credentials, and the refresh failed.
    CredentialsNotRenewed,
    /// AWS rejects the connection's credentials again so soon after the last refresh: the next one is held back.
    RefreshHeldBack,
    /// There are new credentials, but this body was passed on as it came and cannot be sent again.
    CredentialsRenewed,
    /// The time of the signature was rejected, and the response does not say by how much it is wrong.
    ClockNotCorrected,
    /// The time of signatures has been corrected, but this body was passed on as it came and cannot be sent again.
    ClockCorrected,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CredentialsRejected,
        Self::CredentialsNotRenewed,
        Self::RefreshHeldBack,
        Self::CredentialsRenewed,
        Self::ClockNotCorrected,
        Self::ClockCorrected,
    ];

    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CredentialsRejected => "credentials-rejected",
            Self::CredentialsNotRenewed => "credentials-not-renewed",
            Self::RefreshHeldBack => "refresh-held-back",
            Self::CredentialsRenewed => "credentials-renewed-retry-not-possible",
            Self::ClockNotCorrected => "clock-not-corrected",
            Self::ClockCorrected => "clock-corrected-retry-not-possible",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_is_documented_and_is_no_error() {
        const PAGE: &str = include_str!("../../../../docs/configuration.md");
        let section = PAGE.split("### Notices").nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        for notice in Notice::ALL {
            assert!(section.contains(&format!("\n| `{}` | ", notice.name())), "{notice:?}");
            assert!(super::super::ERRORS.iter().all(|code| code.name() != notice.name()));
        }
        let rows = section.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, Notice::ALL.len());
    }
}
