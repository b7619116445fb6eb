//! What a request pays for `allow`: mapping and decision together, for an S3 object, below 3 microseconds.
//!
//! `cargo bench -p policy-gen --bench allow`.
#![expect(clippy::expect_used, reason = "a bench fails by panicking")]

use std::fmt::Write as _;
use std::hint::black_box;

use auth_model::{Region, ServiceId};
use aws_endpoints::HostResource;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, Method};
use policy_gen::mapping::{BodyFraming, Request, Server, map};
use policy_gen::{AllowPolicy, Decision};

/// A policy of this many statements of exact objects, and the one that counts.
fn policy(statements: usize) -> AllowPolicy {
    let mut all = String::new();
    for n in 0..statements {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::other-{n}/*","arn:aws:s3:::reports/{n}"]}},"#
        );
        let _ = all.write_str(&statement);
    }
    let last = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::reports/2026/*"}"#;
    let json = format!(r#"{{"Version":"2012-10-17","Statement":[{all}{last}]}}"#);
    AllowPolicy::parse(&json).expect("a policy")
}

fn allow(criterion: &mut Criterion) {
    let service = ServiceId::parse("s3").expect("a service");
    let region = Region::parse("eu-west-1").expect("a region");
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "reports.s3.eu-west-1.amazonaws.com"),
        ("user-agent", "a-program/1.2"),
        ("accept", "*/*"),
        ("range", "bytes=0-1023"),
    ] {
        headers.insert(name, value.parse().expect("a value"));
    }
    let host = HostResource::Bucket("reports".to_owned());
    let request = Request {
        service: &service,
        region: &region,
        account: None,
        host: &host,
        method: &Method::GET,
        path: "/2026/11/23/a%20report.csv",
        query: Some("x-id=GetObject"),
        headers: &headers,
        server: Server::Aws,
        body: BodyFraming::Empty,
    };
    let mut group = criterion.benchmark_group("allow");
    for statements in [1, 20] {
        let policy = policy(statements - 1);
        group.bench_function(format!("map and decide, {statements} statements"), |bencher| {
            bencher.iter(|| {
                let mapping = map(black_box(&request), None).expect("a mapping");
                assert_eq!(policy.decide(black_box(&mapping)), Decision::Allow);
            });
        });
        let mapping = map(&request, None).expect("a mapping");
        group.bench_function(format!("decide, {statements} statements"), |bencher| {
            bencher.iter(|| assert_eq!(policy.decide(black_box(&mapping)), Decision::Allow));
        });
    }
    group.finish();
}

criterion_group!(benches, allow);
criterion_main!(benches);
