//! Identical sources share a set: one attempt, one cache, one session.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{AuthMethod, BaseKeys, Clock, Connection, ConnectionName, KeyAssets};
use credential_assets::Assets;

use crate::error::CredentialError;
use crate::means::Means;
use crate::settings::StsSettings;
use crate::source::CredentialSource;
use crate::wall::KeyWall;

/// A source for each connection; connections whose credentials are obtained in the same way share one.
///
/// The same way is: the same region and settings, the same method with the same keys, roles and options. Keys are the
/// same where they are kept in the same place, and managed identities where they are one and the same: what belongs to
/// one organisation never serves another. A session that several connections share, and that has no name of its own,
/// is named for all of them.
///
/// Keys are compared with those of all sources behind the `wall`.
///
/// ```
/// use std::sync::Arc;
///
/// use auth_model::{AuthMethod, Clock, Connection, ConnectionName, Region, ServiceId, SystemClock};
/// use credential_assets::{Assets, ProcessEnvironment};
/// use sts_client::{KeyWall, StsSettings, shared_sources};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = |name: &str, service: &str| -> Result<_, Box<dyn std::error::Error>> {
///     Ok(Connection {
///         name: ConnectionName::parse(name)?,
///         service: ServiceId::parse(service)?,
///         region: Region::parse("eu-west-1")?,
///         signing_name: None,
///         auth: AuthMethod::DefaultChain { profile: None },
///     })
/// };
/// let (reports, tables) = (connection("reports", "s3")?, connection("tables", "dynamodb")?);
/// let wanted = [(&reports, StsSettings::default()), (&tables, StsSettings::default())];
/// let clock: Arc<dyn Clock> = Arc::new(SystemClock);
/// let assets = Assets::new(ProcessEnvironment);
/// // Both search the default chain in one region: it is searched once.
/// let sources = shared_sources(wanted, &assets, &clock, &KeyWall::default()).map_err(|(_, error)| error)?;
/// assert!(sources.contains_key(&reports.name) && sources.contains_key(&tables.name));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`CredentialSource::new`], with the name of the first connection that has the problem.
pub fn shared_sources<'a>(
    wanted: impl IntoIterator<Item = (&'a Connection, StsSettings)>,
    assets: &Assets,
    clock: &Arc<dyn Clock>,
    wall: &KeyWall,
) -> Result<BTreeMap<ConnectionName, CredentialSource>, (ConnectionName, CredentialError)> {
    let mut sources = BTreeMap::new();
    for group in groups(wanted) {
        let names: Vec<&str> = group.all().map(|connection| connection.name.as_str()).collect();
        let clock = Arc::clone(clock);
        let means = Means::checked(group.first, assets.clone(), &group.settings, clock)
            .map_err(|error| (group.first.name.clone(), error))?;
        let source = CredentialSource::by(means.behind(wall).shown_as(&names.join("+")));
        sources.extend(group.all().map(|connection| (connection.name.clone(), source.clone())));
    }
    Ok(sources)
}

/// Connections whose credentials are obtained in the same way.
struct Group<'a> {
    first: &'a Connection,
    others: Vec<&'a Connection>,
    settings: StsSettings,
}

impl<'a> Group<'a> {
    fn all(&self) -> impl Iterator<Item = &'a Connection> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }
}

fn groups<'a>(wanted: impl IntoIterator<Item = (&'a Connection, StsSettings)>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (connection, settings) in wanted {
        let same = groups.iter_mut().find(|group| {
            group.settings == settings && group.first.region == connection.region && group.first.auth == connection.auth
        });
        match same {
            Some(group) => group.others.push(connection),
            None => groups.push(Group {
                first: connection,
                others: Vec::new(),
                settings,
            }),
        }
    }
    groups
}

/// Whether both begin with the same keys, whatever roles are assumed with them.
pub(crate) fn are_same_beginnings(a: &AuthMethod, b: &AuthMethod) -> bool {
    match (beginning(a), beginning(b)) {
        (Some(a), Some(b)) => a == b,
        (Some(_) | None, _) => false,
    }
}

