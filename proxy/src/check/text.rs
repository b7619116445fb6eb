//! A report for people.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::report::{Amendment, Cause, ConnectionReport, Finding, Outcome, PolicyKind, Report, Step, Verdict};
use crate::log::Escaped;

/// Where explanations are broken into lines; what AWS said stays on one, to be searched for.
const WIDTH: usize = 100;
/// How far explanations are indented.
const INDENT: &str = "      ";

/// How it looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// Without colours.
    Plain,
    /// With colours, for terminals.
    Coloured,
}

impl Style {
    fn paint(self, text: &str, colour: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
        }
    }

    fn mark(self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Passed { .. } => self.paint("✓", "32"),
            Outcome::Skipped { .. } => self.paint("-", "2"),
            Outcome::Warned(_) => self.paint("!", "33;1"),
            Outcome::Failed(_) => self.paint("✗", "31;1"),
        }
    }
}

impl ConnectionReport {
    /// The connection's part, with a line for each step.
    #[must_use]
    pub fn to_text(&self, style: Style) -> String {
        let title = style.paint(self.connection.as_str(), "1");
        let mut text = format!("{title}  {} in {}, {}\n", self.service, self.region, self.auth);
        for step in &self.steps {
            // Writing to a String cannot fail.
            let _ = of_step(&mut text, step, style);
        }
        text.push('\n');
        text
    }
}

impl Report {
    /// How many connections work.
    #[must_use]
    pub fn summary(&self, style: Style) -> String {
        let count = |verdict| {
            self.connections
                .iter()
                .filter(|report| report.verdict() == verdict)
                .count()
        };
        let (works, warns, fails) = (count(Verdict::Works), count(Verdict::Warns), count(Verdict::Fails));
        let parts = [
            (works, "ok", "32"),
            (warns, "with a warning", "33;1"),
            (fails, "failed", "31;1"),
        ];
        let shown: Vec<String> = parts
            .into_iter()
            .filter(|(count, _, _)| *count > 0)
            .map(|(count, word, colour)| style.paint(&format!("{count} {word}"), colour))
            .collect();
        let all = self.connections.len();
        let noun = if all == 1 { "connection" } else { "connections" };
        format!("{all} {noun} checked: {}\n", shown.join(", "))
    }
}

fn of_step(text: &mut String, step: &Step, style: Style) -> fmt::Result {
    let detail = match &step.outcome {
        Outcome::Passed { found } => found,
        Outcome::Skipped { why } => why,
        Outcome::Warned(finding) | Outcome::Failed(finding) => &finding.what,
    };
    let time = match (&step.shared_with, step.took) {
        (Some(name), _) => format!("  (as for {name})"),
        (None, Duration::ZERO) => String::new(),
        (None, took) => format!("  ({} ms)", took.as_millis()),
    };
    let subject = if detail.starts_with(&step.subject) {
        String::new()
    } else {
        format!("{}: ", Escaped(&step.subject))
    };
    writeln!(
        text,
        "  {} {:<13} {subject}{}{}",
        style.mark(&step.outcome),
        step.kind.name(),
        Escaped(detail),
        style.paint(&time, "2")
    )?;
    match step.outcome.finding() {
        // Reported where it was found.
        Some(_) if step.shared_with.is_some() => Ok(()),
        Some(finding) => of_finding(text, finding),
        None => Ok(()),
    }
}

fn of_finding(text: &mut String, finding: &Finding) -> fmt::Result {
    match finding.causes.as_slice() {
        [cause] => of_cause(text, "", cause, None),
        causes => {
            writeln!(text, "{INDENT}One of these, the likeliest first:")?;
            for (index, cause) in causes.iter().enumerate() {
                let twin = causes.iter().take(index).position(|other| is_same(other, cause));
                of_cause(text, &format!("{}. ", index + 1), cause, twin)?;
            }
            Ok(())
        }
    }
}

