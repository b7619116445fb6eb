//! Text that is safe to log.

use std::error::Error;
use std::fmt::{self, Write as _};

/// Longest text from a client in a log line, in characters. S3 keys have at most 1024 bytes.
const LONGEST: usize = 1024;

/// Most causes shown of an error; a chain this long is a loop.
const MOST_CAUSES: usize = 16;

/// A client's text on one line: control characters and what reorders a line escaped, long texts cut.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for c in characters.by_ref().take(LONGEST) {
            if c.is_control() || is_invisible_format(c) {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                f.write_char(c)?;
            }
        }
        match characters.as_str().len() {
            0 => Ok(()),
            cut => write!(f, "…(+{cut} bytes)"),
        }
    }
}

/// Line and paragraph separators, and what changes the direction of text: a line must look like what it says.
fn is_invisible_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// An error and its causes on one line, joined by `: `. A cause whose text the one above it already contains is left
/// out: many libraries repeat it.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut above = String::new();
        let errors = std::iter::successors(Some(self.0), |error: &&dyn Error| (*error).source());
        for error in errors.take(MOST_CAUSES) {
            let text = error.to_string();
            if above.is_empty() {
                write!(f, "{}", Escaped(&text))?;
            } else if !above.contains(&text) {
                write!(f, ": {}", Escaped(&text))?;
            }
            above = text;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(Escaped(text).to_string(), want);
    }

    #[test]
    fn lines_and_terminals_are_safe_from_clients() {
        check("a\r\nlevel=ERROR", r"a\u{d}\u{a}level=ERROR");
        check("\u{1b}[2J", r"\u{1b}[2J");
        check("\u{7f}\u{85}\0", r"\u{7f}\u{85}\u{0}");
        check("\u{202e}txt\u{2028}", r"\u{202e}txt\u{2028}");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        check("/bucket/übung 1.txt?", "/bucket/übung 1.txt?");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        check(&"x".repeat(LONGEST + 7), &format!("{}…(+7 bytes)", "x".repeat(LONGEST)));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    fn link(text: &'static str, source: Option<Link>) -> Link {
        Link {
            text,
            source: source.map(Box::new),
        }
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        let error = link(
            "cannot connect: refused",
            Some(link("refused", Some(link("os error\n111", None)))),
        );
        assert_eq!(Chain(&error).to_string(), r"cannot connect: refused: os error\u{a}111");
    }
}
