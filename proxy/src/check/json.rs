//! A report as JSON; docs/check.md describes it. Fields are added, never renamed or taken away.

use serde_json::{Value, json};

use super::report::{Cause, ConnectionReport, Outcome, Report, Step};

/// Changes where a reader of the form before would misread this one.
const VERSION: u32 = 1;

impl Report {
    /// The report as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "version": VERSION,
            "verdict": self.verdict().name(),
            "connections": self.connections.iter().map(of_connection).collect::<Vec<_>>(),
        })
    }
}

fn of_connection(report: &ConnectionReport) -> Value {
    json!({
        "connection": report.connection.as_str(),
        "service": report.service.as_str(),
        "region": report.region.as_str(),
        "auth": report.auth,
        "verdict": report.verdict().name(),
        "steps": report.steps.iter().map(of_step).collect::<Vec<_>>(),
    })
}

fn of_step(step: &Step) -> Value {
    let (outcome, detail) = match &step.outcome {
        Outcome::Passed { found } => ("passed", found),
        Outcome::Skipped { why } => ("skipped", why),
        Outcome::Warned(finding) => ("warned", &finding.what),
        Outcome::Failed(finding) => ("failed", &finding.what),
    };
    let causes = step.outcome.finding().map(|finding| finding.causes.as_slice());
    json!({
        "step": step.kind.name(),
        "subject": step.subject,
        "outcome": outcome,
        "detail": detail,
        "millis": u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX),
        "shared_with": step.shared_with.as_ref().map(auth_model::ConnectionName::as_str),
        "causes": causes.unwrap_or_default().iter().map(of_cause).collect::<Vec<_>>(),
    })
}

fn of_cause(cause: &Cause) -> Value {
    let policy = cause.amendment.as_ref().map(|amendment| {
        json!({
            "kind": amendment.kind.name(),
            "of": amendment.of,
            "document": amendment.policy,
        })
    });
    json!({
        "responsible_party": cause.party.name(),
        "text": cause.text,
        "policy": policy,
    })
}
