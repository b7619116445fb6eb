//! Who exists in the sandbox: fixed users and roles, so that examples can be pasted and tests can name them.
//!
//! The keys have AWS's shape (`AKIA` and 16 characters; 40 characters) and are published here: they open nothing.

use std::fmt;

/// Account of [`REPORTER`], [`ROBOT`] and [`REPORT_READER`].
pub const ACCOUNT: &str = "111122223333";
/// Account of the operator, who owns the managed identity [`ACME_PROXY`].
pub const OPERATOR_ACCOUNT: &str = "444455556666";
/// Account of the customer, who owns the role [`FOR_THE_PROXY`].
pub const CUSTOMER_ACCOUNT: &str = "222233334444";
/// Bucket that exists from the start.
pub const BUCKET: &str = "sandbox-bucket";
/// `DynamoDB` table that exists from the start; its key is the attribute `id`.
pub const TABLE: &str = "sandbox-table";

/// An IAM user of the sandbox.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct FakeUser {
    /// Its name, such as `reporter`.
    pub name: &'static str,
    /// Its account, 12 digits.
    pub account: &'static str,
    /// `arn:aws:iam::ACCOUNT:user/NAME`.
    pub arn: &'static str,
    /// Its unique id, as `GetCallerIdentity` tells it.
    pub user_id: &'static str,
    /// Its long-term access key id.
    pub access_key_id: &'static str,
    /// The secret of that key: fake and public.
    pub secret_access_key: &'static str,
    /// What it may do once its signature has been verified.
    pub rights: Rights,
}

impl fmt::Debug for FakeUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeUser")
            .field("arn", &self.arn)
            .finish_non_exhaustive()
    }
}

/// What a principal may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rights {
    /// Everything, in every service of the sandbox.
    Everything,
    /// Only STS; all else is given access denied, so that a request that was signed with the base keys
    /// instead of the assumed role's is noticed.
    StsOnly,
    /// Nothing that IAM decides: `GetCallerIdentity` needs no permission, all else is access denied.
    Nothing,
}

/// An IAM role of the sandbox.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FakeRole {
    /// Its name without the path.
    pub name: &'static str,
    /// Its account, 12 digits.
    pub account: &'static str,
    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
    pub arn: &'static str,
    /// Its unique id, as it shows in the user id of a session.
    pub role_id: &'static str,
    /// The one principal that may assume it.
    pub trusted_principal: &'static str,
    /// The External ID that the trust policy demands, if any.
    pub external_id: Option<&'static str>,
    /// The longest session that may be requested, in seconds.
    pub max_session_seconds: u64,
    /// What its sessions may do.
    pub rights: Rights,
}

/// For `access-key`: signs directly and may do everything.
pub const REPORTER: FakeUser = FakeUser {
    name: "reporter",
    account: ACCOUNT,
    arn: "arn:aws:iam::111122223333:user/reporter",
    user_id: "AIDASANDBOXREPORTER0",
    access_key_id: "AKIASANDBOXREPORTER0",
    secret_access_key: "sandbox+reporter/fake+secret+opens/nothi",
    rights: Rights::Everything,
};

/// For `access-key-assume-role`: may only assume [`REPORT_READER`] and [`BYSTANDER`].
pub const ROBOT: FakeUser = FakeUser {
    name: "robot",
    account: ACCOUNT,
    arn: "arn:aws:iam::111122223333:user/robot",
    user_id: "AIDASANDBOXROBOT0000",
    access_key_id: "AKIASANDBOXROBOT0000",
    secret_access_key: "sandbox+robot/fake+secret+that+opens/not",
    rights: Rights::StsOnly,
};

/// For `managed-cross-account`: the operator's user for one customer; may only assume [`FOR_THE_PROXY`] and
/// [`OPEN_TO_ALL`].
pub const ACME_PROXY: FakeUser = FakeUser {
    name: "acme-proxy",
    account: OPERATOR_ACCOUNT,
    arn: "arn:aws:iam::444455556666:user/acme-proxy",
    user_id: "AIDASANDBOXACMEPROXY",
    access_key_id: "AKIASANDBOXACMEPROXY",
    secret_access_key: "sandbox+acme+proxy/fake+secret+opens/not",
    rights: Rights::StsOnly,
};

