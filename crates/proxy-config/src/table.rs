//! Reads one raw table: text in, checked values out, problems noted under their keys.

use std::fmt::Display;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use auth_model::{AssetOrigin, AssetReference, AssetSettings, InvalidAssetReference, Secret};

use super::choice::Choice;
use super::environment::Environment;
use super::key_path::KeyPath;
use super::keys::Written;
use super::keys::{self, Kind};
use super::places::{NO_PROGRAMS, Need};
use super::quantity;
use super::report::Report;
use super::secret_text;

/// One table of the raw configuration.
pub(super) struct Table<'a> {
    pub(super) report: &'a Report<'a>,
    pub(super) path: KeyPath,
}

impl<'a> Table<'a> {
    pub(super) fn new(report: &'a Report<'a>, path: KeyPath) -> Self {
        Self { report, path }
    }

    /// The table of this name in this one.
    pub(super) fn table(&self, name: &str) -> Self {
        Self::new(self.report, self.key(name))
    }

    pub(super) fn key(&self, name: &str) -> KeyPath {
        self.path.child(name)
    }

    pub(super) fn reject(&self, name: &str, message: impl Into<String>) {
        self.report.reject(&self.key(name), message);
    }

    /// Notes every key that was written and does not belong to this method of the table.
    pub(super) fn reject_keys_of_other_methods(&self, method: &str) {
        let pattern = self.pattern();
        let others = keys::all()
            .iter()
            .filter(|key| key.table() == pattern && !key.methods.is_empty() && !key.methods.contains(&method));
        for key in others {
            let name = key.name().trim_end_matches(".*");
            let path = self.key(name);
            if !self.report.sources.wrote(&path) || self.report.knows(&path) {
                continue;
            }
            let methods: Vec<_> = key.methods.iter().map(|method| format!("{method:?}")).collect();
            let message = format!(
                "does not belong to method {method:?}, only to {}",
                methods.join(" and ")
            );
            self.report.reject(&path, message);
        }
    }

    /// The path of the table, with `*` for names that the operator chose.
    fn pattern(&self) -> String {
        let mut pattern: Vec<&str> = Vec::new();
        for name in self.path.names() {
            let is_name = matches!(keys::node(&pattern), Some(keys::Node::Names));
            pattern.push(if is_name { "*" } else { name });
        }
        pattern.join(".")
    }

    /// Notes that the key is missing, unless what was there was reported already.
    pub(super) fn missing(&self, name: &str, why: &str) {
        let key = self.key(name);
        if self.report.knows(&key) {
            return;
        }
        let message = match keys::find(&key) {
            Some(known) => format!("missing: {why}; must be {}", known.kind),
            None => format!("missing: {why}"),
        };
        self.report.reject(&key, message);
    }

