//! Our signing against that of the AWS SDK's signer, on the requests that matter most: `cargo bench -p signer`.
//!
//! Times on a busy machine are noise; `tests/instructions` counts instead.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod case;

use std::hint::black_box;

use case::Case;
use criterion::{Criterion, criterion_group, criterion_main};

fn bench(criterion: &mut Criterion) {
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

criterion_group!(benches, bench);
criterion_main!(benches);
