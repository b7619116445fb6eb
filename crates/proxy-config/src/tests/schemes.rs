//! Schemes with the names of the program's own, of which the configuration knows none.

use auth_model::{
    AssetLocation, AssetOrigin, AssetScheme, AssetSchemes, AssetSettings, AssetValue, InvalidLocation, Region,
};

/// Where the references of a scheme lead.
#[derive(Debug)]
enum LeadsTo {
    Variable,
    File,
    Program,
    Vault,
    VaultKey,
    AwsStore,
}

#[derive(Debug)]
struct Scheme(&'static str, LeadsTo);

static ALL: [Scheme; 7] = [
    Scheme("env", LeadsTo::Variable),
    Scheme("file", LeadsTo::File),
    Scheme("exec", LeadsTo::Program),
    Scheme("vault", LeadsTo::Vault),
    Scheme("vault-aws", LeadsTo::VaultKey),
    Scheme("secretsmanager", LeadsTo::AwsStore),
    Scheme("ssm", LeadsTo::AwsStore),
];

/// All of them.
pub(crate) fn all() -> AssetSchemes {
    ALL.iter().map(|scheme| scheme as &'static dyn AssetScheme).collect()
}

impl Scheme {
    /// The path of a file or program; a bare name of a program is none.
    fn path(&self, location: &AssetLocation) -> Option<String> {
        let text = location.expose();
        let path = text.split(['#', ' ']).next().unwrap();
        let is_path = match self.1 {
            LeadsTo::File => true,
            LeadsTo::Program => path.contains('/'),
            LeadsTo::Variable | LeadsTo::Vault | LeadsTo::VaultKey | LeadsTo::AwsStore => false,
        };
        is_path.then(|| location.resolve(path).display().to_string())
    }
}

impl AssetScheme for Scheme {
    fn name(&self) -> &'static str {
        self.0
    }

    fn example(&self) -> &'static str {
        match self.1 {
            LeadsTo::VaultKey => "vault-aws:aws/creds/deploy",
            LeadsTo::Variable | LeadsTo::File | LeadsTo::Program | LeadsTo::Vault | LeadsTo::AwsStore => "",
        }
    }

    fn value(&self) -> AssetValue {
        match self.1 {
            LeadsTo::VaultKey => AssetValue::LeasedKey,
            LeadsTo::Variable | LeadsTo::File | LeadsTo::Program | LeadsTo::Vault | LeadsTo::AwsStore => {
                AssetValue::Secret
            }
        }
    }

    fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
        if location.expose().is_empty() {
            return Err(InvalidLocation("needs a location"));
        }
        let vault = AssetSettings {
            table: "vault",
            one_of: &["address"],
        };
        Ok(match self.1 {
            LeadsTo::Variable => AssetOrigin::Process,
            LeadsTo::File => AssetOrigin::File(self.path(location).unwrap().into()),
            LeadsTo::Program => AssetOrigin::Program(self.path(location).unwrap_or_default().into()),
            LeadsTo::Vault | LeadsTo::VaultKey => AssetOrigin::Server(vault),
            LeadsTo::AwsStore => AssetOrigin::AwsStore {
                settings: AssetSettings {
                    table: self.0,
                    one_of: &["region", "connection"],
                },
                region: location
                    .expose()
                    .split(':')
                    .nth(3)
                    .map(|region| Region::parse(region).unwrap()),
            },
        })
    }

    fn shown(&self, location: &AssetLocation) -> String {
        let text = location.expose();
        let shown = match (self.path(location), &self.1, text.split_once('#')) {
            (Some(path), LeadsTo::File, Some((_, pointer))) => format!("{path}#{pointer}"),
            (Some(path), _, _) => path,
            (None, LeadsTo::Program, _) => text.split(['#', ' ']).next().unwrap().to_owned(),
            (None, _, _) => text.to_owned(),
        };
        format!("{}:{shown}", self.0)
    }
}
