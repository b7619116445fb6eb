use std::cell::Cell;

use auth_model::{AssumeRoleOptions, BaseKeys, ExternalId, KeyParts, ManagedIdentity, RoleChain, RunsOn};
use credential_assets::FixedEnvironment;

use super::*;

thread_local! {
    /// How often two holders were compared.
    pub(super) static COMPARED: Cell<usize> = const { Cell::new(0) };
}

const NO_VARIABLES: [(&str, &str); 0] = [];

/// Holders whose keys are kept in files.
struct World {
    folder: tempfile::TempDir,
    wall: KeyWall,
    assets: Assets,
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            wall: KeyWall::default(),
            assets: Assets::new(FixedEnvironment::from_iter(NO_VARIABLES)),
        }
    }

    /// Puts this access key where the holder's is kept.
    fn keep(&self, name: &str, id: &str) {
        std::fs::write(self.folder.path().join(name), id).unwrap();
    }

    fn keys(&self, name: &str) -> KeyAssets {
        let path = self.folder.path().join(name);
        KeyAssets::Parts(KeyParts {
            access_key_id: format!("file:{}", path.display()).parse().unwrap(),
            secret_access_key: "secret".parse().unwrap(),
            session_token: None,
        })
    }

    fn identity(&self, name: &str, organisation: &str) -> Seat {
        let auth = AuthMethod::ManagedCrossAccount {
            identity: ManagedIdentity {
                name: name.parse().unwrap(),
                organisation: organisation.parse().unwrap(),
                keys: self.keys(name),
            },
            role_arn: "arn:aws:iam::222233334444:role/x".parse().unwrap(),
            external_id: ExternalId::parse("id-1").unwrap(),
            options: AssumeRoleOptions::default(),
        };
        self.wall.seat(&auth, "c", self.keys(name), self.assets.clone())
    }

    fn connection(&self, name: &str) -> Seat {
        let auth = AuthMethod::AccessKeyAssumeRole {
            base: BaseKeys::Assets(self.keys(name)),
            roles: RoleChain::new(["r".parse().unwrap()]).unwrap(),
            runs_on: RunsOn::Anywhere,
            options: AssumeRoleOptions::default(),
        };
        self.wall.seat(&auth, name, self.keys(name), self.assets.clone())
    }

    /// Reads the holder's keys, as its source does; the error's text.
    async fn read(&self, seat: &Seat) -> Result<(), String> {
        let kept = seat.holder.held().keys.clone();
        let keys = self.assets.keys(&kept).await.unwrap();
        seat.claim(&keys).await.map_err(|failure| failure.to_string())
    }
}

#[tokio::test]
async fn two_organisations_that_begin_with_one_key_are_both_stopped_until_the_keys_differ() {
    let world = World::new();
    let (acme, bolt) = (world.identity("acme", "Acme"), world.identity("bolt", "Bolt"));
    world.keep("acme", "AKIASAME");
    world.keep("bolt", "AKIASAME");
    // Which is read first is chance, however long after the start it is.
    assert_eq!(world.read(&acme).await, Ok(()));
    let error = world.read(&bolt).await.unwrap_err();
    assert!(acme.is_stopped() && bolt.is_stopped());
    for word in [
        "identities.acme of Acme (file:",
        "identities.bolt of Bolt (file:",
        "/acme)",
        "/bolt)",
    ] {
        assert!(error.contains(word), "{error}");
    }
    assert!(!error.contains("AKIA"), "{error}");
    assert!(world.read(&acme).await.is_err());
    // Nobody asks for bolt any more: acme's own attempt finds out that bolt's key is another one.
    world.keep("bolt", "AKIAOTHER");
    assert_eq!(world.read(&acme).await, Ok(()));
    assert!(!acme.is_stopped() && !bolt.is_stopped());
}

#[tokio::test]
async fn whoever_had_the_key_first_serves_on() {
    let world = World::new();
    let (acme, bolt) = (world.identity("acme", "Acme"), world.identity("bolt", "Bolt"));
    world.keep("acme", "AKIAACME");
    world.keep("bolt", "AKIABOLT");
    assert_eq!((world.read(&acme).await, world.read(&bolt).await), (Ok(()), Ok(())));
    // A rotation that puts one customer's key where another's belongs.
    world.keep("bolt", "AKIAACME");
    assert!(world.read(&bolt).await.is_err() && bolt.is_stopped());
    assert!(!acme.is_stopped());
    assert_eq!(world.read(&acme).await, Ok(()));
    world.keep("bolt", "AKIABOLT2");
    assert_eq!(world.read(&bolt).await, Ok(()));
    assert!(!bolt.is_stopped());
}

