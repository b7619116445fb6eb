//! Authentication in a query: how to tell, and how to be rid of it.

/// Parameters of Signature Version 4; in any case, for servers differ in how they compare.
const VERSION_4: [&str; 9] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-S3session-Token",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// Parameters of Signature Version 2, as S3 and EC2 had them. They are common words: signatures only together.
const VERSION_2: [&str; 3] = ["AWSAccessKeyId", "Signature", "Expires"];

/// Whether a query in wire form carries somebody's authentication.
pub(crate) fn has_signature(query: &str) -> bool {
    let (mut has_key_id, mut has_signature) = (false, false);
    for pair in query.as_bytes().split(|byte| *byte == b'&') {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "X-Amz-Signature",
        ]
        .into_iter()
        .any(is)
        {
            return true;
        }
        has_key_id |= is("AWSAccessKeyId");
        has_signature |= is("Signature");
    }
    has_key_id && has_signature
}

/// The query without the parameters of its signature.
pub(super) fn without_signature(query: &str) -> String {
    let has_version_2 = names(query).any(|name| name.eq_ignore_ascii_case("AWSAccessKeyId"));
    let belongs_to_signature = |pair: &&str| {
        let name = name_of(pair);
        let is = |wanted: &&str| name.eq_ignore_ascii_case(wanted);
        VERSION_4.iter().any(is) || (has_version_2 && VERSION_2.iter().any(is))
    };
    let kept: Vec<_> = query.split('&').filter(|pair| !belongs_to_signature(pair)).collect();
    kept.join("&")
}

fn names(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').map(name_of)
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}
