//! Which web pages may use the proxy, and which fields of theirs may pass: `[server.browsers]` and `pass_fields`.

use std::str::FromStr;

/// `[server.browsers]`: the rule by which browsers are rejected, and its exceptions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BrowserConfig {
    /// What becomes of browsers' requests: `mode`.
    pub mode: BrowserMode,
    /// Pages that may use the proxy by `fetch` with CORS: `origins`.
    pub origins: Vec<WebOrigin>,
    /// What becomes of a program that looks like a browser: `user_agents`.
    pub user_agents: UserAgents,
}

/// What becomes of the requests of browsers that `origins` does not list: `mode`. The admin listener rejects them always.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum BrowserMode {
    /// `reject`: they are rejected.
    #[default]
    Reject,
    /// `pass`: they pass as those of programs, which is for where only a back end reaches the proxy.
    Pass,
}

/// What becomes of a request that only its `User-Agent` and the like make look like a browser's: `user_agents`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum UserAgents {
    /// `reject`: it is rejected where browsers send nothing better to know them by.
    #[default]
    Reject,
    /// `pass`: it passes, for programs on a browser's HTTP stack.
    Pass,
}

/// The origin of a web page, as browsers write it in `Origin`: scheme, host and port, never `null` and no wildcard.
///
/// Source: HTML, section "Origin", serialization: lower case, without the scheme's default port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebOrigin(String);

/// The text is no origin as a browser writes it.
#[derive(Debug, thiserror::Error)]
#[error(
    r#"must be origins as browsers write them, scheme, host and port other than the default one in lower case, such as ["https://app.example", "http://localhost:3000"]; there are no wildcards"#
)]
pub struct InvalidWebOrigin(());

impl WebOrigin {
    /// Longer than any host with scheme and port.
    const MAX_LENGTH: usize = 320;

    /// As it is written in `Origin`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebOrigin {
    type Err = InvalidWebOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidWebOrigin> {
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|c: char| c.is_ascii_lowercase())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
        };
        let is_host = |host: &str| {
            let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            let allowed = if inner.is_some() { &b".:"[..] } else { &b".-_"[..] };
            let inner = inner.unwrap_or(host);
            !inner.is_empty()
                && inner
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || allowed.contains(&b))
        };
        let is_port = |scheme: &str, port: &str| {
            let default = match scheme {
                "http" => "80",
                "https" => "443",
                _ => "",
            };
            port != default && !port.starts_with('0') && port.parse::<u16>().is_ok_and(|port| port > 0)
        };
        let is_valid = || {
            let (scheme, authority) = text.split_once("://")?;
            let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
            let (host, port) = match authority.get(end..)?.find(':') {
                Some(colon) => (authority.get(..end + colon)?, authority.get(end + colon + 1..)),
                None => (authority, None),
            };
            let is_good = is_scheme(scheme) && is_host(host) && port.is_none_or(|port| is_port(scheme, port));
            is_good.then_some(())
        };
        if text.len() <= Self::MAX_LENGTH && is_valid().is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidWebOrigin(()))
        }
    }
}

/// Fields between client and service that do not pass by themselves, but do where the connection names them:
/// `pass_fields`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PassFields {
    /// `cookie` of requests.
    pub cookie: bool,
    /// `referer` of requests.
    pub referer: bool,
    /// `set-cookie` of responses.
    pub set_cookie: bool,
}

impl PassFields {
    /// The names that may be given, in lower case.
    pub(super) const NAMES: [&'static str; 3] = ["cookie", "referer", "set-cookie"];

    /// Lets the field of this name pass, in any case; whether it is one of [`NAMES`](Self::NAMES).
    pub(super) fn add(&mut self, name: &str) -> bool {
        let field = match name.to_ascii_lowercase().as_str() {
            "cookie" => &mut self.cookie,
            "referer" => &mut self.referer,
            "set-cookie" => &mut self.set_cookie,
            _ => return false,
        };
        *field = true;
        true
    }

    /// Whether a field of this name, in lower case, passes.
    #[must_use]
    pub fn passes(self, name: &str) -> bool {
        match name {
            "cookie" => self.cookie,
            "referer" => self.referer,
            "set-cookie" => self.set_cookie,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_write_them() {
        for good in [
            "https://app.example",
            "http://localhost:3000",
            "http://127.0.0.1:5173",
            "http://[::1]:3000",
            "https://xn--bcher-kva.example",
            "chrome-extension://abcdefghijklmnop",
            "tauri://localhost",
            "http://intranet",
            "http://app.example:443",
        ] {
            assert_eq!(good.parse::<WebOrigin>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://*.example",
            "https://app.example/",
            "https://App.example",
            "HTTPS://app.example",
            "https://app.example:443",
            "http://app.example:80",
            "http://app.example:080",
            "http://app.example:",
            "http://app.example:0",
            "http://app.example:65536",
            "http://user@app.example",
            "http://bücher.example",
            "http://[::1",
            "http://a b",
            "://a",
        ] {
            assert!(bad.parse::<WebOrigin>().is_err(), "{bad}");
        }
        assert!(format!("https://{}", "a".repeat(400)).parse::<WebOrigin>().is_err());
    }

    #[test]
    fn fields_pass_by_name_in_any_case() {
        let mut fields = PassFields::default();
        assert!(fields.add("Cookie") && fields.add("set-cookie") && !fields.add("alt-svc"));
        assert!(fields.passes("cookie") && fields.passes("set-cookie"));
        assert!(!fields.passes("referer") && !fields.passes("alt-svc"));
        for name in PassFields::NAMES {
            assert!(PassFields::default().add(name), "{name}");
        }
    }
}
