//! `exec:PROGRAM ARGUMENTS` and `exec:PROGRAM ARGUMENTS#/json/pointer`: what a program writes to its standard output.

pub(crate) mod command_line;
mod run;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_model::{AssetLocation, AssetOrigin, AssetScheme, AssetValue, InvalidLocation, Secret};
use zeroize::Zeroizing;

use crate::asset_cache::AssetCache;
use crate::environment::Environment;
use crate::error::{AssetError, SourceProblem};
use crate::reading::AssetReading;
use crate::scheme::{AssetReader, Pending, ReadableScheme, SecretReader};
use crate::value;
use command_line::CommandLine;

pub use run::{CommandProblem, CommandSettings, MAX_OUTPUT_BYTES};

/// The scheme.
#[derive(Debug)]
pub(crate) struct ExecScheme;

/// The program with its arguments, and the pointer into the JSON that it writes.
fn parse(location: &AssetLocation) -> Result<(CommandLine, Option<String>), InvalidLocation> {
    let (command, pointer) = CommandLine::parse(location.expose()).ok_or(InvalidLocation(
        "exec: needs a program and its arguments, such as exec:/usr/local/bin/keys show 'my key' or exec:keys#/secret; \
         quotes must be closed",
    ))?;
    // A bare name is looked for in PATH.
    if !command.program().contains('/') {
        return Ok((command, pointer));
    }
    let program = location.resolve(command.program()).to_string_lossy().into_owned();
    Ok((command.with_program(program), pointer))
}

impl AssetScheme for ExecScheme {
    fn name(&self) -> &'static str {
        "exec"
    }

    fn example(&self) -> &'static str {
        "exec:/usr/local/bin/keys"
    }

    fn value(&self) -> AssetValue {
        AssetValue::Secret
    }

    fn origin(&self, location: &AssetLocation) -> Result<AssetOrigin, InvalidLocation> {
        parse(location).map(|(command, _)| AssetOrigin::Program(PathBuf::from(command.program())))
    }

    /// The program alone: an argument may be a secret.
    fn shown(&self, location: &AssetLocation) -> String {
        parse(location).map_or_else(|_| "exec:".to_owned(), |(command, _)| format!("exec:{command}"))
    }
}

impl ReadableScheme for ExecScheme {
    fn reader(&self, environment: &Arc<dyn Environment>) -> AssetReader {
        reader(environment, CommandSettings::default())
    }
}

/// What runs programs by these settings.
pub(crate) fn reader(environment: &Arc<dyn Environment>, settings: CommandSettings) -> AssetReader {
    AssetReader::Secret(Arc::new(Programs {
        environment: Arc::clone(environment),
        timeout: settings.timeout,
        variables: settings.environment,
        outputs: AssetCache::new(settings.cache),
    }))
}

#[derive(Debug)]
struct Programs {
    environment: Arc<dyn Environment>,
    timeout: Duration,
    /// Variables that programs get besides those that all get.
    variables: Vec<String>,
    outputs: AssetCache<CommandLine, Zeroizing<String>, CommandProblem>,
}

impl Programs {
    async fn output(
        &self,
        location: &AssetLocation,
        command: &CommandLine,
    ) -> Result<Arc<Zeroizing<String>>, AssetError> {
        let variables = run::variables(&*self.environment, &self.variables);
        let run = run::run(command, self.timeout, variables);
        let output = self.outputs.get(command, run).await;
        output.map_err(|problem| AssetError::Source {
            asset: location.to_string(),
            problem: SourceProblem::new(problem),
        })
    }
}

impl SecretReader for Programs {
    fn read<'a>(&'a self, location: &'a AssetLocation, reading: &'a mut AssetReading) -> Pending<'a, Secret> {
        Box::pin(async move {
            let (command, pointer) = parse(location)?;
            let text = match reading.get::<CommandLine, Zeroizing<String>>(&command) {
                Some(text) => text,
                None => self.output(location, &command).await?,
            };
            reading.insert(command, Arc::clone(&text));
            value::select(location, &text, pointer.as_deref())
        })
    }

    fn forget(&self, location: &AssetLocation) {
        if let Ok((command, _)) = parse(location) {
            self.outputs.forget(&command);
        }
    }

    fn stale_for(&self, location: &AssetLocation) -> Option<Duration> {
        let (command, _) = parse(location).ok()?;
        self.outputs.stale_for(&command)
    }
}

#[cfg(test)]
mod tests {
    use auth_model::{AssetReference, AssetSchemes};

    use super::*;

    #[track_caller]
    fn check(text: &str, program: &str) {
        let schemes: AssetSchemes = [&ExecScheme as &dyn AssetScheme].into_iter().collect();
        let reference: AssetReference = text.parse().unwrap();
        let (reference, origin) = schemes.check(reference.relative_to("/etc/proxy".as_ref())).unwrap();
        assert_eq!(origin, AssetOrigin::Program(program.into()));
        assert_eq!(reference.to_string(), format!("exec:{program}"));
    }

    #[test]
    fn a_path_begins_at_the_folder_of_the_configuration_and_a_name_is_looked_for() {
        check("exec:keys show --pin 1234", "keys");
        check("exec:bin/keys show#/a", "/etc/proxy/bin/keys");
        check("exec:'/opt/my keys' show", "/opt/my keys");
    }
}
