//! What was written for a secret, and looks like something else.

use auth_model::{InvalidAssetReference, Secret};

use super::suggest::nearest;

/// What is wrong with it, and which scheme may be meant. Nothing of the text is repeated: it may be a secret.
pub(super) fn error(text: &Secret, error: &InvalidAssetReference) -> String {
    let scheme = || text.expose().split_once(':').map(|(scheme, _)| scheme.trim());
    let meant = match error {
        InvalidAssetReference::UnknownScheme { known } => {
            scheme().and_then(|scheme| nearest(scheme, known.iter().copied()))
        }
        _ => None,
    };
    match meant {
        Some(meant) => format!(
            "begins with a scheme that does not exist; did you mean {meant}:? A secret that begins so itself is written \
             literal:TEXT"
        ),
        None => error.to_string(),
    }
}

/// The notice of a secret that looks as if a shell should replace it; `literal:` before it confirms that it is meant so.
pub(super) fn notice(text: &Secret) -> Option<&'static str> {
    let text = text.expose();
    let starts_a_name = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '{' | '(');
    let is_of_shells = text
        .strip_prefix('$')
        .is_some_and(|rest| rest.starts_with(starts_a_name));
    let is_of_windows = text.len() > 2 && text.starts_with('%') && text.ends_with('%');
    (is_of_shells || is_of_windows).then_some(
        "looks like a variable of a shell, which nothing replaces here: it is taken for the secret itself. Write env:NAME, or \
         literal:TEXT if it is the secret",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_replace_is_noticed() {
        for text in ["$NAME", "${NAME}", "$_a", "$(cat key)", "%NAME%"] {
            assert!(notice(&Secret::new(text)).is_some(), "{text}");
        }
        for text in [
            "",
            "$",
            "$1",
            "a$NAME",
            "%",
            "%%",
            "%NAME",
            "env:NAME",
            "literal:$NAME",
            "literal:${NAME}",
        ] {
            assert!(notice(&Secret::new(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn the_scheme_that_may_be_meant_is_named_and_never_what_was_written() {
        let known = crate::tests::schemes::all().names_of_secrets().collect();
        let unknown = InvalidAssetReference::UnknownScheme { known };
        let said = |text: &str| error(&Secret::new(text), &unknown);
        for (text, meant) in [
            ("evn:X", "did you mean env:?"),
            ("ENV:X", "did you mean env:?"),
            ("flie:/x", "did you mean file:?"),
            ("secretsmanger:x", "did you mean secretsmanager:?"),
            ("secrets-manager:x", "did you mean secretsmanager:?"),
            ("gcp:x", "there are env:, file:"),
            ("hunter2:x", "there are env:, file:"),
        ] {
            let said = said(text);
            assert!(said.contains(meant) && said.contains("literal:TEXT"), "{text}: {said}");
            assert!(
                !said.contains("evn") && !said.contains("gcp") && !said.contains("hunter2"),
                "{said}"
            );
        }
    }
}
