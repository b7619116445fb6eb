//! The calls to STS, each with the keys that sign it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auth_model::{
    AccessKeyId, AccountId, Arn, Clock, Credentials, ExternalId, MfaCode, MfaSerial, PolicyArn, Region, RoleArn,
    RoleSessionName, Secret, SecretAccessKey, SessionDuration, SessionPolicy, SessionToken, SourceIdentity, TagKey,
    TagValue,
};
use aws_sdk_sts::config::{BehaviorVersion, IdentityCache, StalledStreamProtectionConfig};
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::error::CredentialFailure;
use crate::error_response::failure_of;
use crate::quiet::quietly;
use crate::settings::StsSettings;

/// Who a set of credentials belongs to, as STS `GetCallerIdentity` says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallerIdentity {
    /// The account.
    pub account: AccountId,
    /// The user, role session, ...
    pub arn: Arn,
}

/// The parameters of one `AssumeRole`.
#[derive(Debug)]
pub(crate) struct RoleRequest<'a> {
    pub(crate) role: &'a RoleArn,
    pub(crate) session_name: &'a RoleSessionName,
    pub(crate) duration: SessionDuration,
    pub(crate) external_id: Option<&'a ExternalId>,
    pub(crate) policy: Option<&'a SessionPolicy>,
    pub(crate) policy_arns: &'a [PolicyArn],
    pub(crate) tags: Vec<(&'a TagKey, &'a TagValue)>,
    pub(crate) transitive: &'a [TagKey],
    pub(crate) source_identity: Option<&'a SourceIdentity>,
    pub(crate) mfa: Option<(&'a MfaSerial, MfaCode)>,
}

/// What `AssumeRole` returns.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) credentials: Credentials,
    /// How much of what a session may hold its policies and tags take, in percent.
    pub(crate) space_percent: Option<u32>,
}

/// STS in one region.
#[derive(Clone, Debug)]
pub(crate) struct Sts {
    base: aws_sdk_sts::Config,
    clock: Arc<dyn Clock>,
}

/// Our clock, for the SDK.
#[derive(Clone, Debug)]
pub(crate) struct ClockTime(pub(crate) Arc<dyn Clock>);

impl TimeSource for ClockTime {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

/// One retry: a client's request waits behind the call, and the cache tries again by itself.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(2)
}

/// The timeouts of one call.
pub(crate) fn timeouts(settings: &StsSettings) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .operation_timeout(settings.operation_timeout)
        .build()
}

impl Sts {
    pub(crate) fn new(region: &Region, settings: &StsSettings, clock: Arc<dyn Clock>, http: SharedHttpClient) -> Self {
        let mut builder = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new(region.as_str().to_owned()))
            .http_client(http)
            .time_source(ClockTime(Arc::clone(&clock)))
            .sleep_impl(TokioSleep::new())
            .retry_config(retries())
            .timeout_config(timeouts(settings))
            // The operation timeout bounds the response, which is a few kilobytes.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // Each call brings its own keys: a cache would keep old ones.
            .identity_cache(IdentityCache::no_cache());
        match &settings.endpoint {
            // The SDK refuses FIPS together with an endpoint of one's own.
            Some(endpoint) => builder = builder.endpoint_url(endpoint.to_string()),
            None => builder = builder.use_fips(settings.use_fips),
        }
        Self {
            base: builder.build(),
            clock,
        }
    }

    /// The same, with an observer of every response.
    pub(crate) fn observed_by(self, listener: impl Intercept + 'static) -> Self {
        Self {
            base: self.base.to_builder().interceptor(listener).build(),
            clock: self.clock,
        }
    }

    fn client(&self, keys: &Credentials) -> aws_sdk_sts::Client {
        let keys = aws_credential_types::Credentials::new(
            keys.access_key_id.as_str(),
            keys.secret_access_key.expose(),
            keys.session_token.as_ref().map(|token| token.expose().to_owned()),
            keys.expires_at,
            "signing-proxy",
        );
        aws_sdk_sts::Client::from_conf(self.base.to_builder().credentials_provider(keys).build())
    }

    /// Whose keys these are.
    pub(crate) async fn caller_identity(&self, keys: &Credentials) -> Result<CallerIdentity, CredentialFailure> {
        let response = quietly(async { self.client(keys).get_caller_identity().send().await })
            .await
            .map_err(|error| failure_of(&error, "requesting the caller identity"))?;
        let account = response.account().and_then(|text| AccountId::parse(text).ok());
        let arn = response.arn().and_then(|text| text.parse().ok());
        match (account, arn) {
            (Some(account), Some(arn)) => Ok(CallerIdentity { account, arn }),
            _ => Err(CredentialFailure::UnreadableResponse { status: 200 }),
        }
    }

    /// A new session of a role.
    pub(crate) async fn assume_role(
        &self,
        keys: &Credentials,
        request: &RoleRequest<'_>,
    ) -> Result<Session, CredentialFailure> {
        let call = request.fill(self.client(keys).assume_role())?;
        let response = quietly(async { call.send().await })
            .await
            .map_err(|error| failure_of(&error, &format!("assuming {}", request.role)))?;
        let unreadable = CredentialFailure::UnreadableResponse { status: 200 };
        let space_percent = space_percent(&response);
        let session = response.credentials.ok_or_else(|| unreadable.clone())?;
        let expires_at = SystemTime::try_from(session.expiration).map_err(|_| unreadable.clone())?;
        let token = Some(session.session_token);
        let mut credentials = checked(session.access_key_id, session.secret_access_key, token).ok_or(unreadable)?;
        credentials.expires_at = Some(expiry_by_our_clock(
            expires_at,
            self.clock.now(),
            request.duration.get(),
        ));
        credentials.account = Some(request.role.account().clone());
        credentials.session_name = Some(request.session_name.clone());
        Ok(Session {
            credentials,
            space_percent,
        })
    }
}

