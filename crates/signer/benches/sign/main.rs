//! Our signing against that of the AWS SDK's signer, on the requests that matter most and on an upload in chunks:
//! `cargo bench -p signer`.
//!
//! Times on a busy machine are noise; `tests/instructions` counts instead.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod case;
mod chunks;

use std::hint::black_box;

use case::Case;
use chunks::{Behind, Upload};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn requests(criterion: &mut Criterion) {
    for case in Case::all() {
        let identity = case.identity();
        let (ours, theirs) = (case.ours(), case.theirs(&identity));
        assert_eq!(ours.sign().signature(), theirs.sign().signature(), "{}", case.name);

        let mut group = criterion.benchmark_group(case.name);
        group.bench_function("ours", |bencher| bencher.iter(|| black_box(ours.sign())));
        group.bench_function("aws-sigv4", |bencher| bencher.iter(|| black_box(theirs.sign())));
        group.finish();
    }
}

/// Throughput, beside that of the SDK's signer and of the hash alone.
fn chunks(criterion: &mut Criterion) {
    for (name, behind) in [
        ("chunks-64KiB", Behind::Nothing),
        ("chunks-64KiB-crc64nvme-trailer", Behind::Checksum),
    ] {
        let upload = Upload::new(behind);
        assert_eq!(upload.ours(behind), upload.theirs(behind), "{name}");

        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(upload.length()));
        group.bench_function("ours", |bencher| bencher.iter(|| black_box(upload.ours(behind))));
        group.bench_function("aws-sigv4", |bencher| bencher.iter(|| black_box(upload.theirs(behind))));
        group.bench_function("sha256", |bencher| bencher.iter(|| upload.hash()));
        group.finish();
    }
}

criterion_group!(benches, requests, chunks);
criterion_main!(benches);
