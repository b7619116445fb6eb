//! Which references name a secret, and which schemes there are.

use super::*;

const SECRETS_MANAGER: &str = "secretsmanager";
const SSM: &str = "ssm";

fn locate(scheme: &str, text: &str) -> Result<(StoredSecret, Option<String>), InvalidLocation> {
    store(scheme).unwrap().locate(&AssetLocation::new(scheme, text))
}

#[test]
fn every_scheme_is_registered_once_and_reads_its_own_example() {
    let schemes = asset_schemes();
    let mut names: Vec<_> = schemes.iter().map(AssetScheme::name).collect();
    let reference = |text: &str| text.parse::<auth_model::AssetReference>().unwrap();
    for scheme in schemes.iter() {
        let checked = match scheme.value() {
            AssetValue::Secret => schemes.check(reference(scheme.example())),
            AssetValue::LeasedKey => schemes.check_key(reference(scheme.example())),
        };
        assert_eq!(checked.unwrap().0.to_string(), scheme.example());
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

#[track_caller]
fn check(scheme: &str, text: &str, id: &str, region: Option<&str>, pointer: Option<&str>) {
    let (secret, found) = locate(scheme, text).unwrap();
    assert_eq!(
        (
            secret.id.as_str(),
            secret.region.as_ref().map(Region::as_str),
            found.as_deref()
        ),
        (id, region, pointer)
    );
    assert_eq!(secret.to_string(), format!("{scheme}:{id}"));
}

#[test]
fn names_and_arns_are_read() {
    check(
        SECRETS_MANAGER,
        "prod/aws+x=1@a_b.c-d",
        "prod/aws+x=1@a_b.c-d",
        None,
        None,
    );
    let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/aws-AbCdEf";
    check(SECRETS_MANAGER, arn, arn, Some("eu-west-1"), None);
    check(
        SECRETS_MANAGER,
        &format!("{arn}#/a/0"),
        arn,
        Some("eu-west-1"),
        Some("/a/0"),
    );
    check(SSM, "/prod/aws#/secret", "/prod/aws", None, Some("/secret"));
    check(SSM, "plain", "plain", None, None);
    check(SSM, "/prod/aws:3", "/prod/aws:3", None, None);
    check(SSM, "/prod/aws:blue_1.x", "/prod/aws:blue_1.x", None, None);
    let arn = "arn:aws-cn:ssm:cn-north-1:111122223333:parameter/prod/aws";
    check(SSM, arn, arn, Some("cn-north-1"), None);
}

#[test]
fn both_sides_of_each_border() {
    let is_good = |kind, text: &str| locate(kind, text).is_ok();
    let levels = |count: usize| "/a".repeat(count);
    let arn = |rest: usize| {
        format!(
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:{}",
            "a".repeat(rest)
        )
    };
    for (kind, good, bad) in [
        (SECRETS_MANAGER, "a".repeat(512), "a".repeat(513)),
        (SECRETS_MANAGER, arn(519), arn(520)),
        (SSM, "a".repeat(1_011), "a".repeat(1_012)),
        (
            SSM,
            format!("/{}", "a".repeat(1_010)),
            format!("/{}", "a".repeat(1_011)),
        ),
        (SSM, levels(15), levels(16)),
        (SSM, format!("a:{}", "b".repeat(100)), format!("a:{}", "b".repeat(101))),
    ] {
        assert!(is_good(kind, &good), "{} bytes: {good}", good.len());
        assert!(!is_good(kind, &bad), "{} bytes: {bad}", bad.len());
    }
}

#[test]
fn what_is_no_place_is_invalid() {
    for text in [
        "",
        "#/a",
        "a b",
        "a:b",
        "ä",
        "a#",
        "a#b",
        "arn:aws:ssm:eu-west-1:111122223333:secret:a",
        "arn:aws:secretsmanager:eu-west-1::secret:a",
        "arn:aws:secretsmanager::111122223333:secret:a",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:",
        "arn:aws:secretsmanager:eu-west-1:111122223333:a",
        "arn:aws:secretsmanager:EU:111122223333:secret:a",
        "arn:aws",
    ] {
        assert!(locate(SECRETS_MANAGER, text).is_err(), "{text:?}");
    }
    for text in [
        "",
        "/",
        "//a",
        "/a/",
        "a b",
        "a@b",
        "a:",
        "a:b:c",
        "/a#b",
        "arn:aws:ssm:eu-west-1:111122223333:document/a",
        "arn:aws:secretsmanager:eu-west-1:111122223333:parameter/a",
    ] {
        assert!(locate(SSM, text).is_err(), "{text:?}");
    }
}
