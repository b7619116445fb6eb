//! `signing-proxy policy map`: requests in, their IAM requests out; JSON Lines both.

mod input;
mod mapped;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use clap::Args;

use super::super::output::Failure;
use mapped::MappedLine;

/// The longest line: the longest body that is ever read, in base64, with its head.
const MAX_LINE: usize = 32 * 1024 * 1024;

#[derive(Args, Debug)]
pub(in crate::cli) struct MapArgs {
    /// The requests, one JSON document per line; else standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(args: &MapArgs) -> Result<(), Failure> {
    let input: Box<dyn Read> = match &args.file {
        None => Box::new(io::stdin().lock()),
        Some(path) => {
            Box::new(File::open(path).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?)
        }
    };
    let bad = match map_all(BufReader::new(input), BufWriter::new(io::stdout().lock())) {
        // A reader that has closed its end, such as `head`, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        Err(error) => return Err(Failure::running(error)),
        Ok(bad) => bad,
    };
    if bad.is_empty() {
        return Ok(());
    }
    Err(Failure::Input(bad.join("\n  ")))
}

/// Maps each line; returns what was wrong with those that are no JSON.
fn map_all(mut input: impl BufRead, mut output: impl Write) -> io::Result<Vec<String>> {
    let mut bad = Vec::new();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let limit = u64::try_from(MAX_LINE + 1).unwrap_or(u64::MAX);
        if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() > MAX_LINE {
            input.skip_until(b'\n')?;
            note(&mut bad, format!("line {number}: it has more than {MAX_LINE} bytes"));
            continue;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice(text) {
            Ok(document) => {
                serde_json::to_writer(&mut output, &MappedLine::of(&document))?;
                output.write_all(b"\n")?;
            }
            Err(error) => note(&mut bad, format!("line {number}: {error}")),
        }
    }
    output.flush()?;
    Ok(bad)
}

/// Keeps the first mistakes: there may be as many as lines.
fn note(bad: &mut Vec<String>, mistake: String) {
    const SHOWN: usize = 20;
    match bad.len() {
        0..SHOWN => bad.push(mistake),
        SHOWN => bad.push("and more".to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
