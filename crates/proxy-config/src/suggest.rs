//! "Did you mean": the known name nearest to what was written.

/// The candidate that differs least from `written`, where it differs little enough to be meant.
pub(super) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is longer than any key is no misspelt key; it also bounds the work.
    if written.len() > 64 {
        return None;
    }
    let written = written.to_ascii_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|candidate| (distance(&written, &candidate.replace('-', "_")), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The candidate of keys that has the words of `written` and at most two more, or at most two fewer: `secret_key` is
/// `secret_access_key`, and so is `aws_secret_access_key`.
pub(super) fn nearest_by_words<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_ascii_lowercase().replace('-', "_");
    let words: Vec<&str> = written.split('_').take(MOST_WORDS).collect();
    let candidates = candidates.into_iter().filter_map(|candidate| {
        let others: Vec<&str> = candidate.split('_').collect();
        let is_part = |part: &[&str], whole: &[&str]| part.iter().all(|word| whole.contains(word));
        let difference = others.len().abs_diff(words.len());
        let is_meant = difference <= 2 && (is_part(&words, &others) || is_part(&others, &words));
        // `access_key` is rather `access_key_id` than `secret_access_key`.
        is_meant.then_some(((difference, !candidate.starts_with(&written)), candidate))
    });
    candidates.min_by_key(|(rank, _)| *rank).map(|(_, candidate)| candidate)
}

/// No key has more words; it also bounds the work.
const MOST_WORDS: usize = 8;

/// How many characters differ: replaced, left out, put in, or swapped with the next one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&row, j) + usize::from(from != *to);
            let mut edits = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swaps = j > 0 && last == Some(*to) && b.get(j - 1) == Some(&from);
            if swaps {
                edits = edits.min(at(&before, j - 1) + 1);
            }
            next.push(edits);
        }
        last = Some(from);
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        for (a, b, want) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("evn", "env", 1),
            ("eu-wst-1", "eu-west-1", 1),
            ("abc", "", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let keys = ["listen", "admin", "access_key_id"];
        assert_eq!(nearest("lissten", keys), Some("listen"));
        assert_eq!(nearest("Access-Key-ID", keys), Some("access_key_id"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), keys), None);
    }

    #[test]
    fn keys_are_found_by_their_words() {
        let keys = [
            "access_key_id",
            "secret_access_key",
            "session_token",
            "endpoint",
            "role",
        ];
        for (written, want) in [
            ("secret_key", Some("secret_access_key")),
            ("aws_secret_access_key", Some("secret_access_key")),
            ("secret", Some("secret_access_key")),
            ("access_key", Some("access_key_id")),
            ("AWS-SESSION-TOKEN", Some("session_token")),
            ("endpoint_url", Some("endpoint")),
            ("role_name", Some("role")),
            ("colour", None),
            ("my_own_very_role", None),
        ] {
            assert_eq!(nearest_by_words(written, keys), want, "{written}");
        }
    }
}
