//! Any request's operation: a name or nothing, whatever other parameters there are.
#![no_main]

use auth_model::ServiceId;
use libfuzzer_sys::fuzz_target;
use policy_gen::operation::{self, RequestHead, operation};
use signing_proxy_fuzz::Text;

fuzz_target!(|input: &[u8]| {
    let text = Text::read(input);
    check_form(text.body);
    let (Some(head), Ok(service)) = (text.head(), ServiceId::parse(text.word)) else {
        return;
    };
    for bucket_in_host in [false, true] {
        let request = RequestHead {
            service: &service,
            method: &head.method,
            path: head.uri.path(),
            query: head.uri.query(),
            headers: &head.headers,
            bucket_in_host,
        };
        let found = operation(&request);
        assert!(found.as_deref().is_none_or(is_name), "{found:?}");
        let longer = format!("{}&x-other=Action", request.query.unwrap_or_default());
        let with_other = RequestHead {
            query: Some(&longer),
            ..request
        };
        assert_eq!(operation(&with_other), found);
    }
});

fn check_form(body: &[u8]) {
    let Ok(form) = std::str::from_utf8(body) else {
        return;
    };
    let found = operation::from_action(form);
    assert!(found.as_deref().is_none_or(is_name), "{found:?}");
    if let Some(name) = found {
        let twice = format!("{form}&Action={name}");
        assert_eq!(operation::from_action(&twice), None);
    }
}

/// Fit for a log field.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
