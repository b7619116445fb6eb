//! Which source wins, and what variables become.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use auth_model::{AssetReference, AuthMethod, ConnectionName, KeyAssets};

use super::{REPORTS, read, reject_with, schemes};
use crate::{ChainFiles, Environment, FlagConnection, Loaded, Overrides, load};

#[track_caller]
fn check_address(got: Option<SocketAddr>, want: &str) {
    assert_eq!(got.map(|address| address.to_string()).as_deref(), Some(want));
}

/// Writes the file into a fresh folder and loads it by flag.
fn load_file(toml: &str, overrides: Overrides, variables: &[(&str, &str)]) -> (Loaded, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    std::fs::write(&file, toml).unwrap();
    std::fs::write(folder.path().join("ca.pem"), "").unwrap();
    let overrides = Overrides {
        file: Some(file),
        ..overrides
    };
    let environment: Environment = variables.iter().copied().collect();
    let environment = environment.with_schemes(schemes::all());
    (
        load(&overrides, &environment, ChainFiles::none).unwrap(),
        folder.path().to_owned(),
    )
}

#[test]
fn defaults_hold_where_nothing_is_written() {
    let config = read(REPORTS, &[]).unwrap();
    check_address(config.server.listen, "127.0.0.1:8080");
    check_address(config.server.admin, "127.0.0.1:9901");
    let reports = config.connections.values().next().unwrap();
    assert_eq!(
        (reports.limits.memory_body, reports.limits.max_body),
        (8 << 20, 5 << 30)
    );
    assert_eq!(reports.limits.min_upload_rate, NonZeroU64::new(240));
    assert_eq!(reports.limits.min_download_rate, NonZeroU64::new(240));
    assert_eq!(reports.timeouts.connect, Duration::from_secs(10));
    assert_eq!(reports.listen, None);
}

#[test]
fn flags_win_over_variables_over_the_file() {
    let toml = format!("[server]\nlisten = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:2\"\nmax_clients = 3\n{REPORTS}");
    let overrides = Overrides {
        listen: Some("127.0.0.1:11".to_owned()),
        ..Overrides::default()
    };
    let variables = [
        ("SIGNING_PROXY_SERVER__LISTEN", "127.0.0.1:21"),
        ("SIGNING_PROXY_SERVER__ADMIN", "off"),
        ("SIGNING_PROXY_LOG__LEVEL", ""),
    ];
    let (loaded, _) = load_file(&toml, overrides, &variables);
    check_address(loaded.config.server.listen, "127.0.0.1:11");
    assert_eq!(loaded.config.server.admin, None);
    assert_eq!(loaded.config.server.max_clients, 3);
}

#[test]
fn connections_inherit_the_defaults_tables() {
    let toml = format!(
        "[defaults]\nlimits.max_body = \"1GiB\"\nlimits.min_upload_rate = \"0B\"\nlimits.min_download_rate = \"0B\"\ntimeouts.connect = \"1s\"\n{REPORTS}\n\
         [connections.reports.limits]\nmemory_body = \"1KiB\""
    );
    let config = read(&toml, &[]).unwrap();
    let reports = config.connections.values().next().unwrap();
    assert_eq!(
        (reports.limits.memory_body, reports.limits.max_body),
        (1 << 10, 1 << 30)
    );
    assert_eq!(
        (reports.limits.min_upload_rate, reports.limits.min_download_rate),
        (None, None)
    );
    assert_eq!(reports.timeouts.connect, Duration::from_secs(1));
}

#[test]
fn a_variable_stays_the_text_it_is() {
    let toml = REPORTS.replace("reports", "Reports");
    let variables = [
        (
            "SIGNING_PROXY_CONNECTIONS__REPORTS__AUTH__ACCESS_KEY_ID",
            "012345678901",
        ),
        (
            "SIGNING_PROXY_CONNECTIONS__REPORTS__AUTH__SESSION_TOKEN",
            "[not, a, list]",
        ),
        ("SIGNING_PROXY_CONNECTIONS__REPORTS__USE_FIPS", "true"),
        ("SIGNING_PROXY_SERVER__MAX_CLIENTS", "17"),
        ("SIGNING_PROXY_SERVER__GATEWAY_HOSTS", r#"["A.internal", "b"]"#),
    ];
    let config = read(&toml.replace("env:Reports_SECRET", "literal:true"), &variables).err();
    // A token with a space in it is no token: the text arrived whole.
    let error = config.unwrap().to_string();
    assert_eq!(
        error,
        "variable SIGNING_PROXY_CONNECTIONS__REPORTS__AUTH__SESSION_TOKEN: connections.Reports.auth.session_token: a \
         session token is 1 to 16384 visible ASCII characters"
    );
    let variables: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| !name.ends_with("TOKEN"))
        .collect();
    let config = read(&toml, &variables).unwrap();
    assert_eq!(config.server.max_clients, 17);
    assert_eq!(config.server.gateway_hosts, ["a.internal", "b"]);
    let reports = &config.connections[&ConnectionName::parse("Reports").unwrap()];
    assert!(reports.variant.fips);
    let AuthMethod::AccessKey {
        keys: KeyAssets::Parts(keys),
    } = &reports.connection.auth
    else {
        panic!("{:?}", reports.connection.auth);
    };
    let AssetReference::Literal(id) = &keys.access_key_id else {
        panic!("{keys:?}");
    };
    assert_eq!(id.expose(), "012345678901");
}