fn is_same(a: &Cause, b: &Cause) -> bool {
    match (&a.amendment, &b.amendment) {
        (Some(a), Some(b)) => a.of == b.of && a.kind == b.kind && a.policy == b.policy,
        _ => false,
    }
}

/// `twin` is an earlier cause that the same policy mends.
fn of_cause(text: &mut String, number: &str, cause: &Cause, twin: Option<usize>) -> fmt::Result {
    let said = format!("{number}{}: {}", cause.party.name(), Escaped(&cause.text));
    wrap(text, &said, INDENT, &" ".repeat(number.len()))?;
    let Some(amendment) = &cause.amendment else {
        return Ok(());
    };
    let indent = format!("{INDENT}{}", " ".repeat(number.len()));
    match twin {
        Some(index) => writeln!(text, "{indent}The policy is the one under {}.", index + 1),
        None => of_policy(text, amendment, &indent),
    }
}

fn of_policy(text: &mut String, amendment: &Amendment, indent: &str) -> fmt::Result {
    let title = match amendment.kind {
        PolicyKind::Permissions => "Permissions of",
        PolicyKind::Trust => "Trust policy of",
    };
    writeln!(text, "{indent}{title} {}:", Escaped(&amendment.of))?;
    for line in amendment.policy.to_pretty_json().lines() {
        writeln!(text, "{indent}  {line}")?;
    }
    Ok(())
}

/// Breaks lines at blanks; lines after the first are indented by `hanging` more.
fn wrap(text: &mut String, said: &str, indent: &str, hanging: &str) -> fmt::Result {
    let mut line = indent.to_owned();
    let mut is_fresh = true;
    for word in said.split(' ') {
        if !is_fresh && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(text, "{line}")?;
            line = format!("{indent}{hanging}");
            is_fresh = true;
        }
        if !is_fresh {
            line.push(' ');
        }
        line.push_str(word);
        is_fresh = false;
    }
    writeln!(text, "{line}")
}

#[cfg(test)]
mod tests {
    use auth_model::{ConnectionName, Region, ServiceId};

    use super::*;
    use crate::check::{ResponsibleParty, StepKind};

    fn report(outcome: Outcome) -> ConnectionReport {
        ConnectionReport {
            connection: ConnectionName::parse("robot").unwrap(),
            service: ServiceId::parse("s3").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
            auth: "access-key",
            steps: vec![Step {
                kind: StepKind::Keys,
                subject: "access key".to_owned(),
                outcome,
                took: Duration::from_millis(7),
                shared_with: None,
            }],
        }
    }

    #[test]
    fn what_others_said_cannot_drive_the_terminal() {
        let cause = Cause::new(ResponsibleParty::AccessKey, "see \u{1b}[2J");
        let text = report(Outcome::Failed(Finding::of("said \u{1b}[31m\nnext", cause))).to_text(Style::Plain);
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(text.lines().count(), 4, "{text}");
    }

    #[test]
    fn long_explanations_are_broken_and_indented() {
        let cause = Cause::new(ResponsibleParty::AccessKey, "word ".repeat(60));
        let text = report(Outcome::Failed(Finding::of("what", cause))).to_text(Style::Plain);
        assert!(text.lines().skip(2).all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(
            text.lines()
                .skip(2)
                .filter(|line| !line.is_empty())
                .all(|line| line.starts_with(INDENT))
        );
    }

    #[test]
    fn the_summary_counts_by_verdict() {
        let cause = || Cause::new(ResponsibleParty::AccessKey, "x");
        let report = Report {
            connections: vec![
                report(Outcome::passed("x")),
                report(Outcome::Warned(Finding::of("x", cause()))),
                report(Outcome::Failed(Finding::of("x", cause()))),
            ],
        };
        assert_eq!(report.verdict(), Verdict::Fails);
        assert_eq!(
            report.summary(Style::Plain),
            "3 connections checked: 1 ok, 1 with a warning, 1 failed\n"
        );
    }
}
