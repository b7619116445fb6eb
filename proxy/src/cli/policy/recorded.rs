//! `policy from-record`, `policy diff` and `policy session`: what comes of records.

use std::path::{Path, PathBuf};

use auth_model::AuthMethod;
use clap::{Args, ValueEnum};
use policy_gen::least_privilege::{Options, least_privilege};
use policy_gen::record::{Needed, Recorded};
use policy_gen::{Generalisation, Policy, PolicyKind, RecordSet, Report, diff, template};
use proxy_config::Environment;

use super::documents::{OutputArgs, note, read};
use super::role::ConnectionArgs;
use crate::cli::output::{Failure, print};

/// The longest record file: several times what a full one has.
const MAX_RECORD: u64 = 256 * 1024 * 1024;
/// The longest policy file.
const MAX_POLICY: u64 = 1024 * 1024;

/// How a record becomes a policy.
#[derive(Args, Debug)]
pub(super) struct LeastArgs {
    /// Widen what was read of S3 objects: none, bucket, prefix:DEPTH (folders) or above:N (objects of a folder).
    #[arg(long, value_name = "HOW", default_value = "none")]
    generalise: Generalisation,
    /// Widen what was written to and deleted of S3 objects, each action on its own, in the same ways.
    #[arg(long, value_name = "HOW", default_value = "none")]
    generalise_writes: Generalisation,
    /// Leave out what never succeeded.
    #[arg(long)]
    omit_failed: bool,
    /// Exit with 3 where something never succeeded, cannot be granted, or had no room in the record.
    #[arg(long)]
    strict: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct FromRecordArgs {
    /// The records, of any number of replicas.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What the policy is for, which bounds its size.
    #[arg(long = "for", value_enum, value_name = "KIND", default_value_t = Purpose::Managed)]
    purpose: Purpose,
    #[command(flatten)]
    least: LeastArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Purpose {
    /// A managed policy: 6,144 characters.
    Managed,
    /// Inline with a user: 2,048 characters.
    InlineUser,
    /// Inline with a role: 10,240 characters.
    InlineRole,
    /// Inline with a group: 5,120 characters.
    InlineGroup,
    /// The proxy's own check: of any size.
    Allow,
}

impl From<Purpose> for PolicyKind {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Managed => Self::Managed,
            Purpose::InlineUser => Self::InlineUser,
            Purpose::InlineRole => Self::InlineRole,
            Purpose::InlineGroup => Self::InlineGroup,
            Purpose::Allow => Self::Allow,
        }
    }
}

pub(super) fn from_record(args: &FromRecordArgs) -> Result<(), Failure> {
    let (policy, report) = args.least.policy(&args.files)?;
    args.output.write(&policy, args.purpose.into())?;
    args.least.verdict(&report)
}

impl LeastArgs {
    fn policy(&self, files: &[PathBuf]) -> Result<(Policy, Report), Failure> {
        let options = Options {
            reads: self.generalise,
            writes: self.generalise_writes,
            omit_failed: self.omit_failed,
        };
        let made = least_privilege(&records(files)?, options);
        print_report(&made.report, self.omit_failed);
        let nothing = || Failure::Input("nothing in the record can be granted".to_owned());
        Ok((made.policy.ok_or_else(nothing)?, made.report))
    }

    fn verdict(&self, report: &Report) -> Result<(), Failure> {
        let is_clean = report.failed.is_empty() && report.unresolved.is_empty() && report.dropped == 0;
        if is_clean || !self.strict {
            return Ok(());
        }
        let what = format!(
            "{} never succeeded, {} cannot be granted, {} had no room in the record",
            report.failed.len(),
            report.unresolved.len(),
            report.dropped
        );
        Err(Failure::Findings(what))
    }
}