#[test]
fn a_connection_may_stand_in_variables_alone() {
    let variables = [
        ("SIGNING_PROXY_CONNECTIONS__MODELS__SERVICE", "bedrock-runtime"),
        ("SIGNING_PROXY_CONNECTIONS__MODELS__REGION", "us-east-1"),
        ("SIGNING_PROXY_CONNECTIONS__MODELS__AUTH__METHOD", "default-chain"),
    ];
    let config = read("", &variables).unwrap();
    assert_eq!(config.connections.keys().next().unwrap().as_str(), "models");
}

#[test]
fn variables_that_set_nothing_are_rejected_by_name() {
    reject_with(
        REPORTS,
        &[
            ("SIGNING_PROXY_SERVER_LISTEN", "127.0.0.1:1"),
            ("SIGNING_PROXY_SERVER__MAX_CLIENTS", "many"),
            ("SIGNING_PROXY_SERVER__LISTEN__PORT", "1"),
            ("SIGNING_PROXY_LOG", "json"),
            ("SIGNING_PROXY_UPSTREAM__USE_FIPS", "yes"),
            ("SIGNING_PROXY_STS__USE_FIPS", "yes"),
            ("SIGNING_PROXY_SERVER__GATEWAY_HOSTS", "a,b"),
            ("SIGNING_PROXY_SERVICE_HOST", "10.0.0.1"),
            ("SIGNING_PROXY_PORT", "tcp://10.0.0.1:8080"),
        ],
        &[
            "variable SIGNING_PROXY_LOG: log: must be a table, [log], not this string",
            "variable SIGNING_PROXY_SERVER__GATEWAY_HOSTS: server.gateway_hosts: must be a list of host names, each a string, not this string",
            "variable SIGNING_PROXY_SERVER__LISTEN__PORT: server.listen: must be an IP address and a port, such as \
             \"127.0.0.1:8080\", or \"off\", not a table",
            "variable SIGNING_PROXY_SERVER__MAX_CLIENTS: server.max_clients: must be an integer from 1 to 1000000, \
             not this string",
            "variable SIGNING_PROXY_SERVER_LISTEN: server_listen: unknown key at the top level; did you mean \
             SIGNING_PROXY_SERVER__LISTEN?",
            "variable SIGNING_PROXY_STS__USE_FIPS: sts.use_fips: must be true or false, not this string",
            "variable SIGNING_PROXY_UPSTREAM__USE_FIPS: upstream.use_fips: unknown key in [upstream]; it belongs in \
             [sts]",
        ],
    );
    reject_with(
        REPORTS,
        &[
            ("SIGNING_PROXY_LOG__LEVEL", "info"),
            ("SIGNING_PROXY_log__level", "warn"),
        ],
        &[
            "variable SIGNING_PROXY_log__level: log.level: sets the same as the variable SIGNING_PROXY_LOG__LEVEL: remove one of them",
        ],
    );
}

#[test]
fn paths_begin_at_the_file_that_names_them() {
    let toml = format!(
        "[upstream]\nca_file = \"ca.pem\"\n{}",
        REPORTS.replace("env:REPORTS_SECRET", "file:keys/secret#/key")
    );
    let variables = [("SIGNING_PROXY_SERVER__SPOOL_DIR", "src")];
    let (loaded, folder) = load_file(&toml, Overrides::default(), &variables);
    assert_eq!(loaded.config.upstream.ca_file, Some(folder.join("ca.pem")));
    assert_eq!(loaded.config.server.spool_dir, Some(PathBuf::from("src")));
    let reports = loaded.config.connections.values().next().unwrap();
    let AuthMethod::AccessKey {
        keys: KeyAssets::Parts(keys),
    } = &reports.connection.auth
    else {
        panic!("{:?}", reports.connection.auth);
    };
    assert_eq!(
        keys.secret_access_key.to_string(),
        format!("file:{}#/key", folder.join("keys/secret").display())
    );
}

