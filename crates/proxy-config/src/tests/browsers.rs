//! Which web pages may use the proxy, and which fields pass.

use super::{REPORTS, reject};

#[test]
fn origins_are_as_browsers_write_them() {
    reject(
        &format!(
            "[server.browsers]\norigins = [\"https://app.example\", \"https://*.example\"]\nuser_agents = \"pas\"\norigin = 1\nmode = \"off\"\n{REPORTS}",
        ),
        &[
            "signing-proxy.toml:2:1: server.browsers.origins: must be origins as browsers write them, scheme, host and \
             port other than the default one in lower case, such as [\"https://app.example\", \"http://localhost:3000\"]; \
             there are no wildcards",
            "signing-proxy.toml:3:1: server.browsers.user_agents: must be \"reject\" or \"pass\"; did you mean \"pass\"?",
            "signing-proxy.toml:4:1: server.browsers.origin: unknown key in [server.browsers]; did you mean origins?",
            "signing-proxy.toml:5:1: server.browsers.mode: must be \"reject\" or \"pass\"",
        ],
    );
}

#[test]
fn fields_that_pass_are_of_a_list() {
    for (written, meant) in [
        ("set_cookie", r#"; did you mean "set-cookie"?"#),
        ("Referrer", r#"; did you mean "referer"?"#),
        ("alt-svc", ""),
    ] {
        let own = format!("pass_fields = [\"Cookie\", \"{written}\"]\n[connections.reports.auth]");
        let want = format!(
            "signing-proxy.toml:5:1: connections.reports.pass_fields: must be of \"cookie\", \"referer\" and \
             \"set-cookie\": no other field can pass{meant}"
        );
        reject(&REPORTS.replace("[connections.reports.auth]", &own), &[&want]);
    }
}
