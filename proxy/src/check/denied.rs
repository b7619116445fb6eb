//! Who has to change a policy where AWS says "access denied", by what it says of the reason.
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages".

use auth_model::{AssumeRoleOptions, ExternalId, RoleArn};
use policy_gen::{Policy, Statement, UserArn, template};

use super::report::{Cause, Finding, PolicyKind, ResponsibleParty};

/// Which kind of policy the message blames; AWS names one at the most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Blamed {
    /// The caller's own policies.
    Identity { is_explicit: bool },
    /// The role's trust policy, or another resource's policy.
    Resource { is_explicit: bool },
    /// A permissions boundary, a policy of the organisation, or a VPC endpoint's policy.
    Guardrail(&'static str),
    /// The policy of the session.
    Session,
    /// It does not say.
    Nobody,
}

impl Blamed {
    pub(super) fn by(message: &str) -> Self {
        let explicit = message.split_once("with an explicit deny in ").map(|(_, rest)| rest);
        let implicit = message.split_once("because ").map(|(_, rest)| rest);
        let is_explicit = explicit.is_some();
        let Some(reason) = explicit.or(implicit).map(str::to_ascii_lowercase) else {
            return Self::Nobody;
        };
        let names = |text: &str| reason.contains(text);
        // The one that stands between the two others is named "transitively" after them: it comes first here.
        if names("service control polic") {
            Self::Guardrail("a service control policy of the organisation")
        } else if names("resource control polic") {
            Self::Guardrail("a resource control policy of the organisation")
        } else if names("permissions boundar") {
            Self::Guardrail("the permissions boundary")
        } else if names("vpc endpoint polic") {
            Self::Guardrail("the VPC endpoint's policy")
        } else if names("session polic") || names("sessions polic") {
            Self::Session
        } else if names("identity-based polic") {
            Self::Identity { is_explicit }
        } else if names("trust polic") || names("resource-based polic") {
            Self::Resource { is_explicit }
        } else {
            Self::Nobody
        }
    }
}

/// What was requested of STS when it denied a role.
#[derive(Debug)]
pub(super) struct Assumption<'a> {
    /// ARN of whoever assumes the role: a user, or the role before.
    pub(super) principal: &'a str,
    /// Whether it has the role's account.
    pub(super) is_same_account: bool,
    pub(super) role: &'a RoleArn,
    pub(super) external_id: Option<&'a ExternalId>,
    pub(super) options: Option<&'a AssumeRoleOptions>,
}

