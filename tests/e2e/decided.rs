//! What `allow` decides on is what is sent: random requests by every framing, mapped once more from the captured bytes.
//!
//! Each connection keeps a record of what it decided on. The same record is made here of nothing but the bytes that came
//! to the upstream: they must be equal, entry by entry and count by count, and where the connection has a policy, it must
//! allow what was sent. `DECIDED_CASES` is how many requests are made (100,000 in `.ci/long`), `DECIDED_SEED` where they
//! begin; a failure names the seeds of its requests.

mod dice;
mod made;
mod sending;
mod twisted;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use auth_model::{AccountId, Region, ServiceId};
use aws_endpoints::HostResource;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use policy_gen::mapping::{self, BodyFraming, BodyNeed, Mapping, MappingError, Server};
use policy_gen::record::Needed;
use policy_gen::{AllowPolicy, Decision, RecordSet};

use crate::support::world::{connection, proxy};
use crate::support::{Recorded, Recorder};
use dice::Dice;
use made::{ACCOUNT, SERVICES};
use sending::{Sender, Sent};

/// As many requests as one record holds.
const BATCH: u64 = 500;

/// What the connections with a policy allow, as statements.
fn policy(service: &str) -> &'static str {
    match service {
        "s3" => {
            r#"{"Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject*"],
                "Resource": "arn:aws:s3:::one/pub/*"},
               {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::one/pub/no*"},
               {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucket*"], "Resource": "arn:aws:s3:::one"}"#
        }
        "ec2" => {
            r#"{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"},
               {"Effect": "Allow", "Action": ["ec2:StartInstances", "ec2:TerminateInstances", "ec2:CreateTags"],
                "Resource": "arn:aws:ec2:*:*:instance/i-0a*"}"#
        }
        "sts" => {
            r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/pub-*"},
               {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}"#
        }
        "dynamodb" => {
            r#"{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:*:*:table/pub-*"},
               {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}"#
        }
        "bedrock-runtime" => {
            r#"{"Effect": "Allow", "Action": "bedrock:InvokeModel*", "Resource": "arn:aws:bedrock:*::foundation-model/pub.*"},
               {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::one/pub/*"}"#
        }
        _ => r#"{"Effect": "Allow", "Action": "workspaces:*", "Resource": "arn:aws:workspaces:*:*:workspace/ws-0a*"}"#,
    }
}

fn document(service: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, policy(service))
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var_os(name).map(|text| text.into_string().expect("a number"));
    text.map_or(default, |text| text.parse().expect("a number"))
}

/// What came of some requests.
#[derive(Default)]
struct Tally {
    faults: Vec<String>,
    /// How many were sent on, of those how many were mapped, and how many were rejected.
    sent: u64,
    mapped: u64,
    rejected: u64,
    /// How many of each service and by each framing were sent on.
    services: BTreeMap<&'static str, u64>,
    framings: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.mapped += other.mapped;
        self.rejected += other.rejected;
        for (of, counts) in [
            (&mut self.services, other.services),
            (&mut self.framings, other.framings),
        ] {
            for (name, count) in counts {
                *of.entry(name).or_default() += count;
            }
        }
    }
}

#[tokio::test]
async fn what_was_sent_is_what_was_decided_on() {
    // All their log lines are looked through there.
    let few = if crate::secrets::is_logging() { 300 } else { 3_000 };
    let (cases, seed) = (number("DECIDED_CASES", few), number("DECIDED_SEED", 20_261_129));
    let mut all = Tally::default();
    let end = seed + cases;
    for start in (seed..end).step_by(usize::try_from(BATCH).expect("a small number")) {
        let batch = start..(start + BATCH).min(end);
        let mut tally = run(batch.clone()).await;
        if !tally.faults.is_empty() {
            // The one request after the other, so that it is known whose each fault is.
            for one in batch {
                let alone = run(one..one + 1).await;
                tally.faults.extend(alone.faults);
            }
            tally.faults.truncate(20);
            panic!("from seed {start} on:\n{}", tally.faults.join("\n"));
        }
        all.add(tally);
    }
    let Tally {
        sent,
        mapped,
        rejected,
        services,
        framings,
        ..
    } = all;
    println!("decided: {cases} requests, {sent} sent on, of them {mapped} mapped, {rejected} rejected");
    println!("decided: sent on {services:?}, {framings:?}");
    assert_eq!(sent + rejected, cases);
    // Or it is seen by too few of them.
    assert!(
        mapped * 10 > cases * 3 && rejected * 10 > cases,
        "{sent}, {mapped}, {rejected}"
    );
}

/// Requests of these seeds, and what was wrong.
async fn run(seeds: Range<u64>) -> Tally {
    let mut upstream = Recorder::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = format!("http://{}", upstream.address);
    let mut connections = String::new();
    for service in SERVICES {
        for kind in ["free", "held"] {
            let record = folder.path().join(format!("{kind}-{service}.json"));
            let mut more = format!("record = {record:?}\naccount = \"{ACCOUNT}\"\n");
            if kind == "held" {
                writeln!(more, "allow = '''{}'''", document(service)).expect("writing to a text");
            }
            if service == "sts" {
                more.push_str("vend_credentials = [\"sts:AssumeRole\"]\n");
            }
            connections.push_str(&connection(&format!("{kind}-{service}"), service, &endpoint, &more));
        }
    }
    let proxy = proxy(&connections).await;
    let mut sender = Sender::new(proxy.addr().expect("a shared listener"));
    let mut tally = Tally::default();
    let mut records: BTreeMap<String, BTreeMap<Needed, u64>> = BTreeMap::new();
    for seed in seeds {
        let mut dice = Dice::new(seed);
        let service = SERVICES[dice.below(SERVICES.len())];
        let kind = dice.pick(&["free", "held", "held"]);
        let name = format!("{kind}-{service}");
        let request = made::request(&mut dice, service);
        let Sent { framing, error } = sender.send(&mut dice, &name, &request).await;
        let came = upstream.take_now();
        let mut fault = |text: String| {
            tally
                .faults
                .push(format!("{text}\n  seed {seed} to {name} by {framing}: {request}"))
        };
        let [recorded] = &came[..] else {
            match (came.len(), error) {
                (0, Some(_)) => tally.rejected += 1,
                (count, error) => fault(format!("{count} requests, and {error:?}")),
            }
            continue;
        };
        tally.sent += 1;
        *tally.services.entry(service).or_default() += 1;
        *tally.framings.entry(framing).or_default() += 1;
        if let Some(error) = error {
            fault(format!("rejected with {error}, and sent"));
        }
        match mapped(service, recorded) {
            Ok(mapping) => {
                tally.mapped += 1;
                let policy = AllowPolicy::parse(&document(service)).expect("a policy");
                let denied = policy.decide(&mapping) != Decision::Allow;
                if kind == "held" && denied {
                    fault(format!("sent, and not allowed: {mapping:?}"));
                }
                let counts = records.entry(name).or_default();
                for need in mapping.required.iter().chain(&mapping.hidden) {
                    *counts.entry(Needed::of(need)).or_default() += 1;
                }
            }
            Err(error) if kind == "held" => fault(format!("sent, and cannot be mapped: {error}")),
            Err(_) => {}
        }
    }
    drop(sender);
    proxy.shutdown().await;
    for service in SERVICES {
        for kind in ["free", "held"] {
            let name = format!("{kind}-{service}");
            let text = std::fs::read_to_string(folder.path().join(format!("{name}.json"))).unwrap_or_default();
            let sent = records.remove(&name).unwrap_or_default();
            let decided = counts(&text);
            if decided != sent {
                let only = |of: &BTreeMap<Needed, u64>, other: &BTreeMap<Needed, u64>| {
                    let differs = |(needed, count): &(&Needed, &u64)| other.get(needed) != Some(count);
                    let found: Vec<_> = of.iter().filter(differs).take(5).collect();
                    format!("{found:?}")
                };
                let (recorded, mapped) = (only(&decided, &sent), only(&sent, &decided));
                tally
                    .faults
                    .push(format!("{name} decided on {recorded}, and sent was {mapped}"));
            }
        }
    }
    tally
}

/// The entries of a record, with their counts.
fn counts(text: &str) -> BTreeMap<Needed, u64> {
    if text.is_empty() {
        return BTreeMap::new();
    }
    let record = RecordSet::parse(text).expect("a record of ours");
    record
        .iter()
        .map(|(needed, seen)| (needed.clone(), seen.count))
        .collect()
}

/// What captured bytes ask of IAM.
fn mapped(service: &str, recorded: &Recorded) -> Result<Mapping, MappingError> {
    let text = String::from_utf8_lossy(&recorded.bytes);
    let method = Method::from_bytes(text.split(' ').next().expect("a method").as_bytes()).expect("a method");
    let (path, query) = match recorded.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&*recorded.target, None),
    };
    let mut headers = HeaderMap::new();
    // What frames the body is given by the body itself.
    for (name, value) in recorded.headers.iter().filter(|(name, _)| name != "content-length") {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        headers.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    let account = AccountId::parse(ACCOUNT).expect("an account");
    let request = mapping::Request {
        service: &ServiceId::parse(service).expect("a service"),
        region: &Region::parse("us-east-1").expect("a region"),
        account: Some(&account),
        host: &HostResource::None,
        method: &method,
        path,
        query,
        headers: &headers,
        server: Server::Other,
        body: BodyFraming::of_length(u64::try_from(recorded.body.len()).expect("a length")),
    };
    match mapping::needs_body(&request) {
        BodyNeed::No => mapping::map(&request, None),
        BodyNeed::Empty | BodyNeed::UpTo(_) => mapping::map(&request, Some(&recorded.body)),
    }
}