    /// The parsed text; the error's text must not hold the value.
    pub(super) fn parse<T>(&self, name: &str, text: Option<&str>) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        match text?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.reject(name, T::Err::to_string(&error));
                None
            }
        }
    }

    /// The parsed text of a key that must be there.
    pub(super) fn required<T>(&self, name: &str, text: Option<&str>, why: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        if text.is_none() {
            self.missing(name, why);
        }
        self.parse(name, text)
    }

    /// One of the choices, or the default after noting a problem.
    pub(super) fn choice<T: Choice>(&self, name: &str, text: &str) -> T {
        T::of(text).unwrap_or_else(|| {
            self.reject_choice(name, text, T::NAMES.iter().copied());
            T::default()
        })
    }

    /// Notes that the text is none of the choices, and which may be meant.
    pub(super) fn reject_choice<'c>(&self, name: &str, text: &str, choices: impl Iterator<Item = &'c str>) {
        let meant = super::suggest::nearest(text, choices)
            .map(|meant| format!(r#"; did you mean "{meant}"?"#))
            .unwrap_or_default();
        self.reject(name, format!("must be {}{meant}", self.allowed(name)));
    }

    /// `IP:PORT`; `None` for `off`.
    pub(super) fn listener(&self, name: &str, text: &str) -> Option<SocketAddr> {
        if text == "off" {
            return None;
        }
        let address = text.parse().ok();
        if address.is_none() {
            self.reject(name, format!("must be {}", self.allowed(name)));
        }
        address
    }

    pub(super) fn duration(&self, name: &str, text: &str) -> Duration {
        let whole = |duration: Duration, bounds: &RangeInclusive<u64>| {
            let rounded_up = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
            bounds.contains(&duration.as_secs()) && bounds.contains(&rounded_up)
        };
        let value = quantity::duration(text).filter(|value| match self.kind(name) {
            Some(Kind::Duration(bounds)) => whole(*value, bounds),
            _ => false,
        });
        self.quantity(name, text, value)
    }

    pub(super) fn size(&self, name: &str, text: &str) -> u64 {
        let value = quantity::size(text).filter(|value| match self.kind(name) {
            Some(Kind::Size(bounds)) => bounds.contains(value),
            _ => false,
        });
        self.quantity(name, text, value)
    }

    /// The secret text that was written.
    pub(super) fn secret(&self, name: &str, written: Option<Written>) -> Option<&Secret> {
        let Written = written?;
        let text = self.report.sources.secret(&self.key(name));
        if text.is_none() {
            // After the check of the keys this is an error of this program.
            self.reject(name, "cannot be read");
        }
        text
    }

    /// Where a secret is stored; a relative path of a file or program begins at the file it was written in.
    pub(super) fn asset(&self, name: &str, written: Option<Written>) -> Option<AssetReference> {
        self.asset_with_origin(name, written).map(|(reference, _)| reference)
    }

    /// The same with where it leads, where that is known.
    pub(super) fn asset_with_origin(
        &self,
        name: &str,
        written: Option<Written>,
    ) -> Option<(AssetReference, Option<AssetOrigin>)> {
        let text = self.secret(name, written)?;
        let found = self.reference(name, text, Environment::check_asset)?;
        if let Some(notice) = secret_text::notice(text) {
            self.report.notice(&self.key(name), notice);
        }
        Some(found)
    }

    /// A reference that gives a whole key.
    pub(super) fn leased_key(&self, name: &str, written: Written) -> Option<AssetReference> {
        let text = self.secret(name, Some(written))?;
        let (reference, _) = self.reference(name, text, Environment::check_key)?;
        Some(reference)
    }

    /// A reference that is checked, with what it needs within reach.
    fn reference(
        &self,
        name: &str,
        text: &Secret,
        check: impl FnOnce(
            &Environment,
            AssetReference,
        ) -> Result<(AssetReference, Option<AssetOrigin>), InvalidAssetReference>,
    ) -> Option<(AssetReference, Option<AssetOrigin>)> {
        let reference = AssetReference::of(text).map(|reference| match self.report.sources.folder(&self.key(name)) {
            Some(folder) => reference.relative_to(folder),
            None => reference,
        });
        let (reference, origin) = reference
            .and_then(|reference| check(self.report.environment, reference))
            .map_err(|error| self.reject(name, secret_text::error(text, &error)))
            .ok()?;
        let is_in_reach = match &origin {
            None | Some(AssetOrigin::Process) => true,
            Some(AssetOrigin::File(path)) => self.report.needs(&self.key(name), path, Need::Read),
            Some(AssetOrigin::Program(_)) => {
                let can_run = !self.report.limits_files.get();
                if !can_run {
                    self.reject(name, NO_PROGRAMS);
                }
                can_run
            }
            Some(AssetOrigin::Server(settings) | AssetOrigin::AwsStore { settings, .. }) => {
                self.has_settings(name, settings)
            }
        };
        is_in_reach.then_some((reference, origin))
    }

    /// Whether one of the keys is written that a reference's server is described by.
    fn has_settings(&self, name: &str, settings: &AssetSettings) -> bool {
        let table = KeyPath::of("assets").child(settings.table);
        let keys: Vec<_> = settings.one_of.iter().map(|key| table.child(key)).collect();
        let is_set = keys.iter().any(|key| self.report.sources.wrote(key));
        if !is_set {
            let keys: Vec<_> = keys.iter().map(KeyPath::to_string).collect();
            let message = format!(
                "is stored on a server that is not configured: set {}",
                keys.join(" or ")
            );
            self.reject(name, message);
        }
        is_set
    }

    /// The path of a file that is read; a relative one begins at the file it was written in.
    pub(super) fn path(&self, name: &str, text: Option<&str>) -> Option<PathBuf> {
        self.place(name, text, Need::Read)
    }

    /// The path of a file or folder for which there is this need.
    pub(super) fn place(&self, name: &str, text: Option<&str>, need: Need) -> Option<PathBuf> {
        let text = text?;
        if text.is_empty() || text.contains('\0') {
            self.reject(name, format!("must be {}", self.allowed(name)));
            return None;
        }
        let path = self.report.sources.resolve(&self.key(name), Path::new(text));
        self.report.needs(&self.key(name), &path, need).then_some(path)
    }

    /// What is in the file of that path, and no more than `limit` bytes and one: that shows that there is more.
    pub(super) fn file_text(&self, name: &str, path: &str, limit: u64) -> Option<String> {
        let path = self.path(name, Some(path))?;
        self.report.depends_on(&path);
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(limit.saturating_add(1)).read_to_string(&mut text));
        match read {
            Ok(_) => Some(text),
            Err(error) => {
                // Not by its name: what was meant to be a path may be a secret.
                self.reject(name, format!("names a file that cannot be read: {error}"));
                None
            }
        }
    }

    /// The value, or any after noting the problem: then the configuration is not used.
    fn quantity<T: Default>(&self, name: &str, text: &str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            // What was inherited is reported where it was written.
            let is_inherited = matches!(
                keys::find(&self.key(name)).map(|key| &key.default),
                Some(keys::Fallback::Same(_))
            );
            if !is_inherited || self.report.sources.wrote(&self.key(name)) {
                let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let more = if is_number { "; a unit is missing" } else { "" };
                self.reject(name, format!("must be {}{more}", self.allowed(name)));
            }
            T::default()
        })
    }

    fn kind(&self, name: &str) -> Option<&'static Kind> {
        keys::find(&self.key(name)).map(|key| &key.kind)
    }

    fn allowed(&self, name: &str) -> String {
        self.kind(name).map(ToString::to_string).unwrap_or_default()
    }
}
