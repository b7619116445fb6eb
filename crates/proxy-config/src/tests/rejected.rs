//! One row for each input that is rejected, with its whole text.

use super::{CHAIN, REPORTS, connection, read, reject, reject_with};
use crate::keys;

/// The complete connection with lines before it.
fn with(lines: &str) -> String {
    format!("{lines}\n{REPORTS}")
}

#[test]
fn nothing_to_sign_for() {
    reject(
        "",
        &[
            "configuration: connections: missing: there is nothing to sign for; add [connections.NAME] with service, \
            region and auth, or use the flags --service and --region",
        ],
    );
}

#[test]
fn text_that_is_no_toml() {
    reject(
        "[server]\nlisten = SECRET",
        &["signing-proxy.toml:2:10: not TOML: invalid string, expected `\"`, `'`"],
    );
    reject(
        "a = 1\na = 2",
        &["signing-proxy.toml:2:1: not TOML: duplicate key `a` in document root"],
    );
}

#[test]
fn unknown_keys_all_at_once() {
    reject(
        &with("colour = 1\n[server]\nlissten = 2\nregion = 3\nzzzzzzzzzzzz = 4"),
        &[
            "signing-proxy.toml:1:1: colour: unknown key at the top level; known are server, process, log, sts, assets, \
             upstream, retry, defaults, identities, connections",
            "signing-proxy.toml:3:1: server.lissten: unknown key in [server]; did you mean listen?",
            "signing-proxy.toml:4:1: server.region: unknown key in [server]; it belongs in [connections.NAME]",
            "signing-proxy.toml:5:1: server.zzzzzzzzzzzz: unknown key in [server]; known are listen, admin, \
             allow_unauthenticated_clients, gateway_hosts, header_timeout, idle_timeout, write_timeout, \
             shutdown_delay, shutdown_deadline, max_header_bytes, http2_max_header_bytes, threads, max_clients, \
             reserve_percent, body_memory, request_memory, spool_dir, spool_max, list_connections, watch, browsers",
        ],
    );
}

#[test]
fn values_of_a_wrong_type() {
    reject(
        &with(
            "[server]\nlisten = 8080\nallow_unauthenticated_clients = \"true\"\nheader_timeout = 30\nadmin = 1979-05-27\nmax_clients = 0\ngateway_hosts = \"a\"",
        ),
        &[
            "signing-proxy.toml:2:1: server.listen: must be an IP address and a port, such as \"127.0.0.1:8080\", or \
             \"off\", not this number",
            "signing-proxy.toml:3:1: server.allow_unauthenticated_clients: must be true or false, not this string",
            "signing-proxy.toml:4:1: server.header_timeout: must be a duration from \"1s\" to \"10m\", not this number",
            "signing-proxy.toml:5:1: server.admin: must be an IP address and a port, such as \"127.0.0.1:8080\", or \
             \"off\", not a date",
            "signing-proxy.toml:6:1: server.max_clients: must be an integer from 1 to 1000000, not this number",
            "signing-proxy.toml:7:1: server.gateway_hosts: must be a list of host names, each a string, not this string",
        ],
    );
    reject(
        "server = 5\nconnections = []",
        &[
            "signing-proxy.toml:1:1: server: must be a table, [server], not this number",
            "signing-proxy.toml:2:1: connections: must be a table, [connections], not this list",
        ],
    );
    reject(
        "[connections]\na = 5",
        &["signing-proxy.toml:2:1: connections.a: must be a table, [connections.a], not this number"],
    );
}

