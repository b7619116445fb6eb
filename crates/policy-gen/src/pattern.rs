//! IAM's pattern language: `*` is any run of characters, `?` any one; `${*}`, `${?}` and `${$}` are the characters.
//!
//! A `*` spans `:` and `/` too. No backtracking: what stands between two `*` is searched for once, from the left, so a
//! text takes linear time, or its length times the pattern's where the pattern has a `?`.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Variables and tags".

mod segment;

use segment::{Segment, Unit};

/// The most characters of a pattern, an escaped one counted once: no ARN that IAM takes is longer.
pub(crate) const LONGEST: usize = 2_048;

/// A compiled pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pattern {
    /// What stands before, between and after the runs of `*`; one segment where there is no `*`.
    segments: Box<[Segment]>,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPattern {
    /// A policy variable, whose value the proxy cannot know, or a `${` without its end.
    #[error("policy variables are not supported, only ${{*}}, ${{?}} and ${{$}}: write the value out")]
    Variable,
    /// Longer than any ARN.
    #[error("it has more than 2048 characters")]
    TooLong,
}

/// What the characters `*` and `?` mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wildcards {
    /// Themselves: as in `StringEquals`.
    Literal,
    /// Any characters: as in `Resource` and `StringLike`.
    Any,
}

/// A pattern in a row: what another pattern is compared with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token {
    Char(char),
    One,
    Run,
}

impl Pattern {
    /// Compiles a text of the pattern language.
    pub(crate) fn parse(text: &str, wildcards: Wildcards) -> Result<Self, InvalidPattern> {
        let mut count = 0;
        let mut segments = Vec::new();
        let mut units = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            count += 1;
            if count > LONGEST {
                return Err(InvalidPattern::TooLong);
            }
            match c {
                '$' if rest.as_str().starts_with('{') => {
                    let mut escaped = rest.as_str().chars().skip(1);
                    match (escaped.next(), escaped.next()) {
                        (Some(c @ ('*' | '?' | '$')), Some('}')) => units.push(Unit::Char(c)),
                        _ => return Err(InvalidPattern::Variable),
                    }
                    rest.nth(2);
                }
                '?' if wildcards == Wildcards::Any => units.push(Unit::One),
                '*' if wildcards == Wildcards::Any => segments.push(Segment::new(std::mem::take(&mut units))),
                c => units.push(Unit::Char(c)),
            }
        }
        segments.push(Segment::new(units));
        Ok(Self {
            segments: segments.into(),
        })
    }

    /// The one text that the pattern matches; `None` where there are several.
    pub(crate) fn as_literal(&self) -> Option<&str> {
        match &*self.segments {
            [only] => only.as_text(),
            _ => None,
        }
    }

    /// Whether every text matches: `*`.
    pub(crate) fn is_everything(&self) -> bool {
        self.segments.len() > 1 && self.segments.iter().all(|segment| segment.units().is_empty())
    }

    /// Whether the text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let matched = match &*self.segments {
            [] => None,
            [only] => only.strip_prefix(text).filter(|rest| rest.is_empty()),
            [first, middle @ .., last] => first
                .strip_prefix(text)
                .and_then(|text| last.strip_suffix(text))
                .and_then(|text| middle.iter().try_fold(text, |text, segment| segment.skip_past(text))),
        };
        matched.is_some()
    }

    /// Whether every text that `other` matches is matched here too. May say no where yes is true, never the reverse.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let tokens = other.tokens();
        let matched = match &*self.segments {
            [] => None,
            [only] => strip_prefix(only, &tokens).filter(|rest| rest.is_empty()),
            [first, middle @ .., last] => strip_prefix(first, &tokens)
                .and_then(|tokens| strip_suffix(last, tokens))
                .and_then(|tokens| {
                    middle
                        .iter()
                        .try_fold(tokens, |tokens, segment| skip_past(segment, tokens))
                }),
        };
        matched.is_some()
    }

    /// Whether there is a text that both match. Takes time proportional to the product of the lengths.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.tokens(), other.tokens());
        // reached[j]: a text leads to here in `ours` and to place j in `theirs`.
        let mut reached = vec![false; theirs.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        skip_runs(&mut reached, &theirs);
        for token in &ours {
            let mut next = vec![false; theirs.len() + 1];
            for (place, their) in theirs.iter().map(Some).chain([None]).enumerate() {
                // A run may be empty; `next` of a run also keeps what it has already eaten.
                let here = reached.get(place).copied().unwrap_or(false);
                let eaten = *token == Token::Run && next.get(place).copied().unwrap_or(false);
                let mut set = |place: usize| next.get_mut(place).into_iter().for_each(|at| *at = true);
                if *token == Token::Run && (here || eaten) {
                    set(place);
                    if their.is_some() {
                        set(place + 1);
                    }
                } else if here && their.is_some_and(|their| *their == Token::Run) {
                    set(place);
                } else if here && their.is_some_and(|their| is_same(*token, *their)) {
                    set(place + 1);
                }
            }
            skip_runs(&mut next, &theirs);
            reached = next;
        }
        reached.last().copied().unwrap_or(false)
    }

    fn tokens(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                tokens.push(Token::Run);
            }
            tokens.extend(segment.units().iter().map(|unit| match unit {
                Unit::Char(c) => Token::Char(*c),
                Unit::One => Token::One,
            }));
        }
        tokens
    }
}

/// From each place reached, a run there may be passed without a character.
fn skip_runs(reached: &mut [bool], tokens: &[Token]) {
    for (place, token) in tokens.iter().enumerate() {
        let passes = *token == Token::Run && reached.get(place).copied().unwrap_or(false);
        if let Some(behind) = reached.get_mut(place + 1) {
            *behind |= passes;
        }
    }
}

/// Whether one character can be both; a run is none.
fn is_same(one: Token, other: Token) -> bool {
    match (one, other) {
        (Token::Char(one), Token::Char(other)) => one == other,
        (Token::One, Token::Char(_) | Token::One) | (Token::Char(_), Token::One) => true,
        (Token::Run, _) | (_, Token::Run) => false,
    }
}

/// Whether the unit matches whatever the token stands for.
fn takes(unit: Unit, token: Token) -> bool {
    match (unit, token) {
        (Unit::Char(unit), Token::Char(token)) => unit == token,
        (Unit::One, Token::Char(_) | Token::One) => true,
        (Unit::Char(_), Token::One) | (_, Token::Run) => false,
    }
}

fn is_prefix(segment: &Segment, tokens: &[Token]) -> bool {
    let units = segment.units();
    tokens.len() >= units.len() && units.iter().zip(tokens).all(|(unit, token)| takes(*unit, *token))
}

fn strip_prefix<'t>(segment: &Segment, tokens: &'t [Token]) -> Option<&'t [Token]> {
    is_prefix(segment, tokens).then(|| tokens.get(segment.units().len()..))?
}

fn strip_suffix<'t>(segment: &Segment, tokens: &'t [Token]) -> Option<&'t [Token]> {
    let (rest, end) = tokens.split_at_checked(tokens.len().checked_sub(segment.units().len())?)?;
    is_prefix(segment, end).then_some(rest)
}

/// What is behind the first place at which the segment stands.
fn skip_past<'t>(segment: &Segment, tokens: &'t [Token]) -> Option<&'t [Token]> {
    (0..=tokens.len()).find_map(|start| strip_prefix(segment, tokens.get(start..)?))
}

#[cfg(test)]
mod tests;
