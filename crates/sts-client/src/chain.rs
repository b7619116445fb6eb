//! `default-chain`: what AWS's own tools would find on this machine.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AccountId, Clock, Region, RoleReference};
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::BehaviorVersion;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::cache::Obtained;
use crate::error::CredentialFailure;
use crate::error_response::chain_text;
use crate::instance;
use crate::quiet::quietly;
use crate::settings::StsSettings;
use crate::sts::{ClockTime, checked, retries, timeouts};

/// Keys without an expiry are looked up again this often: tools that log people in write temporary
/// ones into the profile without saying when they expire.
const LOOK_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Environment, profile (SSO and `credential_process` too), web identity, ECS and EKS, EC2; or one
/// profile where the connection names it: never another identity because of a typing error.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) profile: Option<String>,
    pub(crate) region: Region,
    pub(crate) settings: StsSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) http: SharedHttpClient,
}

impl Chain {
    /// One search.
    pub(crate) async fn obtain(&self) -> Result<Obtained, CredentialFailure> {
        match quietly(self.find()).await {
            Ok(found) => obtained(&found),
            Err(error) => Err(self.failure(&error).await),
        }
    }

    /// The session of the instance's own role, where it has the wanted one attached.
    pub(crate) async fn obtain_of_instance(&self, wanted: &RoleReference) -> Result<Obtained, CredentialFailure> {
        let config = self.config();
        let role = instance::attached_role(&config, wanted).await?;
        let provider = ImdsCredentialsProvider::builder()
            .configure(&config)
            .profile(role)
            .build();
        let found = quietly(provider.provide_credentials()).await;
        obtained(&found.map_err(|error| failure_of_chain(&error, None))?)
    }

    /// Checks that this is an instance with the wanted role attached.
    pub(crate) async fn check_instance(&self, wanted: &RoleReference) -> Result<(), CredentialFailure> {
        instance::attached_role(&self.config(), wanted).await.map(|_| ())
    }

    async fn failure(&self, error: &CredentialsError) -> CredentialFailure {
        let failure = failure_of_chain(error, self.profile.as_deref());
        let asks_instance = std::env::var_os("AWS_EC2_METADATA_DISABLED").is_none_or(|value| value != "true");
        // The chain says of a metadata service out of reach only that nothing was found.
        if failure == CredentialFailure::ChainEmpty && asks_instance && instance::is_out_of_reach(&self.config()).await
        {
            return CredentialFailure::InstanceHopLimit;
        }
        failure
    }

    async fn find(&self) -> Result<Credentials, CredentialsError> {
        let config = self.config();
        if let Some(profile) = &self.profile {
            let provider = ProfileFileCredentialsProvider::builder().configure(&config);
            return provider.profile_name(profile).build().provide_credentials().await;
        }
        let region = config_region(&self.region);
        let chain = DefaultCredentialsChain::builder().region(region).configure(config);
        chain.build().await.provide_credentials().await
    }

    /// Made anew each time: it keeps the profile files as it first read them.
    fn config(&self) -> ProviderConfig {
        ProviderConfig::empty()
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_region(Some(config_region(&self.region)))
            .with_http_client(self.http.clone())
            .with_time_source(ClockTime(Arc::clone(&self.clock)))
            .with_sleep_impl(TokioSleep::new())
            .with_retry_config(retries())
            .with_timeout_config(timeouts(&self.settings))
            .with_use_fips(Some(self.settings.use_fips))
    }
}

fn obtained(found: &Credentials) -> Result<Obtained, CredentialFailure> {
    let token = found.session_token().map(str::to_owned);
    let mut credentials = checked(found.access_key_id(), found.secret_access_key(), token).ok_or_else(|| {
        CredentialFailure::ChainMisconfigured {
            reason: "the keys that it found cannot be AWS keys".to_owned(),
        }
    })?;
    credentials.expires_at = found.expiry();
    credentials.account = found.account_id().and_then(|id| AccountId::parse(id.as_str()).ok());
    let refresh_after = credentials.expires_at.is_none().then_some(LOOK_AGAIN_AFTER);
    Ok(Obtained {
        credentials,
        refresh_after,
        session_space_percent: None,
    })
}

fn config_region(region: &Region) -> aws_types::region::Region {
    aws_types::region::Region::new(region.as_str().to_owned())
}

/// What an error of the chain means, by its kind and the `Display` texts of its causes.
fn failure_of_chain(error: &CredentialsError, profile: Option<&str>) -> CredentialFailure {
    let reason = || {
        let text = error.source().map_or_else(|| error.to_string(), chain_text);
        // The rest of it repeats what the command wrote to its standard error, or to its output.
        if text.contains("external process") {
            "the profile's credential_process failed".to_owned()
        } else {
            text
        }
    };
    match error {
        CredentialsError::CredentialsNotLoaded(_) => match profile {
            None => CredentialFailure::ChainEmpty,
            Some(profile) => CredentialFailure::ChainMisconfigured {
                reason: format!("the profile {profile} does not exist or has no credentials"),
            },
        },
        CredentialsError::InvalidConfiguration(_) => CredentialFailure::ChainMisconfigured { reason: reason() },
        CredentialsError::ProviderTimedOut(_) => CredentialFailure::TimedOut,
        _ => CredentialFailure::ChainFailed { reason: reason() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_credential_process_wrote_is_not_repeated() {
        let text = "Error retrieving credentials: external process exited with code 1. Stderr: hunter2";
        let inner = || CredentialsError::provider_error(text);
        for error in [inner(), CredentialsError::provider_error(inner())] {
            assert_eq!(
                failure_of_chain(&error, None).to_string(),
                "the default chain failed: the profile's credential_process failed"
            );
        }
    }

    #[test]
    fn each_kind_of_chain_error_has_its_code() {
        let source = || Box::<dyn std::error::Error + Send + Sync>::from("no such profile");
        for (error, code) in [
            (CredentialsError::not_loaded("nothing"), "chain_empty"),
            (CredentialsError::invalid_configuration(source()), "chain_misconfigured"),
            (CredentialsError::provider_error(source()), "chain_failed"),
            (CredentialsError::unhandled(source()), "chain_failed"),
            (
                CredentialsError::provider_timed_out(Duration::from_secs(1)),
                "sts_timeout",
            ),
        ] {
            assert_eq!(failure_of_chain(&error, None).code(), code);
        }
    }
}
