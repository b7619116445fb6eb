//! Any text as each of the names: rejected without being repeated, or read, shown and read again as the same.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use auth_model::{
    AccessKeyId, AccountId, Arn, AssetReference, ConnectionName, ExternalId, IdentityName, Organisation,
    Partition, Region, RoleArn, RoleName, RoleReference, RoleSessionName, Secret, SecretAccessKey, ServiceId,
    SessionPolicy, SessionToken, SigningName,
};
use credential_assets::fuzzing::words_of_exec;
use libfuzzer_sys::fuzz_target;
use policy_gen::UserArn;
use proxy_config::EndpointUrl;

fuzz_target!(|text: &str| {
    same::<AccessKeyId>(text);
    same::<AccountId>(text);
    same::<Arn>(text);
    same::<ConnectionName>(text);
    same::<ExternalId>(text);
    same::<IdentityName>(text);
    same::<Organisation>(text);
    same::<Partition>(text);
    same::<Region>(text);
    same::<RoleArn>(text);
    same::<RoleReference>(text.trim_start_matches('/'));
    same::<RoleSessionName>(text);
    same::<ServiceId>(text);
    same::<SessionPolicy>(text);
    same::<SigningName>(text);
    same::<UserArn>(text);
    role_name(text);
    endpoint(text);
    asset(text);
    secrets(text);
    assert!(RoleSessionName::parse(RoleSessionName::sanitised(text).as_str()).is_ok());
});

/// What is read is shown as it was written.
fn same<T>(text: &str)
where
    T: FromStr<Err: Display> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(name) => {
            assert_eq!(name.to_string(), text);
            assert_eq!(text.parse::<T>().ok(), Some(name));
        }
        Err(error) => is_fixed(&error),
    }
}

/// Errors are fixed sentences in ASCII: nothing of the text is in them.
fn is_fixed(error: &impl Display) {
    let text = error.to_string();
    assert!(
        text.len() < 200 && text.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        "{text}"
    );
}

fn role_name(text: &str) {
    if let Ok(name) = RoleName::parse(text) {
        assert_eq!(name.as_str(), text.strip_prefix('/').unwrap_or(text));
        assert_eq!(RoleName::parse(name.as_str()), Ok(name));
    }
}

/// Shown in one spelling, whatever was written.
fn endpoint(text: &str) {
    match text.parse::<EndpointUrl>() {
        Ok(url) => {
            let again: EndpointUrl = url.to_string().parse().unwrap();
            assert_eq!((again.authority(), again.scheme()), (url.authority(), url.scheme()));
            assert_eq!(again.to_string(), url.to_string());
            assert!(url.authority().parse::<http::uri::Authority>().is_ok(), "{url}");
        }
        Err(error) => is_fixed(&error),
    }
}

fn asset(text: &str) {
    match text.parse::<AssetReference>() {
        Ok(literal @ AssetReference::Literal(_)) => {
            assert_eq!(literal.to_string(), "literal:<redacted>");
            assert_eq!(format!("{literal:?}"), "AssetReference(literal:<redacted>)");
            let AssetReference::Literal(secret) = literal else {
                return;
            };
            assert_eq!(secret.expose(), text.strip_prefix("literal:").unwrap_or(text));
        }
        Ok(kept) => {
            // It may be a secret that looks like a reference.
            assert_eq!(kept.to_string(), "(unchecked reference)");
            match sts_client::asset_schemes().check(kept) {
                Ok((checked, _)) => assert!(text.starts_with("exec:") || checked.to_string() == text || text.contains([' ', '\t'])),
                Err(error) => is_fixed(&error),
            }
            exec(text.strip_prefix("exec:").unwrap_or(text));
        }
        Err(error) => is_fixed(&error),
    }
}

/// Words that are quoted are read as the same words.
fn exec(location: &str) {
    let Some((words, pointer)) = words_of_exec(location) else {
        return;
    };
    let quoted: Vec<String> = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', r#"'"'"'"#)))
        .collect();
    let end = pointer.as_ref().map_or(String::new(), |pointer| format!("#{pointer}"));
    let again = words_of_exec(&format!("{}{end}", quoted.join(" ")));
    assert_eq!(again, Some((words, pointer)));
}

fn secrets(text: &str) {
    match SecretAccessKey::parse(Secret::new(text)) {
        Ok(key) => assert_eq!(
            (key.expose(), format!("{key:?}").as_str()),
            (text, "SecretAccessKey(<redacted>)")
        ),
        Err(error) => is_fixed(&error),
    }
    match SessionToken::parse(Secret::new(text)) {
        Ok(token) => assert_eq!(
            (token.expose(), format!("{token:?}").as_str()),
            (text, "SessionToken(<redacted>)")
        ),
        Err(error) => is_fixed(&error),
    }
}
