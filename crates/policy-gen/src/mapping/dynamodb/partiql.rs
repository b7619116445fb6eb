//! The head of a `PartiQL` statement: what it does, to which table or index.
//!
//! Everything that could hide a second table is rejected: comments, joins, aliases, sub-queries, a second statement.
//!
//! Source: DynamoDB Developer Guide, "`PartiQL` statements for DynamoDB".

use std::borrow::Cow;

use super::super::MappingError;

/// The most characters of a statement. Source: DynamoDB API reference, `ExecuteStatement`.
const MAX_CHARACTERS: usize = 8192;

/// What a statement asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Statement {
    pub(super) action: &'static str,
    /// The table's name or ARN.
    pub(super) table: String,
    pub(super) index: Option<String>,
}

/// Borrows from the statement: what is read takes a few words for each, whatever the statement holds.
#[derive(Debug, Eq, PartialEq)]
enum Token<'t> {
    /// A keyword or a name without quotes.
    Word(&'t str),
    /// A name in double quotes.
    Quoted(Cow<'t, str>),
    /// A string, a number or anything else that names nothing.
    Literal,
    Sign(char),
}

impl Token<'_> {
    fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

const SHAPE: &str = "it is one SELECT … FROM \"table\", INSERT INTO, UPDATE, DELETE FROM or EXISTS(SELECT …), \
                     without comments, aliases and joins";

fn malformed() -> MappingError {
    MappingError::malformed("Statement", SHAPE)
}

impl Statement {
    /// Reads a statement.
    pub(super) fn parse(text: &str) -> Result<Self, MappingError> {
        // By bytes first: four are the longest character.
        if text.len() > 4 * MAX_CHARACTERS || text.chars().count() > MAX_CHARACTERS {
            return Err(MappingError::malformed("Statement", "it has at most 8192 characters"));
        }
        let tokens = tokens(text).ok_or_else(malformed)?;
        let mut rest = tokens.as_slice();
        if let [first, Token::Sign('('), inner @ .., Token::Sign(')')] = rest
            && first.is("EXISTS")
        {
            if !inner.first().is_some_and(|token| token.is("SELECT")) {
                return Err(malformed());
            }
            rest = inner;
        }
        Self::read(rest).ok_or_else(malformed)
    }

    fn read(tokens: &[Token<'_>]) -> Option<Self> {
        let (first, rest) = tokens.split_first()?;
        let (action, place, follow): (_, _, &[&str]) = if first.is("SELECT") {
            let from = rest.iter().position(|token| token.is("FROM"))?;
            ("dynamodb:PartiQLSelect", rest.get(from + 1..)?, &["WHERE", "ORDER"])
        } else if first.is("INSERT") {
            let place = rest.split_first().filter(|(into, _)| into.is("INTO"))?.1;
            ("dynamodb:PartiQLInsert", place, &["VALUE"])
        } else if first.is("UPDATE") {
            ("dynamodb:PartiQLUpdate", rest, &["SET", "REMOVE"])
        } else if first.is("DELETE") {
            let place = rest.split_first().filter(|(from, _)| from.is("FROM"))?.1;
            ("dynamodb:PartiQLDelete", place, &["WHERE"])
        } else {
            return None;
        };
        // One table: no word that could bring in another.
        let is_second = |token: &Token<'_>| {
            ["FROM", "JOIN", "UNION", "SELECT", "INTO"]
                .iter()
                .any(|word| token.is(word))
        };
        if place.iter().any(is_second) {
            return None;
        }
        let (table, rest) = name(place)?;
        let (index, rest) = match rest {
            [Token::Sign('.'), rest @ ..] => {
                let (index, rest) = name(rest)?;
                (Some(index), rest)
            }
            _ => (None, rest),
        };
        let ends_well = match rest.first() {
            None => first.is("SELECT"),
            Some(next) => follow.iter().any(|word| next.is(word)),
        };
        let may_have_index = first.is("SELECT");
        let index_is_good = index
            .as_deref()
            .is_none_or(|index| may_have_index && super::is_id(index));
        (ends_well && index_is_good).then_some(Self { action, table, index })
    }
}

fn name<'s, 't>(tokens: &'s [Token<'t>]) -> Option<(String, &'s [Token<'t>])> {
    match tokens {
        [Token::Word(name), rest @ ..] => Some(((*name).to_owned(), rest)),
        [Token::Quoted(name), rest @ ..] => Some((name.clone().into_owned(), rest)),
        _ => None,
    }
}

