//! The command line of an `exec:` asset, split without a shell.

use std::fmt;

/// A program and its arguments.
///
/// Words are separated by spaces and tabs. In `'single quotes'` every character stands for itself; in
/// `"double quotes"` all but `\"` and `\\` do; elsewhere a backslash takes the next character as it is. Nothing else
/// has a meaning: no variables, no wildcards, no pipes, no `~`.
///
/// `Display` and `Debug` show the program alone: an argument may be a secret.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(crate) struct CommandLine {
    program: String,
    arguments: Vec<String>,
}

impl CommandLine {
    /// Reads a command line; what follows the first `#/` outside of quotes is a JSON pointer, with its `/`.
    ///
    /// `None` where there is no program, a quote is not closed or a NUL is somewhere.
    pub(crate) fn parse(text: &str) -> Option<(Self, Option<String>)> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut pointer = None;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\0' => return None,
                ' ' | '\t' => words.extend(word.take()),
                '#' if rest.as_str().starts_with('/') => {
                    pointer = Some(rest.as_str().to_owned());
                    break;
                }
                '\'' | '"' => quoted(c, &mut rest, word.get_or_insert_default())?,
                '\\' => word.get_or_insert_default().push(rest.next().filter(|c| *c != '\0')?),
                c => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty())?;
        let command = Self {
            program,
            arguments: words.collect(),
        };
        Some((command, pointer))
    }

    /// The program: a path, or a name that is looked for in `PATH`.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// The arguments, without the program.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The same arguments for another program.
    pub(crate) fn with_program(self, program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            ..self
        }
    }
}

/// Takes everything up to the closing quote; `None` where there is none.
fn quoted(quote: char, rest: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match rest.next()? {
            '\0' => return None,
            c if c == quote => return Some(()),
            '\\' if quote == '"' && rest.as_str().starts_with(['"', '\\']) => word.extend(rest.next()),
            c => word.push(c),
        }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandLine({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, words: &[&str], pointer: Option<&str>) {
        let (command, found) = CommandLine::parse(text).unwrap();
        let mut split = vec![command.program()];
        split.extend(command.arguments().iter().map(String::as_str));
        assert_eq!((split.as_slice(), found.as_deref()), (words, pointer), "{text}");
    }

    #[test]
    fn words_are_split_by_blanks_and_quotes() {
        check("op", &["op"], None);
        check("  a \t b  c ", &["a", "b", "c"], None);
        check(r#"a 'b  c' "d e" f\ g"#, &["a", "b  c", "d e", "f g"], None);
        check(r#"a x'y z'"w"  "" ''"#, &["a", "xy zw", "", ""], None);
        check(r#"a '\' "\n \" \\" \\"#, &["a", "\\", r#"\n " \"#, "\\"], None);
        check(
            "a $HOME *.txt ~ | `b` ; c>d",
            &["a", "$HOME", "*.txt", "~", "|", "`b`", ";", "c>d"],
            None,
        );
    }

    #[test]
    fn a_pointer_follows_outside_of_quotes() {
        check("a b#/x/y z", &["a", "b"], Some("/x/y z"));
        check("a b #/x", &["a", "b"], Some("/x"));
        check("a '#/b' \"#/c\" #d e#f", &["a", "#/b", "#/c", "#d", "e#f"], None);
    }

    #[test]
    fn what_is_no_command_is_invalid() {
        for text in ["", "  ", "''", "'' a", "a 'b", "a \"b", "a \\", "a\0b", "'a\0'", "#/x"] {
            assert!(CommandLine::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn arguments_are_never_shown() {
        let (command, _) = CommandLine::parse("/bin/x --password hunter2").unwrap();
        assert_eq!(format!("{command} {command:?}"), "/bin/x CommandLine(/bin/x)");
    }
}
