//! Keys of the AWS engine. The responses are as Vault's API documentation shows them.

use std::time::SystemTime;

use auth_model::{Clock, Credentials, KeyAssets};

use super::*;
use crate::Outlook;
use crate::vault::VaultProblem;

const ROLE: &str = "vault-aws:aws/creds/deploy";
const MAKE: &str = "GET aws/creds/deploy";
const RENEW: &str = "POST sys/leases/renew";
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

#[derive(Debug)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> SystemTime {
        NOW
    }
}

/// What the engine says of a set for a role that makes IAM users.
fn set(id: &str, seconds: u64) -> Value {
    json!({
        "request_id": "1", "lease_id": format!("aws/creds/deploy/{id}"), "renewable": true, "lease_duration": seconds,
        "data": {"access_key": id, "secret_key": SECRET, "security_token": null}, "warnings": null
    })
}

fn renewed(id: &str, seconds: u64) -> Value {
    json!({"lease_id": format!("aws/creds/deploy/{id}"), "renewable": true, "lease_duration": seconds})
}

fn endless() -> Script {
    Script::new().on(
        "GET auth/token/lookup-self",
        "given-token",
        200,
        &json!({"data": {"ttl": 0}}),
    )
}

struct Room {
    server: Server,
    assets: Assets,
}

impl Room {
    async fn new(script: Script, auth: VaultLogin) -> Self {
        let server = Server::start(script).await;
        let assets = assets(settings(&server, auth)).with_clock(Arc::new(StandingClock));
        Self { server, assets }
    }

    async fn get(&self) -> Result<Credentials, AssetError> {
        self.assets.keys(&KeyAssets::Leased(ROLE.parse().unwrap())).await
    }

    /// The key's id, and for how many seconds it lives.
    async fn key(&self) -> (String, u64) {
        let set = self.get().await.unwrap();
        let life = set.expires_at.unwrap().duration_since(NOW).unwrap();
        // The sockets take some milliseconds of a clock that runs.
        (
            set.access_key_id.as_str().to_owned(),
            (life + Duration::from_millis(900)).as_secs(),
        )
    }

    fn stale_for(&self) -> Option<u64> {
        let age = self.assets.stale_for(&KeyAssets::Leased(ROLE.parse().unwrap()));
        age.map(|age| age.as_secs())
    }
}

fn key(id: &str, seconds: u64) -> (String, u64) {
    (id.to_owned(), seconds)
}

#[tokio::test]
async fn leased_keys_are_one_set_for_all_who_ask_renewed_and_replaced_ahead_of_their_end() {
    let script = |id: &str, made: u64, longer: u64| {
        endless()
            .on(MAKE, "given-token", 200, &set(id, made))
            .on(RENEW, "given-token", 200, &renewed(id, longer))
    };
    let room = Room::new(script("AKIA1", 3_600, 3_600), token_auth()).await;
    let (a, b) = tokio::join!(room.key(), room.key());
    assert_eq!((a, b), (key("AKIA1", 3_600), key("AKIA1", 3_600)));
    pass(3_299).await;
    assert_eq!(room.key().await, key("AKIA1", 301));
    pass(1).await;
    assert_eq!(room.key().await, key("AKIA1", 3_600));
    assert_eq!((room.server.count(MAKE), room.server.count(RENEW)), (1, 1));
    let sent = room
        .server
        .requests()
        .into_iter()
        .find(|request| request.line == RENEW)
        .unwrap();
    assert_eq!(
        sent.body,
        json!({"lease_id": "aws/creds/deploy/AKIA1", "increment": 3_600})
    );

    // The longest life of the lease is near: it is not worth renewing any more.
    room.server.play(script("AKIA2", 3_600, 300));
    pass(3_300).await;
    assert_eq!(room.key().await, key("AKIA2", 3_600));
    // A lease that the vault has taken back.
    room.server
        .play(endless().on(MAKE, "given-token", 200, &set("AKIA3", 600)));
    pass(3_300).await;
    assert_eq!(room.key().await, key("AKIA3", 600));
    // The window of a short lease is a third of it.
    pass(399).await;
    assert_eq!(room.key().await, key("AKIA3", 201));
    assert_eq!(room.server.count(MAKE), 3);
}

#[tokio::test]
async fn a_session_has_its_token_and_is_not_renewed() {
    for name in ["security_token", "session_token"] {
        let mut response = set("ASIA1", 900);
        response["renewable"] = json!(false);
        response["data"][name] = json!("FwoGZXIvYXdz");
        let script = || endless().on("GET aws/sts/deploy", "given-token", 200, &response);
        let room = Room::new(script(), token_auth()).await;
        let role = KeyAssets::Leased("vault-aws:aws/sts/deploy".parse().unwrap());
        for sets in 1..=2 {
            let set = room.assets.keys(&role).await.unwrap();
            assert_eq!(set.session_token.unwrap().expose(), "FwoGZXIvYXdz");
            assert_eq!(
                (room.server.count("GET aws/sts/deploy"), room.server.count(RENEW)),
                (sets, 0)
            );
            pass(601).await;
        }
    }
}

