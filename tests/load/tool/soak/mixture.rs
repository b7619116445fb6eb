//! Which requests there are, and how many of each.

use super::content::{Draw, Part};
use super::fault::Fault;
use super::plan::{Connection, Operation, Plan};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// One in so many requests of [`Connection::Plain`] has a large body, there or back.
const LARGE: u64 = 1_000;

/// Of 1,000 requests.
const CONNECTIONS: [(Connection, u64); 9] = [
    (Connection::Plain, 430),
    (Connection::Role, 120),
    (Connection::Repeat, 80),
    (Connection::Rotated, 60),
    (Connection::Tls, 60),
    (Connection::Chunks, 15),
    (Connection::Trailer, 15),
    (Connection::Table, 140),
    (Connection::Models, 80),
];

/// Which requests a soak consists of. The same numbers make the same requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixture {
    pub(super) seed: u64,
    /// So many of 1,000 requests meet a fault.
    pub(super) faults: u64,
}

impl Mixture {
    /// The request of this number.
    pub(super) fn plan(self, number: u64) -> Plan {
        let mut draw = Draw::new(self.seed, number);
        let (connection, _) = CONNECTIONS[draw.share(&CONNECTIONS.map(|(_, share)| share))];
        let is_large = connection == Connection::Plain && draw.below(LARGE) == 0;
        let operation = operation(connection, is_large, &mut draw);
        let (body, response) = lengths(connection, operation, is_large, &mut draw);
        let is_put = matches!(operation, Operation::Put | Operation::PutOnce);
        let is_streaming = matches!(connection, Connection::Chunks | Connection::Trailer);
        let mut plan = Plan {
            number,
            connection,
            operation,
            target: target(operation, number, &mut draw),
            body: Part::new(draw.next(), body),
            is_chunked: is_put && !is_streaming && draw.below(5) == 0,
            is_http2: draw.below(4) == 0,
            response: Part::new(draw.next(), response),
            is_response_chunked: operation == Operation::InvokeStream
                || (operation == Operation::Get && draw.below(8) == 0),
            fault: Fault::None,
        };
        if draw.below(1_000) < self.faults {
            plan.fault = draw.of(Fault::of(&plan));
        }
        plan
    }
}

fn operation(connection: Connection, is_large: bool, draw: &mut Draw) -> Operation {
    use Operation as O;
    match connection {
        Connection::Table => draw.of(&[O::GetItem, O::PutItem]),
        Connection::Models => draw.of(&[O::Invoke, O::Invoke, O::InvokeStream]),
        Connection::Chunks | Connection::Trailer => draw.of(&[O::Put, O::Put, O::Put, O::PutOnce]),
        _ if is_large => draw.of(&[O::Get, O::Put]),
        _ => [O::Get, O::Put, O::PutOnce, O::Head, O::Delete][draw.share(&[45, 31, 4, 10, 10])],
    }
}

/// Bytes of the request's body and of the response's.
fn lengths(connection: Connection, operation: Operation, is_large: bool, draw: &mut Draw) -> (usize, usize) {
    let length = match connection {
        _ if is_large => between(draw, 4 * MIB, 12 * MIB),
        // Beyond one chunk.
        Connection::Chunks | Connection::Trailer => between(draw, 70 * KIB, 300 * KIB),
        _ => match draw.share(&[50, 550, 300, 93, 7]) {
            0 => 0,
            1 => between(draw, 1, 2 * KIB),
            2 => between(draw, 2 * KIB, 16 * KIB),
            3 => between(draw, 16 * KIB, 64 * KIB),
            _ => between(draw, 64 * KIB, 256 * KIB),
        },
    };
    match operation {
        Operation::Get | Operation::Head => (0, length),
        Operation::Put | Operation::PutOnce => (length, 0),
        Operation::Delete => (0, 0),
        Operation::GetItem | Operation::PutItem | Operation::Invoke | Operation::InvokeStream => {
            (length.min(32 << 10), between(draw, 2, 16 * KIB))
        }
    }
}

/// From `least` on, below `bound`.
fn between(draw: &mut Draw, least: u64, bound: u64) -> usize {
    usize::try_from(least + draw.below(bound - least)).unwrap_or_default()
}

fn target(operation: Operation, number: u64, draw: &mut Draw) -> String {
    match operation {
        Operation::GetItem | Operation::PutItem => "/".to_owned(),
        Operation::Invoke => "/model/soak.model-v1%3A0/invoke".to_owned(),
        Operation::InvokeStream => "/model/soak.model-v1%3A0/invoke-with-response-stream".to_owned(),
        _ => match draw.below(4) {
            0 => format!("/bucket/a%20key/{number}"),
            1 => format!("/bucket/%C3%BC/~{number}?versionId={number}.-_~"),
            2 => format!("/bucket/+{number}%2B?x-id=%C3%BC%20%2F&empty"),
            _ => format!("/bucket/key-{number}"),
        },
    }
}
