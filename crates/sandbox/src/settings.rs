//! What can be set.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{Clock, Region, SystemClock};

/// How a sandbox is set up. The default needs nothing: any free ports, a temporary directory, the system's clock.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Ports on 127.0.0.1; 0 takes any free one.
    pub ports: Ports,
    /// Where S3 keeps its objects. `None`: a temporary directory that goes with the sandbox.
    pub s3_directory: Option<PathBuf>,
    /// The regions whose credential scopes are right; the first is the one that instance metadata tells.
    pub regions: Vec<Region>,
    /// Whether each port but the metadata service's also takes TLS (HTTP/1.1 and h2 by ALPN), beside plain HTTP.
    pub tls: bool,
    /// The time by which signatures and sessions are judged, and that `Date` tells. (s3s judges presigned URLs by the system's clock too.)
    pub clock: Arc<dyn Clock>,
    /// The pause between two frames of a streamed Bedrock response.
    pub stream_pause: Duration,
}

/// One port for each service.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(missing_docs, reason = "named after their services")]
pub struct Ports {
    pub s3: u16,
    pub sts: u16,
    pub imds: u16,
    pub ec2: u16,
    pub workspaces: u16,
    pub bedrock_runtime: u16,
    pub dynamodb: u16,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            ports: Ports::default(),
            s3_directory: None,
            regions: ["us-east-1", "eu-west-1"]
                .into_iter()
                .filter_map(|region| Region::parse(region).ok())
                .collect(),
            tls: false,
            clock: Arc::new(SystemClock),
            stream_pause: Duration::ZERO,
        }
    }
}