/// Splits a statement; `None` where something is open at its end, or where a comment begins.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_end_matches(|c: char| c.is_ascii_whitespace());
    rest = rest.strip_suffix(';').unwrap_or(rest);
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_whitespace() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            continue;
        }
        if rest.starts_with("--") || rest.starts_with("/*") || first == ';' {
            return None;
        }
        let length = match first {
            '\'' | '"' => {
                let (text, length) = quoted(rest, first)?;
                tokens.push(if first == '"' {
                    Token::Quoted(text)
                } else {
                    Token::Literal
                });
                length
            }
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest.get(..length)?));
                length
            }
            _ if first.is_ascii_digit() => {
                let is_number = |c: char| c.is_ascii_alphanumeric() || c == '.';
                tokens.push(Token::Literal);
                rest.find(|c| !is_number(c)).unwrap_or(rest.len())
            }
            // Ion literals have quotes of their own inside.
            '`' => return None,
            _ if first.is_ascii_punctuation() => {
                tokens.push(Token::Sign(first));
                1
            }
            // Nothing outside ASCII stands outside quotes: it could be a space or a quote to somebody.
            _ => return None,
        };
        rest = rest.get(length..)?;
    }
    Some(tokens)
}

/// What is between two quotes, a doubled one for itself, and how long it is with them.
fn quoted(text: &str, quote: char) -> Option<(Cow<'_, str>, usize)> {
    let mut characters = text.char_indices().skip(1).peekable();
    let mut has_doubled = false;
    while let Some((at, character)) = characters.next() {
        if character != quote {
            continue;
        }
        if characters.next_if(|(_, next)| *next == quote).is_some() {
            has_doubled = true;
            continue;
        }
        let content = text.get(1..at)?;
        let content = if has_doubled {
            let single = quote.to_string();
            Cow::Owned(content.replace(&single.repeat(2), &single))
        } else {
            Cow::Borrowed(content)
        };
        return Some((content, at + 1));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, action: &str, table: &str, index: Option<&str>) {
        let found = Statement::parse(text).unwrap();
        assert_eq!(found.action, action, "{text}");
        assert_eq!((found.table.as_str(), found.index.as_deref()), (table, index), "{text}");
    }

    #[test]
    fn the_table_is_found() {
        check("SELECT * FROM Orders", "dynamodb:PartiQLSelect", "Orders", None);
        check(
            r#"select a, 'FROM' from "My-Orders"."by.date" where x = 'it''s' order by y"#,
            "dynamodb:PartiQLSelect",
            "My-Orders",
            Some("by.date"),
        );
        check(
            "INSERT INTO \"Music\" VALUE {'Artist': 'A; --', 'n': 1}",
            "dynamodb:PartiQLInsert",
            "Music",
            None,
        );
        check(
            "UPDATE \"Music\" SET a=1 WHERE b=?;",
            "dynamodb:PartiQLUpdate",
            "Music",
            None,
        );
        check(
            "DELETE FROM \"Music\" WHERE b=?",
            "dynamodb:PartiQLDelete",
            "Music",
            None,
        );
        check(
            "EXISTS(SELECT * FROM \"T\" WHERE a=1)",
            "dynamodb:PartiQLSelect",
            "T",
            None,
        );
    }

    #[test]
    fn statements_have_dynamodb_s_own_bound() {
        let statement = |spaces: usize| format!("SELECT *{}FROM a", " ".repeat(spaces));
        let rest = statement(0).len();
        assert!(Statement::parse(&statement(MAX_CHARACTERS - rest)).is_ok());
        let error = Statement::parse(&statement(MAX_CHARACTERS - rest + 1)).unwrap_err();
        assert!(error.to_string().contains("8192"), "{error}");
        let wide = format!(
            "SELECT * FROM a WHERE b = '{}'",
            "\u{1f600}".repeat(MAX_CHARACTERS - 28)
        );
        assert!(Statement::parse(&wide).is_ok(), "characters count, not bytes");
        assert!(Statement::parse(&"((".repeat(10 << 20)).is_err());
    }

    #[test]
    fn what_could_hide_another_table_is_rejected() {
        for text in [
            "",
            "SELECT 1",
            "SELECT * FROM a, b",
            "SELECT * FROM a JOIN b ON x",
            "SELECT * FROM a AS b",
            "SELECT * FROM a b",
            "SELECT * FROM /* a */ b",
            "SELECT * FROM a -- x\n",
            "SELECT * FROM a; DELETE FROM b",
            "SELECT * FROM (SELECT * FROM a)",
            "SELECT (SELECT x FROM b) FROM a",
            "SELECT * FROM a WHERE x IN (SELECT y FROM b)",
            "SELECT * FROM \"a\".\"b\".\"c\"",
            "SELECT * FROM \"a\".\"b/c\"",
            "SELECT * FROM \"a",
            "SELECT * FROM\u{a0}a",
            "UPDATE a",
            "UPDATE \"a\".\"b\" SET c=1",
            "INSERT INTO a SELECT * FROM b",
            "DROP TABLE a",
            "EXISTS(DELETE FROM a WHERE b=1)",
        ] {
            assert!(Statement::parse(text).is_err(), "{text}");
        }
    }
}
