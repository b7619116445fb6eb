//! Usual mistakes of newcomers, and what is said of each. `docs/mistakes.md` has the same rows.

mod roles;
mod services;

use std::ffi::OsString;
use std::sync::Arc;

use auth_model::SystemClock;
use proxy_config::{Config, Environment};
use tokio::net::TcpListener;

use super::run;
use crate::check::{Checker, Style};

const PAGE: &str = include_str!("../../../docs/mistakes.md");

/// By what a mistake is found.
#[derive(Clone, Copy, Debug)]
enum By {
    /// An error of `config check`, and of `serve`.
    Config,
    /// A warning of both.
    Warning,
    /// An error of `config check --resolve`.
    Resolve,
    /// A step of `check`.
    Check,
    /// An error of `serve`.
    Serve,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Config => "`config check`",
            Self::Warning => "`config check`, a warning",
            Self::Resolve => "`config check --resolve`",
            Self::Check => "`check`",
            Self::Serve => "`serve`",
        }
    }
}

/// The page's rows that a test has seen.
struct Seen(Vec<String>);

impl Seen {
    /// The mistake is found so, and what is said has these words in it; the page says the same.
    #[track_caller]
    fn row(&mut self, mistake: &str, by: By, said: &str, words: &str) {
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{mistake}: {words}\n{said}");
        let row = format!("| {mistake} | {} | {words} |", by.name());
        assert!(PAGE.lines().any(|line| line == row), "docs/mistakes.md lacks\n{row}");
        self.0.push(row);
    }
}

/// What loading says: the errors, or else the warnings.
fn said(toml: &str, variables: &[(&str, &str)]) -> String {
    let environment: Environment = variables.iter().copied().collect();
    let environment = environment.with_schemes(sts_client::asset_schemes());
    match Config::from_toml(toml, &environment) {
        Err(error) => error.to_string(),
        Ok(config) => config.warnings().join("\n"),
    }
}

fn connection(service: &str, region: &str, more: &str) -> String {
    format!("[connections.a]\nservice = \"{service}\"\nregion = \"{region}\"\n{more}\n[connections.a.auth]\n")
}

const CHAIN: &str = "method = \"default-chain\"\n";

fn keys(id: &str, secret: &str) -> String {
    format!("method = \"access-key\"\naccess_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\n")
}

/// S3 with the default chain, and one more line.
fn with(more: &str) -> String {
    connection("s3", "eu-west-1", more) + CHAIN
}

/// S3 with this for the secret.
fn secret(written: &str) -> String {
    connection("s3", "eu-west-1", "") + &keys("AKIAIOSFODNN7EXAMPLE", written)
}

/// What a command says that fails.
async fn command(line: &str) -> String {
    let line: Vec<OsString> = line.split(' ').map(Into::into).collect();
    // It has a runtime of its own.
    let ran = tokio::task::spawn_blocking(move || run(line, &Environment::empty()));
    ran.await.unwrap().expect_err("it fails").to_string()
}

/// What `check` says.
async fn checked(toml: &str) -> String {
    let config = Config::from_toml(toml, &Environment::empty()).unwrap();
    let report = Checker::new(config, Arc::new(SystemClock))
        .await
        .unwrap()
        .check_all()
        .await;
    report
        .connections
        .iter()
        .map(|report| report.to_text(Style::Plain))
        .collect()
}

#[tokio::test]
async fn each_mistake_says_what_it_is() {
    let mut seen = Seen(Vec::new());
    of_keys(&mut seen);
    of_places(&mut seen);
    roles::rows(&mut seen);
    of_files(&mut seen);
    of_secrets_elsewhere(&mut seen).await;
    of_commands(&mut seen).await;
    services::rows(&mut seen).await;
    let rows = PAGE
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| Mistake"));
    let unseen: Vec<_> = rows.filter(|line| !seen.0.iter().any(|seen| seen == line)).collect();
    assert!(
        unseen.is_empty(),
        "docs/mistakes.md has rows of no test:\n{}",
        unseen.join("\n")
    );
}