/// The keys that are kept somewhere; what is found on the machine has no name to compare.
fn beginning(auth: &AuthMethod) -> Option<&KeyAssets> {
    match auth {
        AuthMethod::AccessKey { keys } => Some(keys),
        AuthMethod::ManagedCrossAccount { identity, .. } => Some(&identity.keys),
        AuthMethod::AccessKeyAssumeRole { base, .. } => match base {
            BaseKeys::Assets(keys) => Some(keys),
            BaseKeys::DefaultChain { .. } => None,
        },
        AuthMethod::DefaultChain { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use auth_model::{
        AssumeRoleOptions, AuthMethod, BaseKeys, ExternalId, KeyAssets, KeyParts, ManagedIdentity, Region, RoleChain,
        RoleSessionName, RunsOn, ServiceId, SystemClock,
    };
    use credential_assets::FixedEnvironment;

    use super::*;

    fn keys(id: &str, secret: &str) -> KeyAssets {
        KeyAssets::Parts(KeyParts {
            access_key_id: id.parse().unwrap(),
            secret_access_key: secret.parse().unwrap(),
            session_token: None,
        })
    }

    fn connection(name: &str, region: &str, auth: AuthMethod) -> Connection {
        Connection {
            name: ConnectionName::parse(name).unwrap(),
            service: ServiceId::parse("s3").unwrap(),
            region: Region::parse(region).unwrap(),
            signing_name: None,
            auth,
        }
    }

    fn role(secret: &str, roles: &[&str], session: Option<&str>) -> AuthMethod {
        AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::Assets(keys("AKID", secret)),
            roles: RoleChain::new(roles.iter().map(|role| role.parse().unwrap())).unwrap(),
            runs_on: RunsOn::Anywhere,
            options: AssumeRoleOptions {
                session_name: session.map(|name| RoleSessionName::parse(name).unwrap()),
                ..AssumeRoleOptions::default()
            },
        }
    }

    fn managed(identity: &str, organisation: &str) -> AuthMethod {
        AuthMethod::ManagedCrossAccount {
            identity: ManagedIdentity {
                name: identity.parse().unwrap(),
                organisation: organisation.parse().unwrap(),
                keys: keys("AKID", "env:SECRET"),
            },
            role_arn: "arn:aws:iam::222233334444:role/x".parse().unwrap(),
            external_id: ExternalId::parse("id-1").unwrap(),
            options: AssumeRoleOptions::default(),
        }
    }

    /// The names of each group, joined.
    fn grouped(connections: &[Connection]) -> Vec<String> {
        let wanted = connections
            .iter()
            .map(|connection| (connection, StsSettings::default()));
        let names = |group: &Group<'_>| group.all().map(|c| c.name.as_str()).collect::<Vec<_>>().join("+");
        groups(wanted).iter().map(names).collect()
    }

    fn in_ireland(methods: Vec<AuthMethod>) -> Vec<String> {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let connections: Vec<_> = names
            .iter()
            .zip(methods)
            .map(|(name, auth)| connection(name, "eu-west-1", auth))
            .collect();
        grouped(&connections)
    }

    #[test]
    fn the_same_keys_roles_and_options_are_one_source() {
        let groups = in_ireland(vec![
            role("env:SECRET", &["r"], None),
            role("env:SECRET", &["r"], None),
            role("env:OTHER", &["r"], None),
            role("SECRET", &["r"], None),
            role("OTHER", &["r"], None),
            role("env:SECRET", &["r", "s"], None),
            role("env:SECRET", &["r"], Some("own")),
            role("SECRET", &["r"], None),
        ]);
        assert_eq!(groups, ["a+b", "c", "d+h", "e", "f", "g"]);
    }

    #[test]
    fn programs_with_other_arguments_or_pointers_are_other_sources() {
        let groups = in_ireland(vec![
            role("exec:keys show acme", &["r"], None),
            role("exec:keys show bolt", &["r"], None),
            role("exec:keys show acme#/secret", &["r"], None),
            role("exec:keys show acme", &["r"], None),
        ]);
        assert_eq!(groups, ["a+d", "b", "c"]);
    }

    #[test]
    fn leased_keys_of_the_same_role_are_one_source() {
        let leased = |role: &str| AuthMethod::AccessKey {
            keys: KeyAssets::Leased(role.parse().unwrap()),
        };
        let (a, b) = ("vault-aws:aws/creds/a", "vault-aws:aws/creds/b");
        let plain = AuthMethod::AccessKey {
            keys: keys("AKID", "env:SECRET"),
        };
        assert_eq!(
            in_ireland(vec![leased(a), leased(b), leased(a), plain]),
            ["a+c", "b", "d"]
        );
    }

    #[test]
    fn regions_and_settings_keep_sources_apart() {
        let of = |name, region| connection(name, region, role("env:SECRET", &["r"], None));
        let connections = [of("a", "eu-west-1"), of("b", "us-east-1"), of("c", "eu-west-1")];
        assert_eq!(grouped(&connections), ["a+c", "b"]);
        let fips = StsSettings {
            use_fips: true,
            ..StsSettings::default()
        };
        let apart = groups([(&connections[0], fips), (&connections[2], StsSettings::default())]);
        assert_eq!(apart.len(), 2);
    }

    #[test]
    fn managed_identities_of_different_organisations_never_share() {
        // The same user for two of them is refused by the configuration; here it would be kept apart all the same.
        let groups = in_ireland(vec![
            managed("acme", "Acme"),
            managed("bolt", "Bolt"),
            managed("acme", "Bolt"),
            managed("other", "Acme"),
            managed("acme", "Acme"),
        ]);
        assert_eq!(groups, ["a+e", "b", "c", "d"]);
    }

    #[tokio::test]
    async fn connections_of_one_source_hold_the_same_set() {
        let method = || AuthMethod::AccessKey {
            keys: keys("AKID", "env:SECRET"),
        };
        let connections = [
            connection("a", "eu-west-1", method()),
            connection("b", "eu-west-1", method()),
            connection("c", "us-east-1", method()),
        ];
        let assets = Assets::new(FixedEnvironment::from_iter([("SECRET", "s")]));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let wanted = connections
            .iter()
            .map(|connection| (connection, StsSettings::default()));
        let sources = shared_sources(wanted, &assets, &clock, &KeyWall::default()).unwrap();
        let mut sets = Vec::new();
        for source in sources.values() {
            sets.push(source.credentials().await.unwrap());
        }
        assert!(Arc::ptr_eq(&sets[0], &sets[1]) && !Arc::ptr_eq(&sets[0], &sets[2]));
    }
}
