//! Signs one of the bench's requests again and again, for a profiler to watch: `sign_cost CASE ours|aws-sigv4 TIMES`.
//!
//! `tests/instructions` counts by it what one signature costs; without arguments it names the cases.
#![expect(clippy::unwrap_used, reason = "fails by panicking, as a bench does")]

#[path = "../benches/sign/case.rs"]
mod case;

use std::error::Error;
use std::hint::black_box;
use std::io::Write;

use case::Case;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        for case in Case::all() {
            writeln!(std::io::stdout(), "{}", case.name)?;
        }
        return Ok(());
    };
    let case = Case::all().into_iter().find(|case| case.name == name);
    let case = case.ok_or("no such case")?;
    let side = arguments.next().unwrap_or_default();
    let times: u32 = arguments.next().unwrap_or_default().parse()?;

    let identity = case.identity();
    let (ours, theirs) = (case.ours(), case.theirs(&identity));
    for _ in 0..times {
        match side.as_str() {
            "ours" => drop(black_box(ours.sign())),
            "aws-sigv4" => drop(black_box(theirs.sign())),
            _ => return Err("the side is ours or aws-sigv4".into()),
        }
    }
    Ok(())
}