fn print_report(report: &Report, omit_failed: bool) {
    for widening in &report.widened {
        note(format_args!(
            "widened: {} on {}, for {} recorded",
            widening.action, widening.to, widening.from
        ));
    }
    let granted = if omit_failed {
        "left out"
    } else {
        "granted all the same"
    };
    for needed in &report.failed {
        note(format_args!("never succeeded, {granted}: {}", shown(needed)));
    }
    for needed in &report.unresolved {
        note(format_args!("cannot be granted: {}", shown(needed)));
    }
    if report.dropped > 0 {
        note(format_args!(
            "{} sightings had no room in the record: the policy lacks what they needed",
            report.dropped
        ));
    }
}

fn shown(needed: &Needed) -> String {
    let conditions = needed
        .conditions
        .iter()
        .map(|(_, key, value)| format!(" with {key} {value}"));
    let on = match &needed.on {
        Recorded::Resource(resource) => format!("on {resource}"),
        Recorded::Unresolved(why) => format!("on what is not known: {why}"),
    };
    // A key may hold control characters, which would reach the terminal.
    let text = format!("{} {on}{}", needed.action, conditions.collect::<String>());
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn records(files: &[PathBuf]) -> Result<RecordSet, Failure> {
    let mut all = RecordSet::with_limit(usize::MAX);
    for path in files {
        let record = RecordSet::parse(&read(path, MAX_RECORD)?);
        all.merge(record.map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?);
    }
    Ok(all)
}

fn policy(path: &Path) -> Result<Policy, Failure> {
    let policy = Policy::parse(&read(path, MAX_POLICY)?);
    policy.map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DiffArgs {
    /// The policy.
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// The records, of any number of replicas.
    #[arg(value_name = "RECORD", required = true)]
    records: Vec<PathBuf>,
}

pub(super) fn difference(args: &DiffArgs) -> Result<(), Failure> {
    let failure = |error| Failure::Input(format!("{}: {error}", args.policy.display()));
    let found = diff(&policy(&args.policy)?, &records(&args.records)?).map_err(failure)?;
    let unused = found.unused.iter();
    let unused = unused.map(|(action, resource)| format!("- granted, unused: {action} on {resource}\n"));
    let missing = found.missing.iter();
    let missing = missing.map(|(needed, why)| format!("+ used, not granted ({why}): {}\n", shown(needed)));
    print(unused.chain(missing).collect::<String>().as_bytes())?;
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::Findings(format!(
        "{} granted and unused, {} used and not granted",
        found.unused.len(),
        found.missing.len()
    )))
}

#[derive(Args, Debug)]
pub(in crate::cli) struct SessionArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The policy that the session is held to.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "record",
        conflicts_with = "record"
    )]
    policy: Option<PathBuf>,
    /// Make it of these records.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    record: Vec<PathBuf>,
    #[command(flatten)]
    least: LeastArgs,
}

pub(super) fn session(args: &SessionArgs, environment: &Environment) -> Result<(), Failure> {
    let managed = match args.connection.load(environment)?.map(|config| config.connection.auth) {
        Some(AuthMethod::AccessKeyAssumeRole { options, .. } | AuthMethod::ManagedCrossAccount { options, .. }) => {
            options.policy_arns.as_slice().len()
        }
        Some(AuthMethod::AccessKey { .. } | AuthMethod::DefaultChain { .. }) => {
            return Err(Failure::Input(
                "the connection assumes no role: it has no session to hold to a policy".to_owned(),
            ));
        }
        None => 0,
    };
    let (policy, report) = match &args.policy {
        Some(path) => (policy(path)?, Report::default()),
        None => args.least.policy(&args.record)?,
    };
    let session = template::session(&policy).map_err(|error| Failure::Input(error.to_string()))?;
    note(format_args!("{} of 2048 characters", session.as_str().chars().count()));
    if managed > 0 {
        note(format_args!(
            "the connection's {managed} managed session policies count towards the same 2048 characters"
        ));
    }
    print(format!("{session}\n").as_bytes())?;
    args.least.verdict(&report)
}