/// Nobody has attached a policy to this user: it may do nothing, not even assume a role.
pub const CLERK: FakeUser = FakeUser {
    name: "clerk",
    account: ACCOUNT,
    arn: "arn:aws:iam::111122223333:user/clerk",
    user_id: "AIDASANDBOXCLERK0000",
    access_key_id: "AKIASANDBOXCLERK0000",
    secret_access_key: "sandbox+clerk/fake+secret+that+opens/not",
    rights: Rights::Nothing,
};

/// The role in [`ROBOT`]'s own account, with a path.
pub const REPORT_READER: FakeRole = FakeRole {
    name: "report-reader",
    account: ACCOUNT,
    arn: "arn:aws:iam::111122223333:role/team/report-reader",
    role_id: "AROASANDBOXREPORTRDR",
    trusted_principal: ROBOT.arn,
    external_id: None,
    max_session_seconds: 12 * 3600,
    rights: Rights::Everything,
};

/// The customer's role; its trust policy demands an External ID.
pub const FOR_THE_PROXY: FakeRole = FakeRole {
    name: "for-the-proxy",
    account: CUSTOMER_ACCOUNT,
    arn: "arn:aws:iam::222233334444:role/for-the-proxy",
    role_id: "AROASANDBOXFORPROXY0",
    trusted_principal: ACME_PROXY.arn,
    external_id: Some("sandbox-external-id-b1c9f0"),
    max_session_seconds: 3600,
    rights: Rights::Everything,
};

/// A role of the customer's that [`ACME_PROXY`] may assume with any External ID or none: the mistake that lets other
/// customers of the same operator use it.
pub const OPEN_TO_ALL: FakeRole = FakeRole {
    name: "open-to-all",
    account: CUSTOMER_ACCOUNT,
    arn: "arn:aws:iam::222233334444:role/open-to-all",
    role_id: "AROASANDBOXOPENDOOR0",
    trusted_principal: ACME_PROXY.arn,
    external_id: None,
    max_session_seconds: 3600,
    rights: Rights::Everything,
};

/// A role that [`ROBOT`] may assume and that has no policy: its sessions may do nothing.
pub const BYSTANDER: FakeRole = FakeRole {
    name: "bystander",
    account: ACCOUNT,
    arn: "arn:aws:iam::111122223333:role/bystander",
    role_id: "AROASANDBOXBYSTANDER",
    trusted_principal: ROBOT.arn,
    external_id: None,
    max_session_seconds: 3600,
    rights: Rights::Nothing,
};

/// The role whose credentials the instance metadata service hands out; nobody can assume it by STS.
pub const INSTANCE_ROLE: FakeRole = FakeRole {
    name: "sandbox-instance",
    account: ACCOUNT,
    arn: "arn:aws:iam::111122223333:role/sandbox-instance",
    role_id: "AROASANDBOXINSTANCE0",
    trusted_principal: "ec2.amazonaws.com",
    external_id: None,
    max_session_seconds: 12 * 3600,
    rights: Rights::Everything,
};

/// Every user of the sandbox.
pub const USERS: [FakeUser; 4] = [REPORTER, ROBOT, ACME_PROXY, CLERK];
/// Every role of the sandbox.
pub const ROLES: [FakeRole; 5] = [REPORT_READER, FOR_THE_PROXY, OPEN_TO_ALL, BYSTANDER, INSTANCE_ROLE];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fake_keys_have_the_shape_of_real_ones() {
        for user in USERS {
            assert_eq!(user.access_key_id.len(), 20, "{}", user.name);
            assert!(user.access_key_id.starts_with("AKIA"));
            assert_eq!(user.secret_access_key.len(), 40, "{}", user.name);
            assert_eq!(user.user_id.len(), 20, "{}", user.name);
            assert_eq!(user.arn, format!("arn:aws:iam::{}:user/{}", user.account, user.name));
            assert!(!format!("{user:?}").contains(user.secret_access_key));
        }
        for role in ROLES {
            assert_eq!(role.role_id.len(), 20, "{}", role.name);
            assert!(role.arn.starts_with(&format!("arn:aws:iam::{}:role/", role.account)));
            assert!(role.arn.ends_with(role.name));
        }
    }
}
