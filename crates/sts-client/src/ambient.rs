//! What the default chain reads of this machine: for whoever limits which files can be read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aws_config::profile::{ProfileSet, load};
use aws_types::os_shim_internal::{Env, Fs};
use futures_util::FutureExt as _;

/// What AWS's profile files are found by.
const VARIABLES: [&str; 4] = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE", "HOME"];

/// Variables that name a file with a token.
const TOKEN_FILES: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];

/// More roles in a row than anybody has; profiles may name each other in a ring.
const MOST_PROFILES: usize = 16;

/// What the default chain reads and runs, by what the variables and AWS's profile files say now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AmbientFiles {
    /// Files that it reads; not all of them need to be there.
    pub files: Vec<PathBuf>,
    /// Folders in which it keeps what it has refreshed: the sessions of `aws login`.
    pub folders: Vec<PathBuf>,
    /// The profile whose `credential_process` it runs.
    pub runs_program_of: Option<String>,
}

/// Looks for them: of this profile, or of the whole chain. Profile files that cannot be read or parsed have nothing in them.
#[must_use]
pub fn ambient_files(profile: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> AmbientFiles {
    let mut found = AmbientFiles::default();
    let path = |name: &str| variable(name).map(PathBuf::from);
    let home = path("HOME");
    let in_home = |name: &str| home.as_ref().map(|home| home.join(".aws").join(name));
    found
        .files
        .extend(path("AWS_CONFIG_FILE").or_else(|| in_home("config")));
    found
        .files
        .extend(path("AWS_SHARED_CREDENTIALS_FILE").or_else(|| in_home("credentials")));
    // Below it are the tokens of SSO, wherever the profile files are.
    found.files.extend(in_home("config"));
    if profile.is_none() {
        found.files.extend(TOKEN_FILES.into_iter().filter_map(path));
    }
    let variables: HashMap<_, _> = VARIABLES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), variable(name)?)))
        .collect();
    let is_set = |name| variable(name).is_some();
    // The chain looks there first.
    let has_keys = profile.is_none() && is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY");
    if let Some(profiles) = profiles(profile, variables).filter(|_| !has_keys) {
        let login_cache = path("AWS_LOGIN_CACHE_DIRECTORY").or_else(|| in_home("login/cache"));
        found.follow(&profiles, login_cache.as_deref());
    }
    found
}

impl AmbientFiles {
    /// Takes what the selected profile names, and the profiles that it builds upon.
    fn follow(&mut self, profiles: &ProfileSet, login_cache: Option<&Path>) {
        let mut name = profiles.selected_profile();
        for _ in 0..MOST_PROFILES {
            let Some(profile) = profiles.get_profile(name) else {
                return;
            };
            if profile.get("credential_process").is_some() {
                self.runs_program_of.get_or_insert_with(|| name.to_owned());
            }
            let is_login = profile.get("login_session").is_some();
            self.folders
                .extend(login_cache.filter(|_| is_login).map(Path::to_owned));
            self.files.extend(
                profile
                    .get("web_identity_token_file")
                    .map(Path::new)
                    .map(Path::to_owned),
            );
            match profile.get("source_profile") {
                Some(source) if source != name => name = source,
                _ => return,
            }
        }
    }
}

#[expect(
    clippy::default_trait_access,
    reason = "the SDK has deprecated the only name of the type that it shows"
)]
fn profiles(profile: Option<&str>, variables: HashMap<String, String>) -> Option<ProfileSet> {
    let profile = profile.map(|profile| Cow::Owned(profile.to_owned()));
    let (fs, variables) = (Fs::real(), Env::from(variables));
    // The SDK reads files without waiting, whatever the type says.
    load(&fs, &variables, &Default::default(), profile).now_or_never()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[default]\nregion = a\n\
        [profile runs]\ncredential_process = /bin/keys\n\
        [profile built]\nrole_arn = arn\nsource_profile = runs\n\
        [profile ring]\nrole_arn = arn\nsource_profile = gnir\n[profile gnir]\nrole_arn = arn\nsource_profile = ring\n\
        [profile login]\nlogin_session = arn\n[profile on-login]\nrole_arn = arn\nsource_profile = login\n\
        [profile web]\nrole_arn = arn\nweb_identity_token_file = /run/token\n";

    /// What is found with a home of this content, for a profile and with further variables.
    fn found(profile: Option<&str>, more: &[(&str, &str)]) -> (AmbientFiles, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        std::fs::write(home.path().join(".aws/config"), CONFIG).unwrap();
        let variable = |name: &str| match more.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some((*value).to_owned()),
            None if name == "HOME" => Some(home.path().to_str().unwrap().to_owned()),
            None => None,
        };
        (ambient_files(profile, variable), home.path().join(".aws"))
    }

    #[test]
    fn a_program_is_found_by_way_of_the_profiles_that_lead_to_it() {
        let runs = |profile, more: &[(&str, &str)]| found(profile, more).0.runs_program_of;
        assert_eq!(runs(None, &[]), None);
        for profile in [Some("runs"), Some("built")] {
            assert_eq!(runs(profile, &[]).as_deref(), Some("runs"));
        }
        let selected = ("AWS_PROFILE", "built");
        assert_eq!(runs(None, &[selected]).as_deref(), Some("runs"));
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), selected];
        assert_eq!(runs(None, &keys), None);
        assert_eq!(runs(Some("built"), &keys).as_deref(), Some("runs"));
        for profile in [Some("ring"), Some("unknown"), Some("web")] {
            assert_eq!(runs(profile, &[]), None);
        }
    }

    #[test]
    fn sessions_of_aws_login_are_kept_in_a_folder() {
        for profile in ["login", "on-login"] {
            let (found_at_home, home) = found(Some(profile), &[]);
            assert_eq!(found_at_home.folders, [home.join("login/cache")]);
            let elsewhere = [("AWS_LOGIN_CACHE_DIRECTORY", "/run/login")];
            assert_eq!(
                found(Some(profile), &elsewhere).0.folders,
                [PathBuf::from("/run/login")]
            );
        }
        assert!(found(Some("web"), &[]).0.folders.is_empty());
    }

    #[test]
    fn files_are_those_of_variables_and_of_the_profile() {
        let (files, home) = found(Some("web"), &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/other")]);
        let wanted = [
            home.join("config"),
            home.join("credentials"),
            home.join("config"),
            "/run/token".into(),
        ];
        assert_eq!(files.files, wanted);
        let more = [
            ("AWS_CONFIG_FILE", "/a/config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/b/credentials"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/c/token"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/d/token"),
        ];
        let (files, home) = found(None, &more);
        let wanted = [
            "/a/config".into(),
            "/b/credentials".into(),
            home.join("config"),
            "/c/token".into(),
            "/d/token".into(),
        ];
        assert_eq!(files.files, wanted);
    }
}
