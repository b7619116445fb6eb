//! `[server.browsers]`, and the connections' `pass_fields`.

use crate::keys::RawBrowsers;
use crate::suggest::nearest;
use crate::table::Table;
use crate::{BrowserConfig, PassFields};

/// `[server.browsers]`.
pub(super) fn browsers(table: &Table<'_>, raw: &RawBrowsers) -> BrowserConfig {
    let origins = raw.origins.iter().map(|origin| origin.parse());
    BrowserConfig {
        mode: table.choice("mode", &raw.mode),
        origins: origins.collect::<Result<_, _>>().unwrap_or_else(|error| {
            table.reject("origins", crate::InvalidWebOrigin::to_string(&error));
            Vec::new()
        }),
        user_agents: table.choice("user_agents", &raw.user_agents),
    }
}

/// `pass_fields` of a connection.
pub(super) fn pass_fields(table: &Table<'_>, names: &[String]) -> PassFields {
    let mut fields = PassFields::default();
    for name in names {
        if !fields.add(name) {
            let meant = nearest(name, PassFields::NAMES)
                .map(|meant| format!(r#"; did you mean "{meant}"?"#))
                .unwrap_or_default();
            let message = format!(r#"must be of "cookie", "referer" and "set-cookie": no other field can pass{meant}"#);
            table.reject("pass_fields", message);
            break;
        }
    }
    fields
}
