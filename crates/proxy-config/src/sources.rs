//! What the operator wrote: file, variables and flags, merged by figment, and where each key comes from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use auth_model::Secret;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::environment::Environment;
use super::file::TomlFile;
use super::key_path::KeyPath;
use super::keys;
use super::problem::{Origin, Problem};
use super::variables::{self, Setting};

/// A key that a flag sets.
#[derive(Clone, Debug)]
pub(super) struct FlagSetting {
    pub(super) flag: &'static str,
    pub(super) key: KeyPath,
    pub(super) value: String,
}

/// Everything that was written, by source.
#[derive(Debug)]
pub(super) struct Sources {
    file: Option<TomlFile>,
    /// What is used for keys that nobody wrote.
    ambient: Vec<Setting>,
    variables: Vec<Setting>,
    flags: Vec<FlagSetting>,
    /// What was written for keys of secrets. No other place has it.
    secrets: BTreeMap<KeyPath, Secret>,
}

impl Sources {
    /// Gathers the sources; what cannot be used of a source becomes a problem.
    pub(super) fn gather(
        file: Option<TomlFile>,
        environment: &Environment,
        flags: Vec<FlagSetting>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let variables = variables::settings(environment, file.as_ref(), problems);
        let ambient = variables::ambient(environment, problems);
        let of = |settings: &[Setting]| -> Vec<_> {
            let pairs = settings
                .iter()
                .map(|setting| (setting.key.clone(), setting.secret.clone()));
            pairs.filter_map(|(key, secret)| Some((key, secret?))).collect()
        };
        // In the order in which they are merged.
        let mut secrets: BTreeMap<_, _> = of(&ambient).into_iter().collect();
        let of_file = file.iter().flat_map(TomlFile::secrets);
        secrets.extend(of_file.map(|(key, secret)| (key.clone(), secret.clone())));
        secrets.extend(of(&variables));
        Self {
            file,
            ambient,
            variables,
            flags,
            secrets,
        }
    }

    /// One tree of all sources: defaults, the proxy variables, the file, our variables, flags.
    pub(super) fn merged(&self, problems: &mut Vec<Problem>) -> Dict {
        let flags = self
            .flags
            .iter()
            .map(|setting| (setting.key.clone(), Value::from(setting.value.as_str())));
        let layer = |settings: &[Setting]| {
            let pairs = settings
                .iter()
                .map(|setting| (setting.key.clone(), setting.value.clone()));
            Layer(variables::tree(pairs))
        };
        let file = self.file.as_ref().map_or("", TomlFile::text);
        let figment = Figment::from(Layer(built_in()))
            .merge(layer(&self.ambient))
            .merge(Toml::string(file))
            .merge(layer(&self.variables))
            .merge(Layer(variables::tree(flags)));
        figment.extract().unwrap_or_else(|_: figment::Error| {
            // The file was parsed before, so nothing is known that could end here; the error may hold a value.
            let message = "the sources of the configuration cannot be merged";
            problems.push(Problem::new(Origin::Nowhere, KeyPath::default(), message));
            Dict::new()
        })
    }

    /// What was written for this key of a secret.
    pub(super) fn secret(&self, key: &KeyPath) -> Option<&Secret> {
        self.secrets.get(key)
    }

    /// The name of the file.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(TomlFile::name)
    }

    /// Where the key was written, the source that wins first; else where its table was.
    pub(super) fn locate(&self, key: &KeyPath) -> Origin {
        let mut place = Some(key.clone());
        while let Some(at) = place {
            if at == KeyPath::default() {
                break;
            }
            if let Some(origin) = self.origin(&at) {
                return origin;
            }
            place = at.parent();
        }
        Origin::Nowhere
    }

    /// Whether the operator wrote the key itself.
    pub(super) fn wrote(&self, key: &KeyPath) -> bool {
        self.origin(key).is_some()
    }

    /// The path, where it was written in the file, taken from the file's folder.
    pub(super) fn resolve(&self, key: &KeyPath, path: &Path) -> PathBuf {
        match self.folder(key) {
            Some(folder) => folder.join(path),
            None => path.to_owned(),
        }
    }

    /// The folder of the file that the key is written in; `None` where it is written elsewhere.
    pub(super) fn folder(&self, key: &KeyPath) -> Option<&Path> {
        match (&self.file, self.origin(key)) {
            (Some(file), Some(Origin::File { .. })) => Some(file.folder()),
            _ => None,
        }
    }

    fn origin(&self, key: &KeyPath) -> Option<Origin> {
        let flag = self.flags.iter().find(|setting| setting.key.is_within(key));
        let set_by = |settings: &[Setting]| {
            let setting = settings.iter().find(|setting| setting.key.is_within(key))?;
            Some(Origin::Variable(setting.variable.clone()))
        };
        let file = || self.file.as_ref().and_then(|file| file.locate(key));
        // A table that the file has too is shown there: that is where the missing key belongs.
        let is_table = keys::find(key).is_none();
        if is_table && let Some(origin) = file() {
            return Some(origin);
        }
        if let Some(setting) = flag {
            return Some(Origin::Flag(setting.flag));
        }
        set_by(&self.variables).or_else(file).or_else(|| set_by(&self.ambient))
    }
}

/// The defaults of the keys that are in no operator-named table.
fn built_in() -> Dict {
    let fixed = keys::all().iter().filter(|key| !key.path.contains('*'));
    variables::tree(fixed.filter_map(|key| Some((KeyPath::of(&key.path), default_of(key)?))))
}

/// The key's default as a value.
pub(super) fn default_of(key: &keys::Key) -> Option<Value> {
    let keys::Fallback::Value(toml) = key.default else {
        return None;
    };
    let value: toml_edit::Value = toml.parse().ok()?;
    match &value {
        toml_edit::Value::String(text) => Some(Value::from(text.value().as_str())),
        toml_edit::Value::Integer(number) => Some(Value::from(*number.value())),
        toml_edit::Value::Boolean(boolean) => Some(Value::from(*boolean.value())),
        toml_edit::Value::Array(_) => Some(Value::from(Vec::<Value>::new())),
        _ => None,
    }
}

/// A tree as a source of figment's.
struct Layer(Dict);

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("configuration")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.0.clone())]))
    }
}
