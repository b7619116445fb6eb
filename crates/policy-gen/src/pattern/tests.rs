use proptest::prelude::*;

use super::*;
use crate::escape::literal;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text, Wildcards::Any).unwrap()
}

#[track_caller]
fn check(text: &str, matches: &[&str], not: &[&str]) {
    let pattern = pattern(text);
    for subject in matches {
        assert!(pattern.matches(subject), "{text} {subject}");
    }
    for subject in not {
        assert!(!pattern.matches(subject), "{text} {subject}");
    }
}

#[test]
fn a_star_spans_colons_and_slashes() {
    check(
        "arn:aws:s3:::b/*",
        &["arn:aws:s3:::b/", "arn:aws:s3:::b/a/b:c"],
        &["arn:aws:s3:::b", "arn:aws:s3:::bb/x"],
    );
    check("arn:*:x", &["arn:a:b:x", "arn::x"], &["arn:x", "arn:a:x "]);
    check("a*b*c", &["abc", "aXbYbZc", "abbc"], &["ab", "ac", "abcd"]);
    check("*", &["", "x"], &[]);
    check("", &[""], &["x"]);
}

#[test]
fn a_question_mark_is_one_character() {
    check("a?c", &["abc", "a€c", "a?c"], &["ac", "abbc"]);
    check("*?x?*", &["axb", "aaxbb", "xxx"], &["x", "xb", "ax"]);
    check("?*?", &["ab", "abc"], &["a", ""]);
}

#[test]
fn escapes_are_the_characters() {
    check("a${*}b", &["a*b"], &["aXb", "a${*}b"]);
    check("a${?}${$}", &["a?$"], &["ab$"]);
    check("a$b$", &["a$b$"], &[]);
    for bad in ["${aws:username}", "${", "a${*", "${}", "${ * }", "${**}"] {
        assert_eq!(
            Pattern::parse(bad, Wildcards::Any),
            Err(InvalidPattern::Variable),
            "{bad}"
        );
    }
    assert_eq!(
        Pattern::parse(&"x".repeat(2_049), Wildcards::Any),
        Err(InvalidPattern::TooLong)
    );
    assert!(Pattern::parse(&"${*}".repeat(2_048), Wildcards::Any).is_ok());
    assert!(Pattern::parse("a*?", Wildcards::Literal).unwrap().matches("a*?"));
}

#[test]
fn what_no_wildcard_has_is_one_text() {
    assert_eq!(pattern("a${*}").as_literal(), Some("a*"));
    assert_eq!(pattern("").as_literal(), Some(""));
    assert!(pattern("a?").as_literal().is_none() && pattern("a*").as_literal().is_none());
    assert!(pattern("*").is_everything() && pattern("**").is_everything());
    assert!(!pattern("*?").is_everything() && !pattern("").is_everything());
}

#[test]
fn a_pattern_covers_what_is_narrower() {
    for (wide, narrow) in [
        ("*", "a*"),
        ("b/*", "b/p/*"),
        ("a*c", "a?c"),
        ("a?", "ab"),
        ("*b*", "ab*"),
        ("a*", "a*"),
    ] {
        assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
    }
    for (wide, narrow) in [
        ("a*", "*"),
        ("a?", "a*"),
        ("ab", "a?"),
        ("b/p/*", "b/*"),
        ("a${*}", "a*"),
        ("*a", "a*"),
    ] {
        assert!(!pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
    }
}

#[test]
fn patterns_overlap_where_a_text_has_both() {
    for (one, other) in [
        ("a*", "*b"),
        ("a?c", "ab*"),
        ("*", ""),
        ("a*b*c", "*x*"),
        ("a", "a"),
        ("*a", "a*"),
    ] {
        assert!(pattern(one).overlaps(&pattern(other)), "{one} {other}");
    }
    for (one, other) in [("a*", "b*"), ("a?", "a"), ("a${*}", "a?b"), ("*a", "*b"), ("", "?")] {
        assert!(!pattern(one).overlaps(&pattern(other)), "{one} {other}");
    }
}

#[test]
fn a_hostile_pattern_takes_no_time() {
    let pattern = pattern(&"a*".repeat(1_000));
    assert!(!pattern.matches(&("a".repeat(999) + &"b".repeat(100_000))));
}

/// The definition, by trying everything.
fn slow(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), None) => slow(rest, text),
        (Some(('*', rest)), Some((_, after))) => slow(rest, text) || slow(pattern, after),
        (Some(('?', rest)), Some((_, after))) => slow(rest, after),
        (Some((p, rest)), Some((t, after))) => p == t && slow(rest, after),
        _ => false,
    }
}

fn texts() -> Vec<String> {
    let mut all = vec![String::new()];
    for length in 1..=5 {
        let longest: Vec<_> = all.iter().filter(|text| text.len() == length - 1).cloned().collect();
        all.extend(longest.iter().flat_map(|text| ["a", "b"].map(|c| text.clone() + c)));
    }
    all
}

proptest! {
    #[test]
    fn matching_is_what_the_definition_says(text in "[ab*?]{0,8}", subject in "[ab]{0,10}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(pattern(&text).matches(&subject), slow(&chars(&text), &chars(&subject)));
    }

    #[test]
    fn covering_and_overlapping_hold_for_every_text(one in "[ab*?]{0,6}", other in "[ab*?]{0,6}") {
        let (one, other) = (pattern(&one), pattern(&other));
        let texts = texts();
        if one.covers(&other) {
            prop_assert!(texts.iter().all(|text| one.matches(text) || !other.matches(text)));
        }
        let both = texts.iter().any(|text| one.matches(text) && other.matches(text));
        // A common text may be longer than those tried.
        prop_assert!(one.overlaps(&other) || !both);
        prop_assert_eq!(one.overlaps(&other), other.overlaps(&one));
    }

    #[test]
    fn an_escaped_literal_matches_itself_alone(text in r"[ab*?${}:/]{0,10}", other in r"[ab*?${}:/]{0,10}") {
        let escaped = pattern(&literal(&text));
        prop_assert_eq!(escaped.as_literal(), Some(text.as_str()));
        prop_assert_eq!(escaped.matches(&other), text == other);
    }
}
