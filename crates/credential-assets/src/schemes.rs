//! The table that the schemes of this crate are registered in.
//!
//! A new scheme is one module with a type that implements [`AssetScheme`](auth_model::AssetScheme) and [`ReadableScheme`], and
//! one line in [`SCHEMES`]; configuration, checks, places of Landlock, metrics labels and error texts go over the table.
//! A scheme that needs what this crate does not have, such as AWS credentials, is registered from the crate that has it,
//! with [`Assets::with_schemes`](crate::Assets::with_schemes).

use crate::env::EnvScheme;
use crate::exec::ExecScheme;
use crate::file::FileScheme;
use crate::scheme::ReadableScheme;
use crate::vault::{VaultAwsScheme, VaultScheme};

/// The schemes that this crate reads.
pub static SCHEMES: [&dyn ReadableScheme; 5] = [&EnvScheme, &FileScheme, &ExecScheme, &VaultScheme, &VaultAwsScheme];

#[cfg(test)]
mod tests {
    use auth_model::AssetLocation;

    use super::*;

    #[test]
    fn every_scheme_reads_its_own_example() {
        for scheme in SCHEMES {
            let (name, location) = scheme.example().split_once(':').unwrap();
            assert_eq!(name, scheme.name());
            let location = AssetLocation::new(name, location);
            assert!(scheme.origin(&location).is_ok(), "{name}");
            assert_eq!(scheme.shown(&location), scheme.example());
        }
    }
}
