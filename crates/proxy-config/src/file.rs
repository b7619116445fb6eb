//! The TOML file: its text, and where each key is in it. Its secrets are taken out before anything else sees it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use auth_model::Secret;
use toml_edit::{ImDocument, Item, TomlError};
use zeroize::Zeroizing;

use super::key_path::KeyPath;
use super::keys::{self, Kind};
use super::problem::{Origin, Problem};

/// A configuration beyond this is a mistake, such as a log file; it also bounds the work of reading it.
const MAX_FILE_BYTES: usize = 4 << 20;

/// A TOML file that was read and parsed.
#[derive(Debug)]
pub(super) struct TomlFile {
    name: PathBuf,
    /// With other characters in the place of those of each secret.
    document: ImDocument<String>,
    secrets: Vec<(KeyPath, Secret)>,
}

impl TomlFile {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let problem = |message: String| Problem::new(Origin::Nowhere, KeyPath::default(), message);
        let bytes = std::fs::read(path)
            .map_err(|error| problem(format!("the file {} cannot be read: {error}", path.display())))?;
        let bytes = Zeroizing::new(bytes);
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| problem(format!("the file {} is not UTF-8, as TOML must be", path.display())))?;
        Self::parse(path, text)
    }

    /// Parses the text of a file of this name.
    pub(super) fn parse(name: &Path, text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_FILE_BYTES {
            let message = format!("the file {} is larger than 4 MiB", name.display());
            return Err(Problem::new(Origin::Nowhere, KeyPath::default(), message));
        }
        let invalid = |error: TomlError| {
            // The error's own text quotes the line, which may hold a secret: only its message is used.
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let origin = position(name, text, error.span().map_or(0, |span| span.start));
            Problem::new(origin, KeyPath::default(), format!("not TOML: {message}"))
        };
        let mut found = Found::default();
        found.take(
            &mut ImDocument::parse(text).map_err(invalid)?.into_item(),
            &KeyPath::default(),
        );
        let document = ImDocument::parse(found.blanked(text)).map_err(invalid)?;
        let secrets = found.0.into_iter().map(|(key, _, secret)| (key, secret)).collect();
        Ok(Self {
            name: name.to_owned(),
            document,
            secrets,
        })
    }

    /// What was written for keys of secrets.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&KeyPath, &Secret)> {
        self.secrets.iter().map(|(key, secret)| (key, secret))
    }

    /// The file's text, but for its secrets.
    pub(super) fn text(&self) -> &str {
        self.document.raw()
    }

    /// Its name.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// The folder that relative paths in the file begin at.
    pub(super) fn folder(&self) -> &Path {
        self.name.parent().unwrap_or_else(|| Path::new(""))
    }

    /// Where the key was written; `None` where it was not.
    pub(super) fn locate(&self, key: &KeyPath) -> Option<Origin> {
        let start = self.find(key)?;
        Some(position(&self.name, self.text(), start))
    }

    /// The text that this key was given; `None` where it was given none, or a secret.
    pub(super) fn string(&self, key: &KeyPath) -> Option<String> {
        let item = item_at(self.document.as_item(), key.names())?;
        item.as_str().map(str::to_owned)
    }

    /// The names in this table, as written.
    pub(super) fn names_in(&self, table: &str) -> Vec<&str> {
        let item = self.document.as_table().get(table);
        item.and_then(Item::as_table_like)
            .map(|table| table.iter().map(|(name, _)| name).collect())
            .unwrap_or_default()
    }

    /// The offset of the key, where the file has it.
    fn find(&self, key: &KeyPath) -> Option<usize> {
        let mut item = self.document.as_item();
        let mut start = 0;
        for name in key.names() {
            let (key, child) = item.as_table_like()?.get_key_value(name)?;
            start = key.span().map_or(start, |span| span.start);
            item = child;
        }
        Some(start)
    }
}

/// The secrets of a file, and where each is in its text, with its quotes.
#[derive(Default)]
struct Found(Vec<(KeyPath, Range<usize>, Secret)>);

impl Found {
    /// Takes the texts of all keys of secrets below this one out of the parsed file. They are not copied.
    fn take(&mut self, item: &mut Item, path: &KeyPath) {
        if let Some(table) = item.as_table_like_mut() {
            for (name, item) in table.iter_mut() {
                self.take(item, &path.entry(name.get()));
            }
            return;
        }
        let is_secret = keys::find(path).is_some_and(|key| Kind::is_secret(&key.kind));
        if let (true, Some(span)) = (is_secret && item.is_str(), item.span())
            && let Ok(toml_edit::Value::String(text)) = std::mem::take(item).into_value()
        {
            let secret = Secret::new(text.into_value());
            self.0.push((path.clone(), span, secret));
        }
    }

