//! What stands between two `*` of a pattern.

/// One character of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unit {
    /// This one.
    Char(char),
    /// Any: `?`.
    One,
}

/// A row of characters, some of which may be any.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Segment {
    units: Box<[Unit]>,
    /// The characters where none of them is `?`, so that the standard library's search does the work.
    text: Option<Box<str>>,
}

impl Segment {
    pub(super) fn new(units: Vec<Unit>) -> Self {
        let text = units.iter().map(|unit| match unit {
            Unit::Char(c) => Some(*c),
            Unit::One => None,
        });
        Self {
            text: text.collect::<Option<String>>().map(Into::into),
            units: units.into(),
        }
    }

    pub(super) fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The segment as a text, where it has no `?`.
    pub(super) fn as_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(super) fn strip_prefix<'t>(&self, text: &'t str) -> Option<&'t str> {
        if let Some(own) = &self.text {
            return text.strip_prefix(&**own);
        }
        let mut rest = text.chars();
        let fits = self.units.iter().all(|unit| rest.next().is_some_and(|c| unit.is(c)));
        fits.then_some(rest.as_str())
    }

    pub(super) fn strip_suffix<'t>(&self, text: &'t str) -> Option<&'t str> {
        if let Some(own) = &self.text {
            return text.strip_suffix(&**own);
        }
        let mut rest = text.chars();
        let fits = self
            .units
            .iter()
            .rev()
            .all(|unit| rest.next_back().is_some_and(|c| unit.is(c)));
        fits.then_some(rest.as_str())
    }

    /// What is behind the first place at which the segment stands.
    pub(super) fn skip_past<'t>(&self, text: &'t str) -> Option<&'t str> {
        match &self.text {
            Some(own) => text.find(&**own).and_then(|start| text.get(start + own.len()..)),
            None => text
                .char_indices()
                .find_map(|(start, _)| self.strip_prefix(text.get(start..)?)),
        }
    }
}

impl Unit {
    fn is(self, c: char) -> bool {
        match self {
            Self::Char(own) => own == c,
            Self::One => true,
        }
    }
}