#[test]
fn values_out_of_bounds() {
    reject(
        &with(
            "[server]\nheader_timeout = \"0s\"\nidle_timeout = \"2\"\nmax_header_bytes = \"1KiB\"\nlisten = \"localhost:80\"\n[log]\nlevel = \"inof\"\nformat = \"xml\"\n[upstream]\nca_file = \"\"\n[defaults.limits]\nmax_body = \"1PB\"",
        ),
        &[
            "signing-proxy.toml:2:1: server.header_timeout: must be a duration from \"1s\" to \"10m\"",
            "signing-proxy.toml:3:1: server.idle_timeout: must be a duration from \"1s\" to \"24h\"; a unit is missing",
            "signing-proxy.toml:4:1: server.max_header_bytes: must be a size from \"8KiB\" to \"1MiB\"",
            "signing-proxy.toml:5:1: server.listen: must be an IP address and a port, such as \"127.0.0.1:8080\", or \"off\"",
            "signing-proxy.toml:7:1: log.level: must be \"error\", \"warn\", \"info\", \"debug\" or \"trace\"; did you mean \"info\"?",
            "signing-proxy.toml:8:1: log.format: must be \"auto\", \"text\" or \"json\"",
            "signing-proxy.toml:10:1: upstream.ca_file: must be the path of a PEM file, a string",
            "signing-proxy.toml:12:1: defaults.limits.max_body: must be a size from \"0B\" to \"50TiB\"",
        ],
    );
}

#[test]
fn a_connection_without_its_keys() {
    reject(
        "[connections.a]",
        &[
            "signing-proxy.toml:1:14: connections.a.service: missing: it names what requests are signed for; must be an \
         endpoint prefix, a string",
            "signing-proxy.toml:1:14: connections.a.region: missing: it names the region that requests are signed for; must be a \
         region, a string",
            "signing-proxy.toml:1:14: connections.a.auth: missing: it selects where the credentials come from; add auth.method",
        ],
    );
}

#[test]
fn names_and_places_of_a_wrong_shape() {
    reject(
        "[connections.\"a b\"]\nservice = \"S3\"\nregion = \"EU\"\nsigning_name = \"\"\n\
         [connections.\"a b\".auth]\nmethod = \"default-chain\"",
        &[
            "signing-proxy.toml:1:14: connections.\"a b\": a connection's name is 1 to 63 of A-Z, a-z, 0-9, '-' and \
             '_', beginning with a letter or digit",
            "signing-proxy.toml:2:1: connections.\"a b\".service: a service is an endpoint prefix of a-z, 0-9, '-' \
             and '.', such as s3 or bedrock-runtime",
            "signing-proxy.toml:3:1: connections.\"a b\".region: a region is 1 to 63 of a-z, 0-9 and '-', such as \
             eu-west-1",
            "signing-proxy.toml:4:1: connections.\"a b\".signing_name: a signing name is 1 to 63 of a-z, A-Z, 0-9, \
             '-' and '_', such as s3 or bedrock",
        ],
    );
}

#[test]
fn a_region_that_is_not_awss_needs_an_endpoint() {
    reject(
        &connection(&format!("service = \"s3\"\nregion = \"garage\"\n{CHAIN}")),
        &[
            "signing-proxy.toml:3:1: connections.a.region: is none of AWS's regions, such as eu-west-1; for a server \
         that is not AWS's, set the connection's endpoint",
        ],
    );
    let endpoint = "service = \"s3\"\nregion = \"garage\"\nendpoint = \"http://127.0.0.1:3900\"\n";
    read(&connection(&format!("{endpoint}{CHAIN}")), &[]).unwrap();
}

#[test]
fn endpoints_are_scheme_host_and_port() {
    let row = |url: &str, want: &str| {
        let body = format!("service = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"{url}\"\n{CHAIN}");
        reject(
            &connection(&body),
            &[&format!("signing-proxy.toml:4:1: connections.a.endpoint: {want}")],
        );
    };
    row(
        "127.0.0.1:8333",
        "must begin with http:// or https://, such as https://127.0.0.1:8333",
    );
    row(
        "https://me:SECRET@host",
        "must not hold a user name or password: requests are signed with the connection's credentials",
    );
    row(
        "https://host/path",
        "must end after host and port: a path, query or fragment would change what is signed",
    );
    row(
        "https://",
        "must name a host: a DNS name in ASCII, an IPv4 address, or an IPv6 address in brackets",
    );
    row(
        "https://host:0",
        "must have a port of 1 to 65535 after the last colon, or none",
    );
    row(
        "http://localhost:8080",
        "is this proxy's own listener server.listen: requests would loop for ever",
    );
    row(
        "http://[::ffff:127.0.0.1]:8080",
        "is this proxy's own listener server.listen: requests would loop for ever",
    );
    row(
        "http://127.0.0.1:9901",
        "is this proxy's own listener server.admin: requests would loop for ever",
    );
}

