//! `signing-proxy check`.

use std::io::IsTerminal;
use std::sync::Arc;

use auth_model::{ConnectionName, SystemClock};
use clap::Args;
use proxy_config::{Environment, LogConfig, LogFormat, LogLevel, load};
use tokio::runtime::Builder;

use super::block_on;
use super::output::{Failure, print};
use super::serve::ConfigArgs;
use crate::chain_files::chain_files;
use crate::check::{Checker, Report, Style, Verdict};
use crate::log::Chain;

/// What `check` takes.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Goes the way of `serve` step by step: credential assets, keys, roles, External ID, clock, DNS, TCP, TLS, and one
harmless signed request. Each failure says whose fault it is and prints the policy that mends it.
docs/check.md explains every step.

Exit codes: 0 all is well, or only warns; 1 a step failed; 2 the command line or the configuration cannot be used;
3 a step warns, with --strict.

Examples:
  signing-proxy check
  signing-proxy check reports --bucket acme-reports
  signing-proxy check --service s3 --region eu-west-1
  signing-proxy check --strict --json | jq '.connections[] | {connection, verdict}'")]
pub struct CheckArgs {
    /// The connection to check. [default: all]
    pub connection: Option<String>,
    /// What to sign for.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Ask S3 about this bucket instead of for the list of all.
    #[arg(long, value_name = "NAME", value_parser = bucket)]
    pub bucket: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
    /// End with 3 where a step warns.
    #[arg(long)]
    pub strict: bool,
}

/// What can stand in a path, or before a host; S3 says the rest.
fn bucket(text: &str) -> Result<String, &'static str> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if (3..=255).contains(&text.len()) && starts_well && text.bytes().all(is_good) {
        Ok(text.to_owned())
    } else {
        Err("a bucket's name is 3 to 255 letters, digits, dots, hyphens and underscores")
    }
}

pub(super) fn run(args: &CheckArgs, environment: &Environment) -> Result<(), Failure> {
    let loaded = load(&args.config.overrides(), environment, chain_files)?;
    crate::log::init(LogConfig {
        // Beside text for people it is text, wherever both go.
        format: if args.json { LogFormat::Auto } else { LogFormat::Text },
        level: LogLevel::Warn,
    });
    let report = block_on(Builder::new_multi_thread(), async {
        let checker = Checker::new(loaded.config, Arc::new(SystemClock)).await;
        let mut checker = checker
            .map_err(|error| Failure::Input(Chain(&error).to_string()))?
            .with_bucket(args.bucket.clone());
        let names = chosen(&checker, args.connection.as_deref())?;
        show(&mut checker, &names, args.json).await
    })??;
    match report.verdict() {
        Verdict::Warns if args.strict => Err(Failure::Findings("a step warns".to_owned())),
        Verdict::Works | Verdict::Warns => Ok(()),
        Verdict::Fails => Err(Failure::Failed),
    }
}

/// Checks one after the other; as text, each is shown when it is done.
async fn show(checker: &mut Checker, names: &[ConnectionName], is_json: bool) -> Result<Report, Failure> {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let style = if std::io::stdout().is_terminal() && !is_plain {
        Style::Coloured
    } else {
        Style::Plain
    };
    let mut report = Report::default();
    for name in names {
        let Some(found) = checker.check(name).await else {
            continue;
        };
        if !is_json {
            print(found.to_text(style).as_bytes())?;
        }
        report.connections.push(found);
    }
    if is_json {
        print(format!("{:#}\n", report.to_json()).as_bytes())?;
    } else {
        print(report.summary(style).as_bytes())?;
    }
    Ok(report)
}

fn chosen(checker: &Checker, wanted: Option<&str>) -> Result<Vec<ConnectionName>, Failure> {
    let Some(wanted) = wanted else {
        return Ok(checker.connections().cloned().collect());
    };
    if let Some(name) = checker.connections().find(|name| name.as_str() == wanted) {
        return Ok(vec![name.clone()]);
    }
    let names: Vec<&str> = checker.connections().map(ConnectionName::as_str).collect();
    let text = format!("there is no connection of this name; there are: {}", names.join(", "));
    Err(Failure::Input(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "sandbox")]
    mod exit_codes {
        use sandbox::principals::{ACME_PROXY, OPEN_TO_ALL, REPORTER};
        use sandbox::{Sandbox, SandboxSettings};

        use crate::cli::{Failure, run};
        use proxy_config::Environment;

        /// A connection for each exit code, at a sandbox of its own.
        async fn check(arguments: &[&str]) -> Result<(), Failure> {
            let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
            let connection = |name: &str, auth: &str| {
                let s3 = sandbox.s3();
                format!(
                    "[connections.{name}]\nservice = \"s3\"\nregion = \"us-east-1\"\nendpoint = \"http://{s3}\"\n\
                     [connections.{name}.auth]\n{auth}\n"
                )
            };
            let key = |id: &str, secret: &str| format!("access_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\n");
            let acme = key(ACME_PROXY.access_key_id, ACME_PROXY.secret_access_key);
            let method = "method = \"access-key\"\n";
            let role = format!(
                "method = \"managed-cross-account\"\nidentity = \"acme\"\nrole_arn = \"{}\"\nexternal_id = \"agreed\"\n",
                OPEN_TO_ALL.arn
            );
            let good = method.to_owned() + &key(REPORTER.access_key_id, REPORTER.secret_access_key);
            let bad = method.to_owned() + &key(REPORTER.access_key_id, "wrong");
            let file = tempfile::NamedTempFile::new().unwrap();
            let toml = format!(
                "[sts]\nendpoint = \"http://{}\"\n[identities.acme]\norganisation = \"Acme\"\n{acme}{}{}{}",
                sandbox.sts(),
                connection("good", &good),
                connection("open", &role),
                connection("bad", &bad)
            );
            std::fs::write(file.path(), toml).unwrap();
            let path = file.path().to_str().unwrap().to_owned();
            let line = ["signing-proxy", "check", "--config", &path]
                .into_iter()
                .chain(arguments.iter().copied());
            let line: Vec<std::ffi::OsString> = line.map(Into::into).collect();
            // It has a runtime of its own.
            tokio::task::spawn_blocking(move || run(line, &Environment::empty()))
                .await
                .unwrap()
        }

        #[tokio::test]
        async fn report_what_works_what_warns_what_fails_and_what_is_not_there() {
            assert!(check(&["good", "--strict"]).await.is_ok());
            assert!(check(&["open"]).await.is_ok());
            assert!(matches!(check(&["open", "--strict"]).await, Err(Failure::Findings(_))));
            assert!(matches!(check(&["bad", "--json"]).await, Err(Failure::Failed)));
            assert!(matches!(check(&[]).await, Err(Failure::Failed)));
            assert!(matches!(check(&["no-such"]).await, Err(Failure::Input(_))));
        }
    }

    #[test]
    fn a_bucket_cannot_be_a_path_or_a_query() {
        assert!(bucket("acme-reports.2026").is_ok());
        for bad in ["", "ab", "a/b", "a?b", "a b", "../x", "@name", "%2e%2e"] {
            assert!(bucket(bad).is_err(), "{bad}");
        }
    }
}