    /// The text in which each secret is of as many other characters, in as many lines.
    fn blanked(&mut self, text: &str) -> String {
        self.0.sort_by_key(|(_, span, _)| span.start);
        let mut blanked = String::with_capacity(text.len());
        let mut done = 0;
        for (_, span, _) in &self.0 {
            let quoted = text.get(span.clone()).unwrap_or_default();
            let quote = ["\"\"\"", "'''"]
                .into_iter()
                .find(|quote| quoted.starts_with(quote))
                .map_or(1, str::len);
            let is_quote = |at| at < quote || at + quote >= quoted.len();
            blanked += text.get(done..span.start).unwrap_or_default();
            let characters = quoted.char_indices();
            blanked.extend(characters.map(|(at, c)| {
                if is_quote(at) || matches!(c, '\n' | '\r') {
                    c
                } else {
                    'x'
                }
            }));
            done = span.end;
        }
        blanked + text.get(done..).unwrap_or_default()
    }
}

/// What has these names below this item, from the top down.
pub(super) fn item_at<'a, 'n>(item: &'a Item, mut names: impl Iterator<Item = &'n str>) -> Option<&'a Item> {
    names.try_fold(item, |item, name| item.as_table_like()?.get(name))
}

/// The line and column of a byte.
fn position(name: &Path, text: &str, offset: usize) -> Origin {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let in_line = before.get(line_start..).unwrap_or_default();
    Origin::File {
        file: name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: in_line.chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> TomlFile {
        TomlFile::parse("x.toml".as_ref(), text).unwrap()
    }

    #[test]
    fn secrets_are_taken_out_and_nothing_else_moves() {
        let text = "[connections]\na.auth = { secret_access_key = \"sécret\", role = \"r\" } # end\n\
                    [identities.b]\nsecret_access_key = '''one\ntwo'''\norganisation = \"o\"\n\
                    [upstream]\nhttp_proxy = \"\"\"\nq\\u0041\"\"\"\"\nhttps_proxy = 5\nca_file = 'c'\n";
        let file = parse(text);
        let secrets: Vec<_> = file
            .secrets()
            .map(|(key, secret)| (key.to_string(), secret.expose()))
            .collect();
        assert_eq!(
            secrets,
            [
                ("connections.a.auth.secret_access_key".to_owned(), "sécret"),
                ("identities.b.secret_access_key".to_owned(), "one\ntwo"),
                ("upstream.http_proxy".to_owned(), "qA\""),
            ]
        );
        assert_eq!(
            file.text(),
            "[connections]\na.auth = { secret_access_key = \"xxxxxx\", role = \"r\" } # end\n\
             [identities.b]\nsecret_access_key = '''xxx\nxxx'''\norganisation = \"o\"\n\
             [upstream]\nhttp_proxy = \"\"\"\nxxxxxxxx\"\"\"\nhttps_proxy = 5\nca_file = 'c'\n"
        );
        let place = |key: &str| file.locate(&KeyPath::of(key)).unwrap().to_string();
        assert_eq!(place("connections.a.auth.role"), "x.toml:2:42");
        assert_eq!(place("identities.b.organisation"), "x.toml:6:1");
        assert_eq!(place("upstream.ca_file"), "x.toml:11:1");
    }

    proptest! {
        #[test]
        fn any_secret_is_taken_out(secret: String, is_inline: bool) {
            let quoted = toml_edit::Value::from(secret.as_str()).to_string();
            let key = if is_inline { "upstream = { http_proxy" } else { "upstream.http_proxy" };
            let end = if is_inline { ", no_proxy = 'n' }" } else { "\nupstream.no_proxy = 'n'" };
            let text = format!("{key} = {quoted}{end}\nlog.level = 'info'\n");
            let file = parse(&text);
            let found: Vec<_> = file.secrets().map(|(_, secret)| secret.expose().to_owned()).collect();
            prop_assert_eq!(&found, &[secret]);
            prop_assert_eq!(file.text().chars().count(), text.chars().count());
            prop_assert_eq!(file.text().lines().count(), text.lines().count());
            let inner = quoted.trim_matches(['"', '\'']).chars().filter(|c| !matches!(c, '\n' | '\r'));
            let left = file.text().chars().filter(|c| *c == 'x').count();
            // And one in each `http_proxy` and `no_proxy`.
            prop_assert!(left >= inner.count());
        }
    }
}
