//! The list of steps while it grows.

use std::time::Duration;

use auth_model::ConnectionName;
use tokio::time::Instant;

use super::report::{Outcome, Step, StepKind};

/// What was done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(Vec<Step>);

/// When a step began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer(Instant);

impl Timer {
    /// Of a step that begins now.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Steps {
    pub(super) fn push(&mut self, kind: StepKind, subject: impl Into<String>, outcome: Outcome, began: Timer) {
        self.0.push(Step {
            kind,
            subject: subject.into(),
            outcome,
            took: began.0.elapsed(),
            shared_with: None,
        });
    }

    /// A step that was not done, or for which nothing was requested.
    pub(super) fn note(&mut self, kind: StepKind, subject: impl Into<String>, outcome: Outcome) {
        self.0.push(Step {
            kind,
            subject: subject.into(),
            outcome,
            took: Duration::ZERO,
            shared_with: None,
        });
    }

    /// The same steps, as done for that connection.
    pub(super) fn as_done_for(&self, name: &ConnectionName) -> Self {
        let shared = self.0.iter().cloned().map(|step| Step {
            took: Duration::ZERO,
            shared_with: Some(step.shared_with.clone().unwrap_or_else(|| name.clone())),
            ..step
        });
        Self(shared.collect())
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    pub(super) fn into_vec(self) -> Vec<Step> {
        self.0
    }
}