fn of_keys(seen: &mut Seen) {
    let toml = connection("s3", "eu-west-1", "") + "method = \"access-key\"\nsecret_key = \"x\"\n";
    let mistake = "`secret_key` for `secret_access_key`";
    seen.row(
        mistake,
        By::Config,
        &said(&toml, &[]),
        "did you mean secret_access_key?",
    );
    let scheme = "begins with a scheme that does not exist; did you mean env:? A secret that begins so itself is written \
                  literal:TEXT";
    seen.row("`evn:NAME`", By::Config, &said(&secret("evn:NAME"), &[]), scheme);
    let unknown = "begins with a scheme that does not exist; there are env:, file:, exec:, vault:, secretsmanager:, ssm: and \
                   literal:";
    seen.row("`gcp:NAME`", By::Config, &said(&secret("gcp:NAME"), &[]), unknown);
    for written in ["$NAME", "${NAME}"] {
        let words = "looks like a variable of a shell, which nothing replaces here: it is taken for the secret itself. Write \
                     env:NAME, or literal:TEXT if it is the secret";
        seen.row(
            &format!("`{written}` for a secret"),
            By::Warning,
            &said(&secret(written), &[]),
            words,
        );
    }
    let short = "has 27 characters, and those of AWS have 40: look for a cut or padded copy, or for a reference that is misspelt";
    let cut = said(&secret("wJalrXUtnFEMI/K7MDENG/bPxRf"), &[]);
    seen.row("a secret that is cut off", By::Warning, &cut, short);
    let words = "is stored on a server that is not configured: set assets.vault.address";
    seen.row(
        "`vault:` without a vault",
        By::Config,
        &said(&secret("vault:kv/aws#secret"), &[]),
        words,
    );
}

fn of_places(seen: &mut Seen) {
    let at = |service: &str, region: &str| said(&(connection(service, region, "") + CHAIN), &[]);
    let none =
        "is none of AWS's regions, such as eu-west-1; for a server that is not AWS's, set the connection's endpoint";
    for region in ["foo", "useast1"] {
        seen.row(&format!("region `{region}`"), By::Config, &at("s3", region), none);
    }
    let case = "a region is 1 to 63 of a-z, 0-9 and '-', such as eu-west-1";
    seen.row("region `EU-WEST-1`", By::Config, &at("s3", "EU-WEST-1"), case);
    for (region, meant) in [("eu-wst-1", "eu-west-1"), ("us-east-11", "us-east-1")] {
        let words = format!("{region} is none of the regions of AWS that this version knows; did you mean {meant}?");
        seen.row(&format!("region `{region}`"), By::Warning, &at("s3", region), &words);
    }
    let words = "a service is an endpoint prefix of a-z, 0-9, '-' and '.', such as s3 or bedrock-runtime";
    seen.row("service `S3`", By::Config, &at("S3", "eu-west-1"), words);
    let words = "bedrok-runtime is none of the services of AWS that this version knows; did you mean bedrock-runtime?";
    seen.row(
        "service `bedrok-runtime`",
        By::Warning,
        &at("bedrok-runtime", "eu-west-1"),
        words,
    );
    for (mistake, written, words) in [
        (
            "`endpoint` with a path",
            "http://127.0.0.1:9000/path",
            "must end after host and port: a path, query or fragment would change what is signed",
        ),
        (
            "`endpoint` without a scheme",
            "127.0.0.1:9000",
            "must begin with http:// or https://, such as https://127.0.0.1:8333",
        ),
    ] {
        let said = said(&with(&format!("endpoint = \"{written}\"")), &[]);
        seen.row(mistake, By::Config, &said, words);
    }
    let clear = with("endpoint = \"http://127.0.0.1:9000\"\npayload = \"unsigned\"");
    seen.row(
        "`payload = \"unsigned\"` over http",
        By::Config,
        &said(&clear, &[]),
        "an unsigned payload needs TLS: use \"signed\", or an https endpoint",
    );
    let second = |name: &str, service: &str| {
        let first = connection("s3", "eu-west-1", "") + CHAIN;
        let second = connection(service, "eu-west-1", "").replace("connections.a", &format!("connections.{name}"));
        said(&(first + &second + CHAIN), &[])
    };
    let words = "a, b all sign for s3 in eu-west-1: requests on the shared listener that name none (/@NAME/ or \
                 x-signing-proxy-connection) are rejected";
    seen.row("two connections of one service", By::Warning, &second("b", "s3"), words);
    let words = "connections.a: differs from connections.A in case or in - and _ alone";
    seen.row(
        "`[connections.A]` beside `[connections.a]`",
        By::Warning,
        &second("A", "ec2"),
        words,
    );
    seen.row(
        "`[connections.a]` twice",
        By::Config,
        &second("a", "ec2"),
        "duplicate key",
    );
}