/// When a session that was issued just now ends, by a clock that STS's may differ from.
///
/// Where ours is behind, the session would be used for longer than AWS takes it: it cannot outlive its duration. Where
/// ours is ahead by more than the session's life, it would seem to have ended before it began; STS issues
/// no such sessions, so it is taken to last as long as was requested.
fn expiry_by_our_clock(theirs: SystemTime, now: SystemTime, duration: Duration) -> SystemTime {
    let longest = now + duration;
    if theirs <= now { longest } else { theirs.min(longest) }
}

/// `SessionTokenUtilization`, else `PackedPolicySize`, which it replaces.
#[expect(
    deprecated,
    reason = "partitions and emulators that do not know the new member send the old one alone"
)]
fn space_percent(response: &AssumeRoleOutput) -> Option<u32> {
    let percent = response.session_token_utilization().or(response.packed_policy_size());
    percent.and_then(|percent| u32::try_from(percent).ok())
}

impl RoleRequest<'_> {
    /// Puts every parameter into the call.
    fn fill(&self, mut call: AssumeRoleFluentBuilder) -> Result<AssumeRoleFluentBuilder, CredentialFailure> {
        let seconds = i32::try_from(self.duration.get().as_secs()).map_err(|_| CredentialFailure::Internal)?;
        for arn in self.policy_arns {
            call = call.policy_arns(PolicyDescriptorType::builder().arn(arn.as_str()).build());
        }
        for (key, value) in &self.tags {
            let tag = Tag::builder().key(key.as_str()).value(value.as_str()).build();
            call = call.tags(tag.map_err(|_| CredentialFailure::Internal)?);
        }
        for key in self.transitive {
            call = call.transitive_tag_keys(key.as_str());
        }
        if let Some((serial, code)) = &self.mfa {
            call = call.serial_number(serial.as_str()).token_code(code.expose());
        }
        Ok(call
            .role_arn(self.role.to_string())
            .role_session_name(self.session_name.as_str())
            .duration_seconds(seconds)
            .set_external_id(self.external_id.map(|id| id.as_str().to_owned()))
            .set_policy(self.policy.map(|policy| policy.as_str().to_owned()))
            .set_source_identity(self.source_identity.map(|identity| identity.as_str().to_owned())))
    }
}

/// Credentials of texts that somebody sent; `None` where they cannot be ones.
pub(crate) fn checked(id: impl Into<String>, secret: impl Into<String>, token: Option<String>) -> Option<Credentials> {
    let id = AccessKeyId::parse(id).ok()?;
    let secret = SecretAccessKey::parse(Secret::new(secret)).ok()?;
    let credentials = Credentials::new(id, secret);
    match token {
        None => Some(credentials),
        Some(token) => Some(credentials.with_session_token(SessionToken::parse(Secret::new(token)).ok()?)),
    }
}