impl Assumption<'_> {
    /// What STS's denial comes from.
    pub(super) fn refused(&self, what: String, message: &str) -> Finding {
        let causes = match Blamed::by(message) {
            Blamed::Identity { is_explicit } => vec![self.by_own_policy(is_explicit, true)],
            Blamed::Resource { is_explicit } => {
                let id = self.by_external_id().filter(|_| !is_explicit);
                [Some(self.by_trust(is_explicit, true)), id]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Blamed::Guardrail(name) => vec![guardrail(name, "sts:AssumeRole")],
            Blamed::Session => vec![Cause::new(
                ResponsibleParty::SessionPolicy,
                format!(
                    "the session policy of {} does not allow sts:AssumeRole.",
                    self.principal
                ),
            )],
            Blamed::Nobody => self.in_order_of_likelihood(),
        };
        Finding { what, causes }
    }

    /// STS tells none of these apart. It usually does say when the caller's own policies are what is missing, so
    /// those come last.
    fn in_order_of_likelihood(&self) -> Vec<Cause> {
        let missing = Cause::new(
            ResponsibleParty::Role,
            format!(
                "the role does not exist, or has another path: AWS does not tell. Compare with `aws iam get-role \
                 --role-name {}` in account {}.",
                base_name(self.role),
                self.role.account()
            ),
        );
        let trust = self.by_trust(false, false);
        let own = self.by_own_policy(false, false);
        match self.by_external_id() {
            Some(id) => vec![id, trust, missing, own],
            None if self.is_same_account => vec![missing, trust, own],
            None => vec![trust, missing, own],
        }
    }

    fn by_external_id(&self) -> Option<Cause> {
        let id = self.external_id?;
        let text = format!(
            "the External ID of the connection, {id}, is not the one that the trust policy demands. Ask the role's owner \
             for sts:ExternalId in its trust policy; capitals count."
        );
        Some(Cause::new(ResponsibleParty::ExternalId, text).fixed_by(
            PolicyKind::Trust,
            self.role.to_string(),
            self.trust(),
        ))
    }

    fn by_trust(&self, is_explicit: bool, is_sure: bool) -> Cause {
        let verb = if is_sure { "does not let" } else { "may not let" };
        let text = if is_explicit {
            format!(
                "the role's trust policy has a Deny that keeps {} out: change that.",
                self.principal
            )
        } else {
            format!(
                "the role's trust policy {verb} {} in. It has to hold this statement; if it does, its conditions (MFA, \
                 source addresses, organisation) are what fails. A user that was deleted and made again has to be named \
                 anew.",
                self.principal
            )
        };
        Cause::new(ResponsibleParty::TrustPolicy, text).fixed_by(PolicyKind::Trust, self.role.to_string(), self.trust())
    }

    fn by_own_policy(&self, is_explicit: bool, is_sure: bool) -> Cause {
        let text = match (is_explicit, is_sure) {
            (true, _) => format!(
                "a policy of {} has a Deny for sts:AssumeRole: change that.",
                self.principal
            ),
            (false, true) => format!("no policy of {} allows sts:AssumeRole on the role.", self.principal),
            (false, false) => format!(
                "the policies of {} may lack sts:AssumeRole on the role; AWS usually says so when they do.",
                self.principal
            ),
        };
        let policy = if self.extra_actions().is_empty() {
            template::assume_role(self.role)
        } else {
            let actions = std::iter::once("sts:AssumeRole").chain(self.extra_actions());
            Policy::new([Statement::allow(actions).with_resource(policy_gen::literal(&self.role.to_string()))])
        };
        Cause::new(ResponsibleParty::UserPolicy, text).fixed_by(PolicyKind::Permissions, self.principal, policy)
    }

    /// What the options need besides `sts:AssumeRole`, on both sides.
    fn extra_actions(&self) -> Vec<&'static str> {
        let Some(options) = self.options else {
            return Vec::new();
        };
        let tags = options.tags.iter().next().map(|_| "sts:TagSession");
        let identity = options.source_identity.as_ref().map(|_| "sts:SetSourceIdentity");
        tags.into_iter().chain(identity).collect()
    }

    /// The trust policy that lets exactly this assumption in.
    pub(super) fn trust(&self) -> Policy {
        let extra = self.extra_actions();
        match self.principal.parse::<UserArn>() {
            Ok(user) if extra.is_empty() => template::trust(&user.into(), self.external_id),
            _ => {
                let allow = |actions: &[&'static str]| {
                    Statement::allow(actions.iter().copied()).with_aws_principal(self.principal)
                };
                let assume = match self.external_id {
                    Some(id) => allow(&["sts:AssumeRole"]).when_equals("sts:ExternalId", id.as_str()),
                    None => allow(&["sts:AssumeRole"]),
                };
                // These grant nothing alone, and AWS has no External ID for them to compare.
                let extra = (!extra.is_empty()).then(|| allow(&extra));
                Policy::new([assume].into_iter().chain(extra))
            }
        }
    }
}

/// What keeps the signer of a request from an action that its service refused.
pub(super) fn of_request(what: String, message: &str, signer: &str, action: &str, resource: &str) -> Finding {
    let policy = || {
        let resource = if resource == "*" {
            resource.to_owned()
        } else {
            policy_gen::literal(resource)
        };
        Policy::new([Statement::allow([action]).with_resource(resource)])
    };
    let lacks = |text: String| {
        Cause::new(ResponsibleParty::RolePolicy, text).fixed_by(PolicyKind::Permissions, signer, policy())
    };
    let plain = format!(
        "the signature is right, and {signer} is not allowed {action}. Where clients do not need that, all is well; where they \
         do, this statement is missing."
    );
    let cause = match Blamed::by(message) {
        Blamed::Guardrail(name) => guardrail(name, action),
        Blamed::Session => Cause::new(
            ResponsibleParty::SessionPolicy,
            format!("the signature is right, and the connection's own session policy does not allow {action}."),
        ),
        Blamed::Identity { is_explicit: true } | Blamed::Resource { is_explicit: true } => Cause::new(
            ResponsibleParty::RolePolicy,
            format!("the signature is right, and a policy has a Deny that keeps {signer} from {action}."),
        ),
        Blamed::Identity { is_explicit: false } | Blamed::Resource { is_explicit: false } | Blamed::Nobody => {
            lacks(plain)
        }
    };
    Finding::of(what, cause)
}

fn guardrail(name: &str, action: &str) -> Cause {
    Cause::new(
        ResponsibleParty::Guardrail,
        format!("{name} forbids {action}, whatever other policies allow: ask who administers it."),
    )
}

