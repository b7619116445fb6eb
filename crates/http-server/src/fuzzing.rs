//! What the fuzz targets call; only there with `--cfg fuzzing`, which cargo-fuzz sets.

use crate::head_reader::play::{Seen, play};

/// Takes a client's bytes apart as HTTP/1, in these pieces and with so much room behind them: the requests that nothing
/// was found against, up to the first that was not like that; and what that was, in words.
#[must_use]
pub fn read_heads(pieces: &[&[u8]], room: usize) -> (Vec<Vec<u8>>, String) {
    let mut requests = Vec::new();
    for seen in play(pieces, 2048, room) {
        match seen {
            Seen::Request(request) => requests.push(request),
            other => return (requests, format!("{other:?}")),
        }
    }
    (requests, String::new())
}
