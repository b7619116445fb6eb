//! How documents leave: on standard output or into files, as JSON, Terraform or CloudFormation; notes to standard error.

use std::fmt::Display;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use policy_gen::deploy::{DeploymentName, cloudformation, terraform};
use policy_gen::{Policy, PolicyKind};

use crate::cli::output::{Failure, print};

/// The form of documents, and where they go.
#[derive(Args, Debug)]
pub(super) struct OutputArgs {
    /// The form: IAM's own JSON, or what a deployment tool reads.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// What Terraform and CloudFormation call it.
    #[arg(long, value_name = "NAME", default_value = "signing-proxy")]
    name: DeploymentName,
    /// Write to this file instead of standard output; several documents go to files with -1, -2, … before the extension.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    Json,
    Terraform,
    Cloudformation,
}

impl OutputArgs {
    /// Cuts the policy up where IAM would not take it whole, and writes what comes of it.
    pub(super) fn write(&self, policy: &Policy, kind: PolicyKind) -> Result<(), Failure> {
        let documents = policy.split(kind).map_err(|error| Failure::Input(error.to_string()))?;
        if documents.len() > 1 {
            let limit = kind.limit().unwrap_or_default();
            note(format_args!(
                "{} characters in all where IAM takes {limit} a policy: {} documents, to be attached together (a \
                 principal has 10 at most by default); generalising makes fewer",
                policy.size(),
                documents.len()
            ));
        }
        let not_deployed = |error: policy_gen::deploy::NotDeployed| Failure::Input(error.to_string());
        let texts = match self.format {
            Format::Json => documents.iter().map(Policy::to_pretty_json).collect(),
            Format::Terraform => vec![terraform(&documents, kind, &self.name).map_err(not_deployed)?],
            Format::Cloudformation => vec![cloudformation(&documents, kind, &self.name).map_err(not_deployed)?],
        };
        match &self.output {
            None => print(texts.concat().as_bytes()),
            Some(path) => texts.iter().enumerate().try_for_each(|(index, text)| {
                let path = if texts.len() == 1 {
                    path.clone()
                } else {
                    numbered(path, index + 1)
                };
                fs::write(&path, text).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
                note(format_args!("written to {}", path.display()));
                Ok(())
            }),
        }
    }
}

/// `policy.json` becomes `policy-2.json`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path
        .extension()
        .map(|extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem}-{number}{}", extension.unwrap_or_default()))
}

/// Reports to the person at the terminal, and keeps out of the document.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "note: {text}");
}

/// Reads a file of at most this many bytes.
pub(super) fn read(path: &Path, limit: u64) -> Result<String, Failure> {
    let failure = |problem: &dyn Display| Failure::Input(format!("{}: {problem}", path.display()));
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| failure(&error))?;
    // One byte more than is allowed shows that there is more.
    let read = file
        .take(limit + 1)
        .read_to_string(&mut text)
        .map_err(|error| failure(&error))?;
    if u64::try_from(read).is_ok_and(|read| read > limit) {
        return Err(failure(&format_args!("it has more than {limit} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_documents_have_numbers_in_their_names() {
        assert_eq!(numbered(Path::new("a/policy.json"), 2), Path::new("a/policy-2.json"));
        assert_eq!(numbered(Path::new("policy"), 1), Path::new("policy-1"));
    }
}
