//! The field's words: what invented words may not come back, and that "response" is what an answer of HTTP is called.

use super::sources::is_test;
use super::tokens::{Token, tokens};
use super::{Page, assert_none, pages};

/// Not as a whole word in a name, in a text of production code (errors, logs, metrics, keys, JSON fields) or in a file's name.
const BANNED: [&str; 23] = [
    "answer",
    "answered",
    "answers",
    "asked",
    "boarding",
    "conversation",
    "converse",
    "converses",
    "culprit",
    "cure",
    "door",
    "house",
    "landing",
    "lane",
    "passage",
    "patience",
    "refusal",
    "rings",
    "sealer",
    "setback",
    "shelf",
    "strangers",
    "talk",
];

/// These too, in a list of their own since rustfmt would spread one array over forty lines.
const BANNED_TOO: [&str; 2] = ["told", "walkthrough"];

fn is_banned(word: &str) -> bool {
    BANNED.contains(&word) || BANNED_TOO.contains(&word)
}

/// The words of a name or text: cut at what is no letter, and where a capital follows a small letter.
fn words(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut was_small = false;
    for c in text.chars() {
        if !c.is_ascii_alphabetic() || (was_small && c.is_ascii_uppercase()) {
            found.push(String::new());
        }
        was_small = c.is_ascii_lowercase();
        if c.is_ascii_alphabetic() {
            found.last_mut().expect("one at least").push(c.to_ascii_lowercase());
        }
    }
    found
}

/// Bedrock's operations `Converse` and `ConverseStream`, in the spellings of AWS: the names, and the ends of paths.
fn is_of_aws(text: &str) -> bool {
    let text = text.trim_matches('"');
    text.contains("Converse")
        || text.contains("converse-stream")
        || text.contains("/converse")
        || ["converse", "converse-stream"].contains(&text)
}

fn banned_in(text: &str) -> Option<String> {
    words(text)
        .into_iter()
        .find(|word| is_banned(word) && !(word.starts_with("converse") && is_of_aws(text)))
}

/// Where a page has banned words: file names, names, and texts outside of tests.
fn of_rust(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |text: &str| {
        if let Some(word) = banned_in(text) {
            found.push(format!("{}: {word} in {text}", page.path));
        }
    };
    note(&page.path);
    let is_production = !is_test(page) && !page.path.starts_with("tests/") && !page.path.contains("/examples/");
    for token in tokens(&page.path, &page.text, false) {
        if let Token::Name(name) = &token {
            note(name);
        }
    }
    for token in tokens(&page.path, &page.text, true) {
        match &token {
            Token::Literal(text) if is_production => note(text),
            _ => {}
        }
    }
    found
}

/// Names of Python: what is left of a file without its strings and comments.
fn of_python(page: &Page) -> Vec<String> {
    let mut found: Vec<_> = banned_in(&page.path)
        .map(|word| format!("{}: {word}", page.path))
        .into_iter()
        .collect();
    let bare = without_texts(&page.text);
    for (number, line) in bare.lines().enumerate() {
        for name in line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            if let Some(word) = banned_in(name) {
                found.push(format!("{}:{}: {word} in {name}", page.path, number + 1));
            }
        }
    }
    found
}

/// Python without strings and comments; lines stay lines.
fn without_texts(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '#']) {
        bare.push_str(&rest[..at]);
        rest = &rest[at..];
        let quote = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find(|quote| rest.starts_with(quote));
        let end = match quote {
            None => rest.find('\n').unwrap_or(rest.len()),
            Some(quote) => end_of_string(rest, quote),
        };
        bare.extend(rest[..end].matches('\n'));
        rest = &rest[end..];
    }
    bare + rest
}

fn end_of_string(text: &str, quote: &str) -> usize {
    let mut at = quote.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(quote) {
            return at + quote.len();
        }
        let step = if rest.starts_with('\\') { 2 } else { 1 };
        at += rest.chars().take(step).map(char::len_utf8).sum::<usize>();
    }
    text.len()
}

/// The glossary's own list, here.
fn is_checked(page: &&Page) -> bool {
    page.path != "tests/e2e/tidy/words.rs"
}

#[test]
fn names_and_texts_use_the_words_of_the_field() {
    let pages = pages();
    let rust = pages.iter().filter(|page| page.has_extension("rs")).filter(is_checked);
    let python = pages.iter().filter(|page| page.has_extension("py"));
    let found: Vec<_> = rust.flat_map(of_rust).chain(python.flat_map(of_python)).collect();
    assert_none("words that docs/architecture.md has others for", &found);
}

/// In comments of the code and in the documents, as whole words.
fn count(pages: &[Page], wanted: &[&str]) -> usize {
    let of_text = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphabetic())
            .filter(|word| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
            .count()
    };
    let of_page = |page: &Page| {
        if page.has_extension("md") {
            return of_text(&page.text);
        }
        let mark = if page.has_extension("py") { "#" } else { "//" };
        let comments = page.text.lines().filter_map(|line| line.split_once(mark));
        comments.map(|(_, comment)| of_text(comment)).sum()
    };
    let read = pages
        .iter()
        .filter(|page| ["md", "rs", "py"].iter().any(|kind| page.has_extension(kind)));
    read.filter(is_checked).map(of_page).sum()
}

#[test]
fn response_is_the_word_for_what_http_sends_back() {
    let pages = pages();
    let responses = count(&pages, &["response", "responses"]);
    let answers = count(&pages, &["answer", "answers", "answered"]);
    assert!(
        responses >= 10 * answers,
        "{responses} times response, {answers} times answer"
    );
    for word in ["retry", "backoff", "timeout", "cache"] {
        assert!(count(&pages, &[word]) > 0, "{word}");
    }
}

#[test]
fn banned_words_are_found() {
    for (text, want) in [
        ("is_asked", Some("asked")),
        ("PassageKind", Some("passage")),
        ("HTTPAnswer", None),
        ("\"who asked\"", Some("asked")),
        ("basked", None),
        ("ConverseStream", None),
        ("\"/model/x/converse\"", None),
        ("it_converses", Some("converses")),
    ] {
        assert_eq!(banned_in(text).as_deref(), want, "{text}");
    }
    assert_eq!(
        without_texts("a = 'x\\'y' # z\nb = \"\"\"1\n2\"\"\"\nc"),
        "a =  \nb = \n\nc"
    );
}
