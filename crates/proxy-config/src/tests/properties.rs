//! What holds for every text, well-formed or not.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::read;
use crate::{example, keys};

/// A value as TOML, or something that is none.
fn value() -> impl Strategy<Value = String> {
    let odd = [
        "true",
        "[]",
        "{}",
        "[[]]",
        "1979-05-27",
        "1e400",
        "nan",
        r#""off""#,
        r#""0.0.0.0:0""#,
    ];
    prop_oneof![
        "[ -~]{0,12}",
        any::<String>().prop_map(|text| format!("{text:?}")),
        any::<i64>().prop_map(|number| number.to_string()),
        select(odd.to_vec()).prop_map(str::to_owned),
    ]
}

/// A key there is, under a name that may be none.
fn key() -> impl Strategy<Value = String> {
    let names = prop_oneof!["[a-z]{1,3}", any::<String>().prop_map(|text| format!("{text:?}"))];
    let paths = select(keys::all().iter().map(|key| key.path.as_str()).collect::<Vec<_>>());
    (paths, names).prop_map(|(path, name)| path.replace('*', &name))
}

proptest! {
    #[test]
    fn any_text_is_read_or_rejected(text: String) {
        let _ = read(&text, &[]);
    }

    #[test]
    fn any_values_are_read_or_rejected(pairs in vec((key(), value()), 0..12)) {
        let lines: Vec<_> = pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        if let Err(error) = read(&lines.join("\n"), &[]) {
            prop_assert!(!error.problems().is_empty());
        }
    }

    #[test]
    fn any_variables_are_read_or_rejected(pairs in vec(("[A-Z_a-z]{0,20}", any::<String>()), 0..6)) {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (format!("SIGNING_PROXY_{name}"), value)).collect();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let _ = read(&example(), &pairs);
    }

    #[test]
    fn the_example_with_a_changed_line_is_read_or_rejected(
        changed in 0..example().lines().count(),
        text in "[ -~]{0,30}",
    ) {
        let example = example();
        let lines = example.lines().enumerate();
        let lines: Vec<_> = lines.map(|(number, line)| if number == changed { text.as_str() } else { line }).collect();
        let _ = read(&lines.join("\n"), &[]);
    }
}