#[tokio::test]
async fn leased_keys_end_with_the_vaults_token() {
    let script = |token: &str, id: &str| {
        let once = json!({"auth": {"client_token": token, "lease_duration": 1_000, "renewable": false}});
        Script::new()
            .on("POST auth/approle/login", "", 200, &once)
            .on(MAKE, token, 200, &set(id, 3_600))
    };
    let room = Room::new(script("first", "AKIA1"), approle()).await;
    // Nine tenths of the token's life.
    assert_eq!(room.key().await, key("AKIA1", 900));
    room.server.play(script("second", "AKIA2"));
    pass(599).await;
    assert_eq!(room.key().await, key("AKIA1", 301));
    pass(1).await;
    assert_eq!(room.key().await, key("AKIA2", 900));
    assert_eq!(room.server.count("POST auth/approle/login"), 2);
}

#[tokio::test]
async fn keys_of_a_token_that_nobody_replaces_are_not_made_time_and_again() {
    let script = Script::new()
        .on(
            "GET auth/token/lookup-self",
            "given-token",
            200,
            &json!({"data": {"ttl": 1_000, "renewable": false}}),
        )
        .on(MAKE, "given-token", 200, &set("AKIA1", 3_600));
    let room = Room::new(script, token_auth()).await;
    assert_eq!(room.key().await, key("AKIA1", 900));
    for left in [200, 100] {
        pass(if left == 200 { 700 } else { 100 }).await;
        assert_eq!(room.key().await, key("AKIA1", left));
    }
    assert_eq!(room.server.count(MAKE), 1);
}

#[tokio::test]
async fn a_token_is_renewed_for_the_keys_it_made() {
    let script = Script::new()
        .on("POST auth/approle/login", "", 200, &grant("granted", 900))
        .on("POST auth/token/renew-self", "granted", 200, &grant("granted", 900))
        .on(MAKE, "granted", 200, &set("AKIA1", 36_000));
    let room = Room::new(script, approle()).await;
    assert_eq!(room.key().await, key("AKIA1", 810));
    // Before the token's own time of renewal.
    pass(560).await;
    assert_eq!(room.key().await, key("AKIA1", 810));
    assert_eq!(room.server.count("POST auth/approle/login"), 1);
    assert_eq!(room.server.count(MAKE), 1);
}

#[tokio::test]
async fn leased_keys_that_are_seconds_old_are_not_replaced_when_they_are_rejected() {
    let script = |id: &str| endless().on(MAKE, "given-token", 200, &set(id, 3_600));
    let room = Room::new(script("AKIA1"), token_auth()).await;
    let refuse = || room.assets.invalidate(&KeyAssets::Leased(ROLE.parse().unwrap()));
    assert_eq!(room.key().await.0, "AKIA1");
    room.server.play(script("AKIA2"));
    pass(29).await;
    refuse();
    assert_eq!(room.key().await.0, "AKIA1");
    pass(1).await;
    refuse();
    assert_eq!(room.key().await.0, "AKIA2");
}

#[tokio::test]
async fn while_a_vault_is_sealed_its_last_set_serves_to_its_end() {
    let room = Room::new(
        endless().on(MAKE, "given-token", 200, &set("AKIA1", 3_600)),
        token_auth(),
    )
    .await;
    room.key().await;
    room.server.play(Script::always(503, ""));
    pass(3_400).await;
    assert_eq!(room.key().await, key("AKIA1", 200));
    assert_eq!(room.stale_for(), Some(3_400));
    pass(200).await;
    let error = room.get().await.unwrap_err();
    assert_eq!(failures::problem(error), VaultProblem::Sealed);
    assert_eq!(room.stale_for(), None);
}

#[tokio::test]
async fn what_is_no_set_is_an_error_that_shows_nothing_of_it() {
    let without = |pointer: &str, value: Value| {
        let mut response = set("AKIA1", 3_600);
        *response.pointer_mut(pointer).unwrap() = value;
        response
    };
    let unreadable = || VaultProblem::UnreadableResponse { status: 200 };
    for (status, response, want, outlook) in [
        (
            200,
            without("/data/secret_key", Value::Null),
            unreadable(),
            Outlook::Passing,
        ),
        (
            200,
            without("/data/access_key", json!("a,b")),
            unreadable(),
            Outlook::Passing,
        ),
        (
            200,
            without("/data/security_token", json!("a b")),
            unreadable(),
            Outlook::Passing,
        ),
        (
            200,
            without("/lease_duration", json!(0)),
            unreadable(),
            Outlook::Passing,
        ),
        (200, json!({}), unreadable(), Outlook::Passing),
        (
            400,
            json!({"errors": [SECRET]}),
            VaultProblem::NotMade { status: 400 },
            Outlook::Passing,
        ),
        (403, json!({"errors": [SECRET]}), VaultProblem::Denied, Outlook::Local),
    ] {
        let room = Room::new(endless().on(MAKE, "given-token", status, &response), token_auth()).await;
        let error = room.get().await.unwrap_err();
        assert!(error.to_string().starts_with(ROLE), "{error}");
        assert!(!format!("{error:?}").contains("wJal"), "{error:?}");
        assert_eq!(error.outlook(), outlook, "{response}");
        assert_eq!(failures::problem(error), want, "{response}");
    }
    let none = Assets::new(FixedEnvironment::from_iter([("A", "b")]));
    let error = none.keys(&KeyAssets::Leased(ROLE.parse().unwrap())).await.unwrap_err();
    assert!(
        matches!(error, AssetError::NotConfigured { table: "vault", .. }),
        "{error}"
    );
}
