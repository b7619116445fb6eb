//! `signing-proxy serve`.

use std::path::PathBuf;

use clap::Args;
use proxy_config::{Environment, FlagConnection, Overrides};
use tokio::runtime::Builder;

use super::block_on;
use super::output::Failure;
use crate::app::RunError;

/// What is signed for, and with what: the flags of every command that reads the configuration of `serve`.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sign for this service, by endpoint prefix such as s3 or bedrock-runtime, with the credentials that the AWS
    /// SDKs would find; no file is read.
    #[arg(long, value_name = "SERVICE", conflicts_with = "config")]
    pub service: Option<String>,
    /// The region of --service; else `$AWS_REGION`, else `$AWS_DEFAULT_REGION`.
    #[arg(long, value_name = "REGION", requires = "service")]
    pub region: Option<String>,
    /// Where requests for --service go instead of AWS: scheme, host and port.
    #[arg(long, value_name = "URL", requires = "service")]
    pub endpoint: Option<String>,
}

impl ConfigArgs {
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            file: self.config.clone(),
            connection: self.service.clone().map(|service| FlagConnection {
                service,
                region: self.region.clone(),
                endpoint: self.endpoint.clone(),
            }),
            ..Overrides::default()
        }
    }
}

/// What `serve` takes. Flags go before `SIGNING_PROXY_*` variables, those before the file.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Without --config the file is $SIGNING_PROXY_CONFIG, else ./signing-proxy.toml where there is one.

Examples:
  signing-proxy serve --config /etc/signing-proxy/signing-proxy.toml
  signing-proxy serve --service s3 --region eu-west-1
  signing-proxy serve --service s3 --region garage --endpoint http://127.0.0.1:3900 --listen 127.0.0.1:8081
  SIGNING_PROXY_LOG__FORMAT=json signing-proxy serve --admin off")]
pub struct ServeArgs {
    /// What to sign for.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The address of the shared listener, or off.
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<String>,
    /// The address of /livez, /readyz, /version and /metrics, or off.
    #[arg(long, value_name = "IP:PORT")]
    pub admin: Option<String>,
}

impl ServeArgs {
    fn overrides(&self) -> Overrides {
        Overrides {
            listen: self.listen.clone(),
            admin: self.admin.clone(),
            ..self.config.overrides()
        }
    }
}

pub(super) fn run(args: &ServeArgs, environment: &Environment) -> Result<(), Failure> {
    let overrides = args.overrides();
    let run = crate::app::run(&overrides, environment);
    // Clients are served on threads of their own.
    let drained = block_on(Builder::new_current_thread(), run)?.map_err(|error| match error {
        RunError::Config(error) => error.into(),
        RunError::Landlock(error) => Failure::running(error),
        RunError::Start(error) => Failure::running(error),
    })?;
    // The log has reported it already.
    if drained.cut == 0 { Ok(()) } else { Err(Failure::Cut) }
}