#[tokio::test]
async fn an_identity_of_a_later_configuration_comes_later() {
    let world = World::new();
    world.keep("acme", "AKIASAME");
    world.keep("bolt", "AKIASAME");
    let acme = world.identity("acme", "Acme");
    world.wall.begin_configuration();
    let bolt = world.identity("bolt", "Bolt");
    // Even where it is read before.
    assert_eq!(world.read(&bolt).await, Ok(()));
    assert_eq!(world.read(&acme).await, Ok(()));
    assert!(bolt.is_stopped() && !acme.is_stopped());
    // One that goes away is no reason any more.
    drop(acme);
    assert_eq!(world.read(&bolt).await, Ok(()));
}

#[tokio::test]
async fn a_connection_without_an_identity_yields_to_the_identity() {
    let world = World::new();
    let (acme, robot) = (world.identity("acme", "Acme"), world.connection("robot"));
    world.keep("acme", "AKIASAME");
    world.keep("robot", "AKIASAME");
    assert_eq!(world.read(&robot).await, Ok(()));
    assert_eq!(world.read(&acme).await, Ok(()));
    assert!(robot.is_stopped() && !acme.is_stopped());
    assert!(world.read(&robot).await.unwrap_err().contains("connections.robot"));
}

#[tokio::test]
async fn one_organisation_and_the_operators_own_connections_may_share() {
    let world = World::new();
    let seats = [
        world.identity("acme", "Acme"),
        world.identity("acme-2", "Acme"),
        world.identity("acme", "Acme"),
    ];
    for name in ["acme", "acme-2"] {
        world.keep(name, "AKIASAME");
    }
    for seat in &seats {
        assert_eq!(world.read(seat).await, Ok(()));
    }
    let (a, b) = (world.connection("a"), world.connection("b"));
    world.keep("a", "AKIAOWN");
    world.keep("b", "AKIAOWN");
    assert_eq!((world.read(&a).await, world.read(&b).await), (Ok(()), Ok(())));
}

#[tokio::test]
async fn one_session_token_is_one_key() {
    let world = World::new();
    let (acme, bolt) = (world.identity("acme", "Acme"), world.identity("bolt", "Bolt"));
    let session = |id: &str| crate::sts::checked(id, "wJalrXUtnFEMI", Some("FwoG".to_owned())).unwrap();
    acme.wall.state().note(&acme.holder, &session("ASIA1"));
    bolt.wall.state().note(&bolt.holder, &session("ASIA2"));
    assert!(acme.is_stopped() && bolt.is_stopped());
}

/// A comparison of all with all would take a thousand million steps here, and hold up whoever serves requests.
#[tokio::test]
async fn thousands_of_holders_cost_each_what_one_does() {
    let world = World::new();
    let session = |id: &str| crate::sts::checked(id, "wJalrXUtnFEMI", None).unwrap();
    let seats: Vec<_> = (0..2_000)
        .map(|n| match n % 2 {
            0 => world.identity(&format!("i{n}"), &format!("Org {n}")),
            _ => world.connection(&format!("c{n}")),
        })
        .collect();
    for (n, seat) in seats.iter().enumerate() {
        // All connections have one key.
        let id = if n % 2 == 0 {
            format!("AKIA{n}")
        } else {
            "AKIAOWN".to_owned()
        };
        world.wall.state().note(&seat.holder, &session(&id));
    }
    assert!(COMPARED.get() <= 2 * seats.len(), "{} comparisons", COMPARED.get());
    assert!(seats.iter().all(|seat| !seat.is_stopped()));
    // The last identity gets the operator's own key: every connection is stopped, and nobody else.
    let last = seats.iter().rev().nth(1).unwrap();
    world.wall.state().note(&last.holder, &session("AKIAOWN"));
    assert_eq!(seats.iter().filter(|seat| seat.is_stopped()).count(), 1_000);
    assert!(!last.is_stopped());
}