#[test]
fn what_has_no_effect_beside_an_endpoint() {
    let body = "service = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"https://host\"\nuse_fips = true\nuse_dualstack = true\n";
    reject(
        &format!(
            "{}[sts]\nendpoint = \"https://sts\"\nuse_fips = true",
            connection(&format!("{body}{CHAIN}"))
        ),
        &[
            "signing-proxy.toml:5:1: connections.a.use_fips: has no effect beside an endpoint: remove one of them",
            "signing-proxy.toml:6:1: connections.a.use_dualstack: has no effect beside an endpoint: remove one of them",
            "signing-proxy.toml:11:1: sts.use_fips: has no effect beside sts.endpoint: remove one of them",
        ],
    );
}

#[test]
fn payloads_and_buckets_that_the_service_does_not_take() {
    let row = |service: &str, lines: &str, want: &str| {
        let body = format!("service = \"{service}\"\nregion = \"eu-west-1\"\n{lines}\n{CHAIN}");
        reject(
            &connection(&body),
            &[&format!("signing-proxy.toml:4:1: connections.a.{want}")],
        );
    };
    row(
        "ec2",
        "payload = \"unsigned\"",
        "payload: the service takes no unsigned payload: use \"auto\" or \"signed\"",
    );
    row(
        "ec2",
        "payload = \"streaming\"",
        "payload: only S3 takes bodies in chunks: use \"auto\" or \"signed\"",
    );
    row(
        "s3",
        "payload = \"unsigned\"\nendpoint = \"http://localhost\"",
        "payload: an unsigned payload needs TLS: use \"signed\", or an https endpoint",
    );
    row(
        "vpc-lattice-svcs",
        "payload = \"signed\"",
        "payload: the service takes no signed payload: use \"auto\" or \"unsigned\"",
    );
    row(
        "vpc-lattice-svcs",
        "payload = \"unsigned-trailer\"\nendpoint = \"http://localhost\"",
        "payload: only S3 takes bodies in chunks: use \"auto\" or \"unsigned\"",
    );
    row(
        "s3",
        "payload = \"singed\"",
        "payload: must be \"auto\", \"signed\", \"unsigned\", \"streaming\", \"streaming-trailer\" or \"unsigned-trailer\"; did you mean \"signed\"?",
    );
    row(
        "ecr",
        "vend_credentials = [\"ecr:GetAuthorisationToken\"]",
        "vend_credentials: ecr:GetAuthorisationToken is no action that hands out credentials; did you mean \
         ecr:GetAuthorizationToken?",
    );
    row(
        "ecr",
        "vend_credentials = [\"*\", \"ec2:*\"]",
        "vend_credentials: ec2:* is no action that hands out credentials; docs/policies.md lists them",
    );
    row(
        "ec2",
        "multipart = true",
        "multipart: only S3 has multipart uploads: remove it",
    );
    row(
        "ec2",
        "bucket_addressing = \"virtual\"",
        "bucket_addressing: only S3 has buckets: remove it",
    );
    row(
        "s3",
        "bucket_addressing = \"virtual\"\nendpoint = \"https://127.0.0.1:1\"",
        "bucket_addressing: a bucket cannot be put before an IP address: use \"path\", or a host name in endpoint",
    );
}

#[test]
fn limits_must_fit_together() {
    let body = format!("service = \"s3\"\nregion = \"eu-west-1\"\n{CHAIN}[connections.a.limits]\n");
    reject(
        &connection(&format!("{body}memory_body = \"1MiB\"\nmax_body = \"1KiB\"")),
        &["signing-proxy.toml:7:1: connections.a.limits.memory_body: must not be above max_body"],
    );
    reject(
        &connection(&format!("{body}max_body = \"1KiB\"")),
        &["signing-proxy.toml:7:1: connections.a.limits.max_body: must not be below memory_body"],
    );
}