#[test]
fn a_named_file_must_exist() {
    let overrides = Overrides {
        file: Some(PathBuf::from("/nowhere/x.toml")),
        ..Overrides::default()
    };
    let error = load(&overrides, &Environment::empty(), ChainFiles::none)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "flag --config: the file /nowhere/x.toml cannot be read: No such file or directory (os error 2)"
    );
    let environment: Environment = [("SIGNING_PROXY_CONFIG", "/nowhere/y.toml")].into_iter().collect();
    let error = load(&Overrides::default(), &environment, ChainFiles::none)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("variable SIGNING_PROXY_CONFIG: the file /nowhere/y.toml"),
        "{error}"
    );
}

fn by_flags(region: Option<&str>, endpoint: Option<&str>) -> Overrides {
    Overrides {
        connection: Some(FlagConnection {
            service: "s3".to_owned(),
            region: region.map(str::to_owned),
            endpoint: endpoint.map(str::to_owned),
        }),
        ..Overrides::default()
    }
}

#[test]
fn flags_alone_make_a_connection() {
    let environment: Environment = [("AWS_REGION", "eu-central-1")].into_iter().collect();
    let loaded = load(
        &by_flags(None, Some("http://127.0.0.1:9000")),
        &environment,
        ChainFiles::none,
    )
    .unwrap();
    let (name, default) = loaded.config.connections.iter().next().unwrap();
    assert_eq!(
        (name.as_str(), default.connection.auth.name()),
        ("default", "default-chain")
    );
    assert_eq!(default.connection.region.as_str(), "eu-central-1");
    assert_eq!(default.endpoint.as_ref().unwrap().to_string(), "http://127.0.0.1:9000");
    let error = load(&by_flags(Some("EU"), None), &Environment::empty(), ChainFiles::none).unwrap_err();
    assert_eq!(
        error.to_string(),
        "flag --region: connections.default.region: a region is 1 to 63 of a-z, 0-9 and '-', such as eu-west-1"
    );
}

#[test]
fn flags_and_a_file_do_not_mix() {
    let environment: Environment = [("SIGNING_PROXY_CONFIG", "x.toml")].into_iter().collect();
    let error = load(&by_flags(Some("eu-west-1"), None), &environment, ChainFiles::none).unwrap_err();
    assert_eq!(
        error.to_string(),
        "variable SIGNING_PROXY_CONFIG: a configuration file is named, and --service makes a connection without one: \
         use either"
    );
}

#[test]
fn the_proxy_of_the_environment_is_taken_unless_the_file_has_one() {
    let variables = [
        ("HTTPS_PROXY", "proxy:3128"),
        ("https_proxy", "http://me:pw@lower"),
        ("NO_PROXY", "a,b"),
    ];
    let proxy = read(REPORTS, &variables).unwrap().upstream.proxy;
    assert_eq!(proxy.https.unwrap().expose(), "http://me:pw@lower");
    assert_eq!(proxy.http.map(|url| url.expose().to_owned()), None);
    assert_eq!(proxy.no_proxy.as_deref(), Some("a,b"));
    let toml = format!("[upstream]\nhttps_proxy = \"\"\nno_proxy = \"c\"\n{REPORTS}");
    let proxy = read(&toml, &variables).unwrap().upstream.proxy;
    assert!(proxy.https.is_none(), "an empty text switches it off");
    assert_eq!(proxy.no_proxy.as_deref(), Some("c"));
}

#[test]
fn a_relative_program_begins_at_the_file_and_a_bare_one_in_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    for (written, begins) in [("./keys show", true), ("keys show", false), ("/bin/keys show", false)] {
        let toml = REPORTS.replace("env:REPORTS_SECRET", &format!("exec:{written}#/a"));
        std::fs::write(&file, toml).unwrap();
        let overrides = Overrides {
            file: Some(file.clone()),
            ..Overrides::default()
        };
        let loaded = load(
            &overrides,
            &Environment::empty().with_schemes(schemes::all()),
            ChainFiles::none,
        )
        .unwrap();
        let name: ConnectionName = "reports".parse().unwrap();
        let AuthMethod::AccessKey {
            keys: KeyAssets::Parts(keys),
        } = &loaded.config.connections[&name].connection.auth
        else {
            panic!("another method");
        };
        let shown = keys.secret_access_key.to_string();
        let program = shown.strip_prefix("exec:").unwrap();
        assert_eq!(program.starts_with(&*folder.path().to_string_lossy()), begins);
    }
}
