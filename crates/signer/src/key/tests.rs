use auth_model::{AccessKeyId, Region, Secret, SecretAccessKey, SigningName};

use super::*;

fn credentials(id: &str, secret: &str) -> Credentials {
    Credentials::new(
        AccessKeyId::parse(id).unwrap(),
        SecretAccessKey::parse(Secret::new(secret)).unwrap(),
    )
}

fn scope(region: &str, name: &str) -> SigningScope {
    SigningScope {
        region: Region::parse(region).unwrap(),
        name: SigningName::parse(name).unwrap(),
    }
}

fn length(cache: &KeyCache<SigningKey>) -> usize {
    cache.keys.read().unwrap().by_origin.len()
}

#[test]
fn a_key_is_derived_once_a_day() {
    let cache = KeyCache::<SigningKey>::default();
    let ours = credentials("ID", "secret");
    let first = cache.signing_key(&ours, "20130524", &scope("eu-west-1", "s3"));
    let again = cache.signing_key(&ours, "20130524", &scope("eu-west-1", "s3"));
    assert!(Arc::ptr_eq(&first, &again));
    let tomorrow = cache.signing_key(&ours, "20130525", &scope("eu-west-1", "s3"));
    assert_ne!(first.sign(b""), tomorrow.sign(b""));
    assert_eq!(length(&cache), 1, "yesterday's keys are gone");
}

#[test]
fn no_key_serves_another_secret_id_region_or_service() {
    let cache = KeyCache::<SigningKey>::default();
    let mut keys = Vec::new();
    for (id, secret, region, name) in [
        ("ID", "secret", "eu-west-1", "s3"),
        ("ID", "rotated", "eu-west-1", "s3"),
        ("ID2", "secret", "eu-west-1", "s3"),
        ("ID", "secret", "eu-west-2", "s3"),
        ("ID", "secret", "eu-west-1", "ec2"),
        ("I", "secret", "eu-west-1", "s3"),
    ] {
        keys.push(cache.signing_key(&credentials(id, secret), "20130524", &scope(region, name)));
    }
    for (index, key) in keys.iter().enumerate() {
        assert!(
            !keys.iter().skip(index + 1).any(|other| Arc::ptr_eq(key, other)),
            "{index}"
        );
    }
}

#[test]
fn parts_do_not_run_into_each_other() {
    let cache = KeyCache::<SigningKey>::default();
    assert_ne!(cache.origin(&["a", "bc"]), cache.origin(&["ab", "c"]));
}

#[test]
fn the_cache_is_bounded() {
    let cache = KeyCache::<SigningKey>::default();
    for number in 0..MAX_KEYS + 10 {
        let ours = credentials(&format!("ID{number}"), "secret");
        cache.signing_key(&ours, "20130524", &scope("eu-west-1", "s3"));
    }
    assert!(length(&cache) <= MAX_KEYS);
}

#[test]
fn debug_shows_no_key() {
    let cache = KeyCache::<SigningKey>::default();
    let key = cache.signing_key(&credentials("ID", "hunter2"), "20130524", &scope("eu-west-1", "s3"));
    assert_eq!(format!("{key:?}"), "SigningKey(<redacted>)");
    assert!(!format!("{cache:?}").contains("hunter2"));
}
