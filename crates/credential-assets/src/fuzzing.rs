//! Seams for the fuzz targets; nothing else uses them. Only there with `--cfg fuzzing`, which cargo-fuzz sets.

use crate::exec::command_line::CommandLine;

/// The words of an `exec:` location, the program first, and its pointer; `None` where it is none.
#[must_use]
pub fn words_of_exec(location: &str) -> Option<(Vec<String>, Option<String>)> {
    let (command, pointer) = CommandLine::parse(location)?;
    let arguments = command.arguments().iter().cloned();
    let words = std::iter::once(command.program().to_owned()).chain(arguments);
    Some((words.collect(), pointer))
}
