//! The variants of an endpoint.

/// Which variant of a service's endpoint: FIPS 140 validated, IPv4 and IPv6, both or neither.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EndpointVariant {
    /// TLS by FIPS 140 validated modules, such as `s3-fips.us-east-1.amazonaws.com`.
    pub fips: bool,
    /// Reachable by IPv4 and IPv6, such as `s3.dualstack.us-east-1.amazonaws.com`.
    pub dualstack: bool,
}

impl EndpointVariant {
    /// Neither, either and both.
    pub const ALL: [Self; 4] = [
        Self::of(false, false),
        Self::of(true, false),
        Self::of(false, true),
        Self::of(true, true),
    ];

    const fn of(fips: bool, dualstack: bool) -> Self {
        Self { fips, dualstack }
    }
}
