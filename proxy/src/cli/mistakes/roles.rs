//! Mistakes with roles and identities.

use super::{By, Seen, connection, said};

/// What is said of them.
pub(super) fn rows(seen: &mut Seen) {
    let good = "arn:aws:iam::222233334444:role/for-the-proxy";
    let rest = "identity = \"acme\"\nexternal_id = \"agreed\"";
    let words = "external_id: missing: it prevents one customer's role from being used for another";
    seen.row(
        "no `external_id`",
        By::Config,
        &said(&managed(good, "identity = \"acme\""), &[]),
        words,
    );
    let form = "a role ARN has the form arn:PARTITION:iam::ACCOUNT:role/NAME";
    for (mistake, arn, words) in [
        (
            "a role's ARN with 11 digits",
            "arn:aws:iam::22223333444:role/a",
            "an account id is 12 digits",
        ),
        ("a role's ARN with `rol/`", "arn:aws:iam::222233334444:rol/a", form),
        (
            "the ARN of an assumed role",
            "arn:aws:sts::222233334444:assumed-role/a/b",
            form,
        ),
    ] {
        seen.row(mistake, By::Config, &said(&managed(arn, rest), &[]), words);
    }
    let other = "identity = \"acm\"\nexternal_id = \"agreed\"";
    let words = "must be the name of one of the [identities.NAME]; did you mean acme?";
    seen.row(
        "an identity mistyped",
        By::Config,
        &said(&managed(good, other), &[]),
        words,
    );
}

fn managed(role: &str, more: &str) -> String {
    format!(
        "[identities.acme]\norganisation = \"Acme\"\naccess_key_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret_access_key = \
         \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"\n{}method = \"managed-cross-account\"\nrole_arn = \"{role}\"\n{more}\n",
        connection("s3", "eu-west-1", "")
    )
}
