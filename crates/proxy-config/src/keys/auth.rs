//! `[connections.NAME.auth]`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::HOUR;
use super::declare::tables;

/// STS `AssumeRole`, parameter `DurationSeconds`.
const SESSION: RangeInclusive<u64> = 900..=12 * HOUR;

pub(crate) const ACCESS_KEY: &str = "access-key";
pub(crate) const ASSUME_ROLE: &str = "access-key-assume-role";
pub(crate) const MANAGED: &str = "managed-cross-account";
pub(crate) const DEFAULT_CHAIN: &str = "default-chain";

/// The methods.
pub(crate) const METHODS: &[&str] = &[ACCESS_KEY, ASSUME_ROLE, MANAGED, DEFAULT_CHAIN];

/// Those with a key of their own.
const KEYS: &[&str] = &[ACCESS_KEY, ASSUME_ROLE];
/// Those that assume a role, whose session has options.
const ROLES: &[&str] = &[ASSUME_ROLE, MANAGED];

tables! {
    /// `[connections.NAME.auth]`.
    RawAuth {
        /// Where the credentials come from; the table above lists the other keys of each method. Required.
        method: Choice(METHODS), sample "access-key";
        /// What assumes the role: the keys written here, or what the AWS SDKs find on this machine, such as an EC2
        /// instance's role. `"keys"` where nothing is given.
        source: Choice(&["keys", "default-chain"]),
            note "instead of the keys: what the AWS SDKs find on this machine",
            sample "default-chain",
            of &[ASSUME_ROLE];
        /// Whether the connection has credentials only on an EC2 instance that has the role (of `roles`, the first)
        /// attached. The instance's metadata service reports it, by IMDSv2 only, again for each session. Together with
        /// `source = "default-chain"` that role's session is the instance's own and is not assumed; a chain continues
        /// from it. False where nothing is given.
        require_ec2: Boolean,
            note "only on EC2 instances that have the role attached", sample true, of &[ASSUME_ROLE];
        /// 1 to 128 visible characters.
        access_key_id: Asset, sample "AKIAIOSFODNN7EXAMPLE", of KEYS;
        /// Its secret.
        secret_access_key: Asset,
            note r#"or "file:/run/secrets/key", "file:keys.json#/secret", "exec:PROGRAM""#,
            sample "env:REPORTS_SECRET",
            of KEYS;
        /// Only with temporary keys.
        session_token: Asset, sample "file:/run/secrets/token", of KEYS;
        /// Instead of the three keys above: keys that a vault leases, see [credential assets](assets.md#credential-assets).
        credentials: Lease,
            note "instead of the three: keys that a vault leases", sample "vault-aws:aws/creds/reports", of KEYS;
        /// `"report-reader"`, `"team/report-reader"` or `"arn:aws:iam::111122223333:role/report-reader"`. A name is
        /// resolved in the account of the keys.
        role: Text("a role's name, path/name or ARN"),
            note "name, path/name or full ARN", sample "team/report-reader", of &[ASSUME_ROLE];
        /// Instead of `role`: roles that assume one another, in order; the last one signs: `["hub",
        /// "arn:aws:iam::222233334444:role/spoke"]`. A name is that of a role in the account of the role before. AWS
        /// ends such a session after an hour, so `session_duration` cannot be longer. MFA, the source identity and
        /// transitive tags go to the first role that is assumed and hold for the rest; duration, policies and the other
        /// tags go to the last.
        roles: List("roles' names, path/names or ARNs"),
            note "instead: each assumes the next",
            sample ["hub", "arn:aws:iam::222233334444:role/spoke"],
            of &[ASSUME_ROLE];
        /// The NAME of an `[identities.NAME]`.
        identity: Text("the name of one of the identities"), sample "acme", of &[MANAGED];
        /// The customer's role: `"arn:aws:iam::222233334444:role/for-the-proxy"`. Of the same partition as the region.
        role_arn: Text("a role's ARN"), sample "arn:aws:iam::222233334444:role/for-the-proxy", of &[MANAGED];
        /// The External ID in the customer's trust policy: 2 to 1224 of `A-Z a-z 0-9 _+=,.@:/-`. Not shared between
        /// organisations.
        external_id: Text("an External ID"),
            note "as in the customer's trust policy", sample "b1c9f0d2-acme", of &[MANAGED];
        /// The role session's name in CloudTrail: 2 to 64 of `A-Z a-z 0-9 _+=,.@-`. `{connection}` is replaced by the
        /// connection's name and `{host}` by the machine's; what a name cannot have becomes `-`, what is too long is
        /// cut off. There is no `{client}`: all clients share one session. Where none is given it is made from the
        /// connection's name.
        session_name: Text("a role session name"),
            note "default: made from the connection's name", sample "{connection}@{host}", of ROLES;
        /// How long a role session lives; the role's own maximum holds too. One hour where nothing is given.
        session_duration: Duration(SESSION), note "15m to 12h", sample "1h", of ROLES;
        /// What the session may do at most: an IAM policy of up to 2048 characters, or `"file:policy.json"`, which is
        /// read at the start. `"allow"` is the policy of the connection's `allow`, so that AWS enforces it too.
        session_policy: Text("IAM policy JSON or file:PATH"),
            note r#"or "file:policy.json""#, sample r#"'{"Version":"2012-10-17","Statement":[]}'"#, of ROLES;
        /// Managed policies that bound the session too, at most 10: `["arn:aws:iam::aws:policy/ReadOnlyAccess"]`. Each
        /// is AWS's own or of the role's account.
        session_policy_arns: List("policy ARNs"), sample ["arn:aws:iam::aws:policy/ReadOnlyAccess"], of ROLES;
        /// A session tag NAME, for conditions in policies: at most 50, keys of 1 to 128 and values of up to 256
        /// letters, digits, spaces and `_.:/=+-@`; keys differ in more than case and do not begin with `aws:`. A
        /// variable makes a key in lower case.
        #[serde(default)]
        session_tags.*: Text("a session tag's value") as BTreeMap<String, String>,
            note "for conditions in policies", sample "blue", of ROLES;
        /// Tags that sessions made from this one inherit: keys of `session_tags`.
        transitive_tag_keys: List("session tags' keys"),
            note "inherited by sessions that are made from this one", sample ["Team"], of ROLES;
        /// Who is responsible for the session, in CloudTrail and conditions: 2 to 64 of `A-Z a-z 0-9 _+=,.@-`. The trust
        /// policy has to allow `sts:SetSourceIdentity`.
        source_identity: Text("a source identity"),
            note "who is responsible for the session, in CloudTrail", sample "robot", of ROLES;
        /// The device that the trust policy requires: `"arn:aws:iam::111122223333:mfa/robot"`. Belongs to `mfa_token`.
        mfa_serial: Text("an MFA device's serial or ARN"), sample "arn:aws:iam::111122223333:mfa/robot", of ROLES;
        /// Where the device's current six digits are, read again for each session: not a literal and not a variable, since
        /// AWS takes a code once. `"exec:…"` can fetch it whenever a session is renewed; a file has to be updated in time.
        mfa_token: Asset, note "six digits, fresh for each session", sample "file:/run/mfa/code", of ROLES;
        /// The profile to use instead of `$AWS_PROFILE` or `default`: `"ops"`.
        profile: Text("a profile of the AWS configuration files"),
            note r#"default: $AWS_PROFILE, else "default""#, sample "ops", of &[ASSUME_ROLE, DEFAULT_CHAIN];
    }
}