#[test]
fn listeners_are_distinct_and_local() {
    reject(
        &with("[server]\nlisten = \"0.0.0.0:8080\"\nadmin = \"[::]:9901\""),
        &[
            "signing-proxy.toml:2:1: server.listen: can be reached from other machines, and whoever reaches it acts with \
         the credentials of the connections: use 127.0.0.1, or set server.allow_unauthenticated_clients = true where \
         the network lets only trusted clients in",
        ],
    );
    reject(
        &with("[server]\nlisten = \"127.0.0.1:9901\""),
        &[
            "signing-proxy.toml:2:1: server.listen: is the same address as server.admin: every listener needs its own \
         port, or \"off\"",
        ],
    );
    reject(
        &connection(&format!(
            "service = \"s3\"\nregion = \"eu-west-1\"\nlisten = \"127.0.0.1:8080\"\n{CHAIN}"
        )),
        &[
            "signing-proxy.toml:4:1: connections.a.listen: is the same address as server.listen: every listener needs \
             its own port, or \"off\"",
        ],
    );
    read(
        &with("[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\""),
        &[],
    )
    .unwrap();
    read(&with("[server]\nadmin = \"0.0.0.0:9901\""), &[]).unwrap();
    read(
        &with("[server]\nlisten = \"0.0.0.0:8080\"\nallow_unauthenticated_clients = true"),
        &[],
    )
    .unwrap();
    reject(
        &with("[server]\nlisten = \"off\""),
        &[
            "signing-proxy.toml:4:14: connections.reports.listen: missing: server.listen is off, so nothing reaches this \
         connection",
        ],
    );
}

#[test]
fn files_and_folders_must_be_there() {
    reject(
        &with("[server]\nspool_dir = \"/nowhere\"\n[upstream]\nca_file = \"/nowhere\""),
        &[
            "signing-proxy.toml:2:1: server.spool_dir: must be a folder that exists",
            "signing-proxy.toml:4:1: upstream.ca_file: cannot be read: No such file or directory (os error 2)",
        ],
    );
}

#[test]
fn gateway_hosts_are_names() {
    reject(
        &with("[server]\ngateway_hosts = [\"ok.internal\", \"http://x\"]"),
        &[
            "signing-proxy.toml:2:1: server.gateway_hosts: must be host names without scheme and port, such as \
         [\"signer.internal\"]",
        ],
    );
}

#[test]
fn proxies_on_the_way_are_urls_and_not_ourselves() {
    let want = "must be http://[USER:PASSWORD@]HOST[:PORT]: proxies are reached by plain HTTP and CONNECT";
    reject_with(
        REPORTS,
        &[("HTTPS_PROXY", "socks5://me:SECRET@x:1")],
        &[&format!("variable HTTPS_PROXY: upstream.https_proxy: {want}")],
    );
    reject(
        &with("[upstream]\nhttp_proxy = \"http://x/y\""),
        &[&format!("signing-proxy.toml:2:1: upstream.http_proxy: {want}")],
    );
    reject_with(
        REPORTS,
        &[("http_proxy", "http://127.0.0.1:8080")],
        &[
            "variable http_proxy: upstream.http_proxy: is this proxy's own listener server.listen: requests would loop for ever; unset the variable for this process, or set upstream.http_proxy = \"\"",
        ],
    );
}

#[test]
fn no_value_is_ever_shown() {
    // Every key there is, with a value that fits none, and unknown keys besides.
    let lines = keys::all().iter().map(|key| {
        let path = key.path.replace('*', "a");
        format!("{path} = \"SENTINEL \\n:/@\"\n{path}x = \"SENTINEL\"\n")
    });
    let toml: String = lines.collect();
    let error = read(
        &toml,
        &[
            ("SIGNING_PROXY_SERVER__X", "SENTINEL"),
            ("https_proxy", "ftp://SENTINEL"),
        ],
    );
    let error = error.unwrap_err();
    assert!(error.problems().len() > 80, "{error}");
    assert!(!format!("{error} {error:?}").contains("SENTINEL"), "{error}");
}

#[test]
fn the_delay_before_the_listeners_close_is_a_part_of_the_deadline() {
    read(&with("[server]\nshutdown_delay = \"25s\""), &[]).unwrap();
    reject(
        &with("[server]\nshutdown_delay = \"26s\""),
        &[
            "signing-proxy.toml:2:1: server.shutdown_delay: must not be longer than server.shutdown_deadline, which it is a \
             part of: both begin at the signal to stop",
        ],
    );
}
