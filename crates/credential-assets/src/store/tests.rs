//! A store that plays a script.

use std::sync::Mutex;

use auth_model::{AssetOrigin, AssetScheme, AssetSettings, AssetValue, KeyAssets, KeyParts};

use super::*;
use crate::{Assets, Environment, FixedEnvironment, ReadableScheme, Unconfigured, split_pointer};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY";

/// Responds the same until it is given something else, and counts the fetches.
#[derive(Debug)]
struct Scripted(Mutex<(Result<String, StoreProblem>, usize)>);

impl Scripted {
    fn new(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new((Ok(text.to_owned()), 0))))
    }

    fn play(&self, response: Result<&str, StoreProblem>) {
        self.0.lock().unwrap().0 = response.map(str::to_owned);
    }

    fn fetches(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

/// A scheme that another crate registers.
#[derive(Debug)]
struct Store(&'static str);

const SETTINGS: AssetSettings = AssetSettings {
    table: "ssm",
    one_of: &["region"],
};

impl AssetScheme for Store {
    fn name(&self) -> &'static str {
        self.0
    }

    fn example(&self) -> &'static str {
        "ssm:/a"
    }

    fn value(&self) -> AssetValue {
        AssetValue::Secret
    }

    fn origin(&self, _: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
        let (settings, region) = (SETTINGS, None);
        Ok(AssetOrigin::AwsStore { settings, region })
    }
}

impl ReadableScheme for Store {
    fn reader(&self, _: &Arc<dyn Environment>) -> AssetReader {
        AssetReader::Secret(Arc::new(Unconfigured(SETTINGS)))
    }
}

static STORES: [&dyn ReadableScheme; 2] = [&Store("secretsmanager"), &Store("ssm")];

#[derive(Debug)]
struct Scripting(Arc<Scripted>);

impl SecretStore for Scripting {
    fn locate(&self, location: &AssetLocation) -> Result<(StoredSecret, Option<String>), InvalidLocation> {
        let (id, pointer) = split_pointer(location.expose()).unwrap();
        let secret = StoredSecret {
            scheme: "secretsmanager",
            id: id.to_owned(),
            region: None,
        };
        Ok((secret, pointer.map(str::to_owned)))
    }

    fn fetch<'a>(&'a self, _: &'a StoredSecret) -> Fetching<'a> {
        Box::pin(async {
            let mut script = self.0.0.lock().unwrap();
            script.1 += 1;
            script.0.clone().map(Secret::new)
        })
    }
}

fn assets(store: &Arc<Scripted>, cache_s: u64) -> Assets {
    let reader = store_reader(Scripting(Arc::clone(store)), Duration::from_secs(cache_s));
    Assets::new(FixedEnvironment::from_iter([("A", "b")]))
        .with_schemes(STORES)
        .with_reader("secretsmanager", reader)
}

async fn read(assets: &Assets, reference: &str) -> Result<String, AssetError> {
    let secret = assets.read(&reference.parse().unwrap()).await?;
    Ok(secret.expose().to_owned())
}

fn keys(secret: &str) -> KeyAssets {
    KeyAssets::Parts(KeyParts {
        access_key_id: "secretsmanager:prod/aws#/id".parse().unwrap(),
        secret_access_key: secret.parse().unwrap(),
        session_token: None,
    })
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stored_secret_is_fetched_again_when_it_is_rejected_or_grows_old() {
    let json = |secret: &str| format!(r#"{{"id": "AKID", "secret": "{secret}"}}"#);
    let store = Scripted::new(&json("first"));
    let assets = assets(&store, 300);
    let keys = keys("secretsmanager:prod/aws#/secret");
    let secret = async || assets.keys(&keys).await.unwrap().secret_access_key.expose().to_owned();
    assert_eq!(secret().await, "first");
    store.play(Ok(&json("second")));
    pass(299).await;
    assert_eq!(secret().await, "first");
    pass(1).await;
    assert_eq!(secret().await, "second");
    store.play(Ok(&json("third")));
    assets.invalidate(&keys);
    assert_eq!(secret().await, "third");
    assert_eq!(store.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn parts_of_one_key_are_of_one_fetch() {
    let store = Scripted::new(r#"{"id": "AKID", "secret": "S"}"#);
    let assets = assets(&store, 0);
    assets.keys(&keys("secretsmanager:prod/aws#/secret")).await.unwrap();
    assert_eq!(store.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_served_stale_while_its_store_is_down_is_seen() {
    let store = Scripted::new(r#"{"id": "AKID"}"#);
    let assets = assets(&store, 60);
    let keys = keys("literal:S");
    assets.keys(&keys).await.unwrap();
    assert_eq!(assets.stale_for(&keys), None);
    store.play(Err(StoreProblem::TimedOut));
    pass(100).await;
    assert_eq!(assets.stale_for(&keys), None, "nothing was requested since");
    assets.keys(&keys).await.unwrap();
    pass(11).await;
    assert_eq!(assets.stale_for(&keys), Some(Duration::from_secs(111)));
    store.play(Ok(r#"{"id": "AKID2"}"#));
    let set = assets.keys(&keys).await.unwrap();
    assert_eq!((set.access_key_id.as_str(), assets.stale_for(&keys)), ("AKID2", None));

    store.play(Err(StoreProblem::Binary));
    pass(100).await;
    assets.keys(&keys).await.unwrap_err();
    assert_eq!(assets.stale_for(&keys), None, "what is lasting serves nothing");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_named_without_the_secret() {
    let asset = "secretsmanager:prod/aws#/secret";
    let store = Scripted::new(SECRET);
    let assets = assets(&store, 0);
    let failing = async |asset: &str| {
        let error = read(&assets, asset).await.unwrap_err();
        assert!(error.to_string().starts_with(asset), "{error}");
        assert!(!format!("{error:?}").contains("wJal"), "{error:?}");
        error
    };
    assert!(matches!(failing(asset).await, AssetError::NotJson { .. }));
    let most = "x".repeat(64 * 1024);
    store.play(Ok(&most));
    assert_eq!(read(&assets, "secretsmanager:a").await.unwrap().len(), most.len());
    store.play(Ok(&format!("{SECRET}{most}")));
    assert!(matches!(failing("secretsmanager:a").await, AssetError::TooLarge { .. }));
    for (problem, outlook) in [
        (StoreProblem::Missing, Outlook::Permanent),
        (StoreProblem::Binary, Outlook::Permanent),
        (StoreProblem::TimedOut, Outlook::Passing),
        (StoreProblem::Status { status: 500 }, Outlook::Passing),
    ] {
        store.play(Err(problem.clone()));
        let error = failing("secretsmanager:b").await;
        assert_eq!(error.outlook(), outlook);
        assert!(matches!(error, AssetError::Source { problem: found, .. } if found.downcast_ref() == Some(&problem)));
    }
    let error = failing("ssm:/a").await;
    assert!(
        matches!(error, AssetError::NotConfigured { table: "ssm", .. }),
        "{error}"
    );
}
