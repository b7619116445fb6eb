//! Rust sources as tokens, without comments and doc comments, so that a check of names never trips over prose.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token that a check may look at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// A literal as it is written, quotes included.
    Literal(String),
    /// `:`, `{`, `}`, `,` and all other punctuation, one character each.
    Mark(char),
}

/// The tokens of a file. `without_tests` leaves out what lies in modules and items below `#[cfg(test)]`.
pub(super) fn tokens(path: &str, text: &str, without_tests: bool) -> Vec<Token> {
    let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut found = Vec::new();
    flatten(stream, without_tests, &mut found);
    found
}

fn flatten(stream: TokenStream, without_tests: bool, found: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                // An inner attribute has a `!` first.
                if matches!(trees.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!') {
                    trees.next();
                }
                let Some(TokenTree::Group(attribute)) = trees.peek() else {
                    continue;
                };
                let text = attribute.stream().to_string();
                if text.starts_with("doc ") || text.starts_with("doc=") {
                    trees.next();
                } else if without_tests && text.replace(' ', "") == "cfg(test)" {
                    trees.next();
                    skip_item(&mut trees);
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ('{', '}'),
                    Delimiter::Parenthesis => ('(', ')'),
                    Delimiter::Bracket => ('[', ']'),
                    Delimiter::None => (' ', ' '),
                };
                found.push(Token::Mark(open));
                flatten(group.stream(), without_tests, found);
                found.push(Token::Mark(close));
            }
            TokenTree::Ident(name) => found.push(Token::Name(name.to_string())),
            TokenTree::Literal(literal) => found.push(Token::Literal(literal.to_string())),
            TokenTree::Punct(mark) => found.push(Token::Mark(mark.as_char())),
        }
    }
}

/// Up to the end of an item: its braces, or a `;`.
fn skip_item(trees: &mut impl Iterator<Item = TokenTree>) {
    for tree in trees {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            _ => {}
        }
    }
}

#[test]
fn comments_and_tests_are_left_out() {
    let text = "//! a\n/// b\n#[derive(C)]\nstruct D { /* e */ f: G } // h\n#[cfg(test)]\nmod tests { fn i() { \"j\" } }\nfn k() {}";
    let names: Vec<_> = tokens("a.rs", text, true)
        .into_iter()
        .filter_map(|token| match token {
            Token::Name(name) => Some(name),
            Token::Literal(_) | Token::Mark(_) => None,
        })
        .collect();
    assert_eq!(names, ["derive", "C", "struct", "D", "f", "G", "fn", "k"]);
}