fn base_name(role: &RoleArn) -> &str {
    role.name().as_str().rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ResponsibleParty::{ExternalId as Id, Role, TrustPolicy, UserPolicy};

    use super::*;

    const USER: &str = "arn:aws:iam::111122223333:user/robot";

    #[test]
    fn the_blamed_policy_is_read_from_aws_words() {
        let explicit = true;
        for (message, blamed) in [
            (
                "because no identity-based policy allows the sts:AssumeRole action",
                Blamed::Identity { is_explicit: false },
            ),
            (
                "with an explicit deny in an identity-based policy",
                Blamed::Identity { is_explicit: explicit },
            ),
            (
                "because no resource-based policy allows the sts:AssumeRole action",
                Blamed::Resource { is_explicit: false },
            ),
            (
                "because the role trust policy allows the sts:AssumeRole action",
                Blamed::Resource { is_explicit: false },
            ),
            (
                "with an explicit deny in the role trust policy",
                Blamed::Resource { is_explicit: explicit },
            ),
            (
                "with an explicit deny in a VPC endpoint policy transitively through a service control policy",
                Blamed::Guardrail("a service control policy of the organisation"),
            ),
            (
                "because no permissions boundary allows the x action",
                Blamed::Guardrail("the permissions boundary"),
            ),
            ("because no session policy allows the x action", Blamed::Session),
            ("on resource: arn:aws:iam::1:role/identity-based policy", Blamed::Nobody),
            ("Access Denied", Blamed::Nobody),
        ] {
            assert_eq!(
                Blamed::by(&format!("User: x is not authorized to perform: y {message}")),
                blamed,
                "{message}"
            );
        }
    }

    fn causes(role: &str, external_id: Option<&str>, message: &str) -> Vec<(ResponsibleParty, Option<String>)> {
        let role: RoleArn = role.parse().unwrap();
        let external_id = external_id.map(|id| ExternalId::parse(id).unwrap());
        let assumption = Assumption {
            principal: USER,
            is_same_account: role.account().as_str() == "111122223333",
            role: &role,
            external_id: external_id.as_ref(),
            options: None,
        };
        let finding = assumption.refused(String::new(), message);
        let read = |cause: Cause| (cause.party, cause.amendment.map(|amendment| amendment.policy.to_json()));
        finding.causes.into_iter().map(read).collect()
    }

    #[test]
    fn where_aws_names_the_policy_only_that_is_named() {
        let role = "arn:aws:iam::111122223333:role/r";
        let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole"],"Resource":["arn:aws:iam::111122223333:role/r"]}]}"#;
        assert_eq!(
            causes(
                role,
                None,
                "because no identity-based policy allows the sts:AssumeRole action"
            ),
            [(ResponsibleParty::UserPolicy, Some(own.to_owned()))]
        );
        assert_eq!(
            causes(role, None, "with an explicit deny in a service control policy"),
            [(ResponsibleParty::Guardrail, None)]
        );
    }

    #[test]
    fn where_aws_says_nothing_the_likeliest_comes_first_and_both_statements_are_there() {
        let parties = |role, id| {
            causes(role, id, "")
                .into_iter()
                .map(|(party, _)| party)
                .collect::<Vec<_>>()
        };
        let elsewhere = "arn:aws:iam::222233334444:role/r";
        assert_eq!(
            parties("arn:aws:iam::111122223333:role/r", None),
            [Role, TrustPolicy, UserPolicy]
        );
        assert_eq!(parties(elsewhere, None), [TrustPolicy, Role, UserPolicy]);
        assert_eq!(parties(elsewhere, Some("id-1")), [Id, TrustPolicy, Role, UserPolicy]);
        let policies = causes(elsewhere, Some("id-1"), "");
        let trust = policies[1].1.as_ref().unwrap();
        assert!(trust.contains(r#""StringEquals":{"sts:ExternalId":"id-1"}"#), "{trust}");
        assert!(policies[3].1.as_ref().unwrap().contains(elsewhere));
    }

    #[test]
    fn a_session_of_a_role_is_trusted_by_the_roles_arn() {
        let role: RoleArn = "arn:aws:iam::222233334444:role/next".parse().unwrap();
        let assumption = Assumption {
            principal: "arn:aws:iam::111122223333:role/team/before",
            is_same_account: false,
            role: &role,
            external_id: None,
            options: None,
        };
        let trust = assumption.trust().to_json();
        assert!(
            trust.contains(r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/team/before"}"#),
            "{trust}"
        );
    }
}
