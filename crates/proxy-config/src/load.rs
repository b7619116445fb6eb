//! From the sources to a [`Config`].

use std::path::{Path, PathBuf};

use figment::value::Value;

use super::chain_files::{ChainFiles, FindChainFiles};
use super::effective::{self, Effective};
use super::environment::Environment;
use super::file::TomlFile;
use super::file_limits::{FileLimits, FilePlace, LimitsInForce};
use super::key_path::KeyPath;
use super::keys::RawConfig;
use super::problem::{ConfigError, Origin, Problem};
use super::report::Report;
use super::sources::{FlagSetting, Sources};
use super::variables::FILE_VARIABLE;
use super::{Config, check, typed};

/// The file that is read where nobody names one.
pub const DEFAULT_FILE: &str = "signing-proxy.toml";

/// What the command line sets of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`: instead of `$SIGNING_PROXY_CONFIG` and `./signing-proxy.toml`.
    pub file: Option<PathBuf>,
    /// `--listen`: the shared listener.
    pub listen: Option<String>,
    /// `--admin`: the admin listener.
    pub admin: Option<String>,
    /// `--service`, `--region` and `--endpoint`: a connection by flags, for which no file is read.
    pub connection: Option<FlagConnection>,
}

/// A connection of method `default-chain` that is made by flags; its name is `default`.
#[derive(Clone, Debug)]
pub struct FlagConnection {
    /// `--service`.
    pub service: String,
    /// `--region`, else `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
    /// `--endpoint`.
    pub endpoint: Option<String>,
}

/// A configuration and how it came about.
#[derive(Debug)]
pub struct Loaded {
    /// What the proxy works with.
    pub config: Config,
    /// Its values, key by key, secrets redacted.
    pub effective: Effective,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// That file and those whose content it asks for: what to look at for changes.
    pub files: Vec<PathBuf>,
    /// What the process is to be limited to, besides the files of the system; nothing where it is not.
    pub places: Vec<FilePlace>,
}

impl Config {
    /// Reads a configuration from TOML and the `SIGNING_PROXY_*` variables; relative paths begin at the
    /// working directory. For a process that is limited to the files that it needs, use [`load`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with everything that is wrong.
    pub fn from_toml(toml: &str, environment: &Environment) -> Result<Self, ConfigError> {
        let file = TomlFile::parse(Path::new(DEFAULT_FILE), toml).map_err(one)?;
        build(
            Some(file),
            environment,
            Vec::new(),
            LimitsInForce::Open,
            ChainFiles::none,
        )
        .map(|built| built.config)
    }
}

/// Reads the configuration: defaults, then the file, then variables, then flags.
///
/// # Errors
///
/// [`ConfigError`] with everything that is wrong; a file that is named must exist.
pub fn load(
    overrides: &Overrides,
    environment: &Environment,
    find_chain_files: FindChainFiles,
) -> Result<Loaded, ConfigError> {
    load_within(overrides, environment, LimitsInForce::Open, find_chain_files)
}

/// Reads the configuration for a process that runs, within the limits of its files where it has any.
///
/// # Errors
///
/// As [`load`], also where it asks for files beyond the limits, or for limits where there are none.
pub fn reload(
    overrides: &Overrides,
    environment: &Environment,
    limits: Option<&FileLimits>,
    find_chain_files: FindChainFiles,
) -> Result<Loaded, ConfigError> {
    let limits = limits.map_or(LimitsInForce::None, LimitsInForce::To);
    load_within(overrides, environment, limits, find_chain_files)
}

fn load_within(
    overrides: &Overrides,
    environment: &Environment,
    limits: LimitsInForce<'_>,
    find_chain_files: FindChainFiles,
) -> Result<Loaded, ConfigError> {
    let file = find_file(overrides, environment).map_err(one)?;
    let path = file.as_ref().map(|(path, _)| path.clone());
    let own_files: Vec<_> = path.iter().cloned().collect();
    let file = file
        .map(|(path, origin)| read(&path, &origin))
        .transpose()
        .map_err(|problem| one(problem).with_files(own_files.clone()))?;
    let all_files = |others: &[PathBuf]| own_files.iter().chain(others).cloned().collect();
    match build(
        file,
        environment,
        flags(overrides, environment),
        limits,
        find_chain_files,
    ) {
        Ok(Built {
            config,
            effective,
            files,
            places,
        }) => Ok(Loaded {
            places,
            config,
            effective,
            file: path,
            files: all_files(&files),
        }),
        Err(error) => {
            let files = all_files(error.files());
            Err(error.with_files(files))
        }
    }
}

fn one(problem: Problem) -> ConfigError {
    ConfigError::new(vec![problem])
}