fn of_files(seen: &mut Seen) {
    let server = |listen: &str| said(&format!("[server]\nlisten = \"{listen}\"\n{}", with("")), &[]);
    let words = "can be reached from other machines, and whoever reaches it acts with the credentials of the connections: use \
                 127.0.0.1, or set server.allow_unauthenticated_clients = true where the network lets only trusted clients in";
    seen.row(
        "`listen = \"0.0.0.0:8080\"`",
        By::Config,
        &server("0.0.0.0:8080"),
        words,
    );
    for listen in ["8080", "localhost:8080"] {
        let words = "server.listen: must be an IP address and a port, such as \"127.0.0.1:8080\", or \"off\"";
        seen.row(&format!("`listen = \"{listen}\"`"), By::Config, &server(listen), words);
    }
    let words = "unknown key at the top level; did you mean connections?";
    let misspelt = with("").replace("connections", "conections");
    seen.row("`[conections.a]`", By::Config, &said(&misspelt, &[]), words);
    let metrics = format!("{}[metrics]\n", with(""));
    seen.row(
        "`[metrics]`",
        By::Config,
        &said(&metrics, &[]),
        "unknown key at the top level; known are",
    );
    for (mistake, toml, words) in [
        (
            "a quote that is not closed",
            "[server]\nlisten = \"127.0.0.1:8080\n",
            "signing-proxy.toml:2:25: not TOML: invalid basic string",
        ),
        (
            "a word without quotes",
            "[connections.a]\nregion = eu-west-1\n",
            "signing-proxy.toml:2:10: not TOML: invalid string, expected `\"`, `'`",
        ),
        (
            "an address or number with a unit without quotes",
            "[server]\nlisten = 127.0.0.1:8080\n",
            "signing-proxy.toml:2:15: not TOML: expected newline, `#`",
        ),
        (
            "a bracket that is not closed",
            "[server\nlisten = \"off\"\n",
            "signing-proxy.toml:1:8: not TOML: invalid table header, expected `.`, `]`",
        ),
        (
            "`key: value` instead of `key = value`",
            "[server]\nlisten: \"off\"\n",
            "signing-proxy.toml:2:7: not TOML: expected `.`, `=`",
        ),
        (
            "YAML",
            "server:\n  listen: off\n",
            "signing-proxy.toml:1:7: not TOML: expected `.`, `=`",
        ),
    ] {
        seen.row(mistake, By::Config, &said(toml, &[]), words);
    }
    let timeout = format!("[server]\nidle_timeout = \"30\"\n{}", with(""));
    let words = "server.idle_timeout: must be a duration from \"1s\" to \"24h\"; a unit is missing";
    seen.row("a duration without a unit", By::Config, &said(&timeout, &[]), words);
    let words = "unknown key in [server]; did you mean listen?";
    let variable = said(&with(""), &[("SIGNING_PROXY_SERVER__LISTN", "off")]);
    seen.row("`SIGNING_PROXY_SERVER__LISTN`", By::Config, &variable, words);
    let elsewhere = said(&format!("{}[upstream]\nheader_timeout = \"30s\"\n", with("")), &[]);
    seen.row(
        "a key in the wrong table",
        By::Config,
        &elsewhere,
        "unknown key in [upstream]; it belongs in [server]",
    );
}

async fn of_secrets_elsewhere(seen: &mut Seen) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signing-proxy.toml");
    for (mistake, written, words) in [
        (
            "a secret's file is missing",
            "file:missing",
            "does not exist: create the file, or correct its path.",
        ),
        (
            "a secret's variable is missing",
            "env:NO_SUCH_VARIABLE",
            "env:NO_SUCH_VARIABLE does not exist: set the variable in the environment of the proxy; a variable of your shell \
             has to be exported.",
        ),
    ] {
        std::fs::write(&file, secret(written)).unwrap();
        let resolved = command(&format!(
            "signing-proxy config check --resolve --config {}",
            file.display()
        ))
        .await;
        seen.row(mistake, By::Resolve, &resolved, words);
    }
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    std::fs::write(&file, secret("file:folder")).unwrap();
    let resolved = command(&format!(
        "signing-proxy config check --resolve --config {}",
        file.display()
    ))
    .await;
    seen.row(
        "a secret's file is a folder",
        By::Resolve,
        &resolved,
        "is not a regular file",
    );
}

async fn of_commands(seen: &mut Seen) {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let line = format!("signing-proxy serve --service s3 --region us-east-1 --admin off --listen {address}");
    let words = "another program listens there, or has a connection from this port; stop it or choose another port (0 takes a free one)";
    seen.row("the port is in use", By::Serve, &command(&line).await, words);
    let words = "missing: add --region, such as --region eu-west-1, or set AWS_REGION";
    let said = command("signing-proxy serve --service s3").await;
    seen.row("`serve --service s3` without a region", By::Serve, &said, words);
    let said = command("signing-proxy serve --lissten 127.0.0.1:0").await;
    seen.row(
        "a flag mistyped",
        By::Serve,
        &said,
        "a similar argument exists: '--listen'",
    );
}
