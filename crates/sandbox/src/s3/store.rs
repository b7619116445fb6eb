//! Sets up s3s over a directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::host::{S3Host, VirtualHost};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};
use s3s_fs::FileSystem;
use tempfile::TempDir;

use super::OperationName;
use crate::error::SandboxError;
use crate::keys::KeyStore;
use crate::principals::BUCKET;

/// An open directory; a temporary one goes with this.
pub(crate) struct Store {
    pub(crate) service: S3Service,
    pub(crate) directory: Option<TempDir>,
}

/// Opens `directory`, or a temporary one, and makes the bucket that exists from the start.
pub(crate) fn open(directory: Option<&Path>, keys: Arc<KeyStore>) -> Result<Store, SandboxError> {
    let failed = |error: std::io::Error| SandboxError::Directory(error.into());
    let temporary = match directory {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("sandbox-s3-")
                .tempdir()
                .map_err(failed)?,
        ),
    };
    let root: PathBuf = match (directory, &temporary) {
        (Some(given), _) => given.to_owned(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => PathBuf::new(),
    };
    std::fs::create_dir_all(root.join(BUCKET)).map_err(failed)?;
    let files = FileSystem::new(&root).map_err(|error| SandboxError::Directory(format!("{error:?}").into()))?;

    let mut config = S3Config::default();
    // The time was checked before, against the sandbox's own clock.
    config.presigned_url_max_skew_time_secs = u32::MAX;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.set_auth(Keys(keys));
    builder.set_access(SignedOnly);
    builder.set_host(BucketHosts);
    Ok(Store {
        service: builder.build(),
        directory: temporary,
    })
}

struct Keys(Arc<KeyStore>);

#[async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.find(access_key) {
            Some(key) => Ok(SecretKey::from(key.secret.expose())),
            None => Err(s3_error!(InvalidAccessKeyId)),
        }
    }
}

struct SignedOnly;

#[async_trait]
impl S3Access for SignedOnly {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = context.s3_op().name().to_owned();
        if let Some(name) = context.extensions_mut().get::<OperationName>() {
            let _ = name.0.set(operation);
        }
        match context.credentials() {
            Some(_) => Ok(()),
            None => Err(s3_error!(AccessDenied, "Signature is required")),
        }
    }
}

/// `BUCKET.s3.REGION.amazonaws.com`, `BUCKET.s3.amazonaws.com` and `BUCKET.localhost`; any other name is path style.
struct BucketHosts;

impl S3Host for BucketHosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let bucket = match name.strip_suffix(".amazonaws.com") {
            Some(aws) => aws.rsplit_once(".s3").and_then(|(bucket, region)| {
                let is_region = region.is_empty() || region.starts_with(['.', '-']);
                is_region.then_some(bucket)
            }),
            None => name.strip_suffix(".localhost"),
        };
        let host = VirtualHost::new(name);
        Ok(match bucket {
            Some(bucket) if !bucket.is_empty() => host.with_bucket(bucket),
            _ => host,
        })
    }
}