/// A configuration of which only the place of its own file is not known.
struct Built {
    config: Config,
    effective: Effective,
    files: Vec<PathBuf>,
    places: Vec<FilePlace>,
}

fn build(
    file: Option<TomlFile>,
    environment: &Environment,
    flags: Vec<FlagSetting>,
    limits: LimitsInForce<'_>,
    find_chain_files: FindChainFiles,
) -> Result<Built, ConfigError> {
    let mut problems = Vec::new();
    let has_service_flag = flags.iter().any(|flag| flag.flag == "--service");
    let sources = Sources::gather(file, environment, flags, &mut problems);
    let mut tree = sources.merged(&mut problems);
    let region = KeyPath::of("connections.default.region");
    if has_service_flag && !sources.wrote(&region) {
        let message = "missing: add --region, such as --region eu-west-1, or set AWS_REGION; for a server that is not AWS's, \
                       add --endpoint and the region that it is configured with";
        problems.push(Problem::new(Origin::Flag("--service"), region, message));
    }
    check::clean(&mut tree, &sources, &mut problems);
    effective::fill(&mut tree, |key| sources.wrote(key));
    let report = Report {
        sources: &sources,
        problems: problems.into(),
        notices: Vec::new().into(),
        files: Vec::new().into(),
        environment,
        find_chain_files,
        limits,
        limits_files: false.into(),
        places: Vec::new().into(),
    };
    let config = match Value::from(tree.clone()).deserialize::<RawConfig>() {
        Ok(raw) => Some(typed::config(&raw, &report)),
        // After the check above this is an error of this program. The error's text may hold a value.
        Err(error) => {
            let key = KeyPath::of(&error.path.join("."));
            report.reject(&key, "cannot be read");
            None
        }
    };
    let files = report.files.into_inner();
    let places = report.places.into_inner();
    let mut problems = report.problems.into_inner();
    match config {
        Some(config) if problems.is_empty() => {
            let effective = Effective::of(tree, &sources, environment);
            let fingerprint = effective.fingerprint();
            Ok(Built {
                config: Config { fingerprint, ..config },
                effective,
                files,
                places,
            })
        }
        _ => {
            problems.sort_by_key(Problem::rank);
            Err(ConfigError::new(problems).with_files(files))
        }
    }
}

/// The file to read and who named it; `None` where there is none.
pub(super) fn find_file(
    overrides: &Overrides,
    environment: &Environment,
) -> Result<Option<(PathBuf, Origin)>, Problem> {
    let named = match (&overrides.file, environment.get(FILE_VARIABLE)) {
        (Some(path), _) => Some((path.clone(), Origin::Flag("--config"))),
        (None, Some(path)) => Some((PathBuf::from(path), Origin::Variable(FILE_VARIABLE.to_owned()))),
        (None, None) => None,
    };
    match (&overrides.connection, named) {
        (None, Some(named)) => Ok(Some(named)),
        (None, None) => {
            let path = PathBuf::from(DEFAULT_FILE);
            Ok(path.exists().then_some((path, Origin::Nowhere)))
        }
        (Some(_), None) => Ok(None),
        // Two descriptions of what to sign for: which is meant is not for us to guess.
        (Some(_), Some((_, origin))) => {
            let message = "a configuration file is named, and --service makes a connection without one: use either";
            Err(Problem::new(origin, KeyPath::default(), message))
        }
    }
}

fn read(path: &Path, origin: &Origin) -> Result<TomlFile, Problem> {
    TomlFile::read(path).map_err(|problem| match origin {
        Origin::Nowhere => problem,
        // The problem has no place of its own where the file could not be read.
        _ if problem.is_nowhere() => Problem::new(origin.clone(), KeyPath::default(), problem.message()),
        _ => problem,
    })
}

fn flags(overrides: &Overrides, environment: &Environment) -> Vec<FlagSetting> {
    let mut settings = Vec::new();
    let mut set = |flag: &'static str, key: &str, value: Option<&str>| {
        settings.extend(value.map(|value| FlagSetting {
            flag,
            key: KeyPath::of(key),
            value: value.to_owned(),
        }));
    };
    set("--listen", "server.listen", overrides.listen.as_deref());
    set("--admin", "server.admin", overrides.admin.as_deref());
    if let Some(connection) = &overrides.connection {
        let region = connection.region.as_deref();
        let ambient = || {
            environment
                .get("AWS_REGION")
                .or_else(|| environment.get("AWS_DEFAULT_REGION"))
        };
        set("--service", "connections.default.service", Some(&connection.service));
        set("--region", "connections.default.region", region.or_else(ambient));
        set(
            "--endpoint",
            "connections.default.endpoint",
            connection.endpoint.as_deref(),
        );
        set("--service", "connections.default.auth.method", Some("default-chain"));
    }
    settings
}
