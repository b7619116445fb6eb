//! What becomes of requests that meet a fault: a list of them says so before, and services that misbehave on a script count
//! what came to them and what took effect.
//!
//! `FAULTS_ROWS=3,17` runs those rows only, `FAULTS_TIMES=20` most of them as often, and `E2E_PROXY_PROGRAM=FILE` runs another
//! program than this tree's.

mod client;
mod http1;
mod http2;
mod keys;
mod ledger;
mod list;
mod script;
mod service;
mod setup;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use serde_json::Value;
use tokio::time::{interval, sleep, timeout};

use crate::support::LONGEST_WAIT;
use client::{Client, Response};
use ledger::{Arrival, hash};
use list::{Row, Twice};
use service::Service;
use setup::{Setup, is_alone};

/// Rows that run at a time.
const AT_ONCE: usize = 16;

/// Proxies that run at a time, each for one row, beside the one for all others.
const PROXIES_AT_ONCE: usize = 6;

/// How often the right beginning of a repetition is tried: a response may reach its client before its connection is in the pool.
const BEGINNINGS: usize = 50;

/// What came of one row.
#[derive(Debug, Default)]
struct Outcome {
    /// Requests that met the fault, and all that were sent.
    met: usize,
    sent: usize,
    /// Savable ones that did not end well.
    lost: usize,
    /// Whether something took effect more often than it may.
    is_harmed: bool,
    wrong: Vec<String>,
}

/// Every repetition of a row.
async fn run(setup: &Setup, row: &Row, service: &Service) -> Outcome {
    let mut outcome = Outcome::default();
    let body = row.body();
    let request = row.bytes(&body);
    let mut beginnings = 0;
    while outcome.met < row.repetitions() {
        let (response, arrivals) = one(setup, row, service, &request, &mut outcome.sent).await;
        let is_ready = !row.is_pooled || arrivals.first().is_none_or(|first| first.is_pooled);
        let is_by_itself = matches!(row.fault, "restart" | "idle-closed");
        beginnings += 1;
        if !is_ready && !is_by_itself && row.repetitions() > 1 && beginnings < BEGINNINGS {
            continue;
        }
        outcome.met += 1;
        let said = verdict(row, &response);
        outcome.lost += usize::from(row.is_savable && said.is_some());
        let (counted, is_harmed) = counted(row, &body, &arrivals);
        outcome.is_harmed |= is_harmed;
        let wrong = said.into_iter().chain(counted);
        outcome
            .wrong
            .extend(wrong.map(|wrong| format!("{}: {wrong}", row.says())));
    }
    outcome
}

/// One request that meets the fault: what the client got, and what came to the service.
async fn one(
    setup: &Setup,
    row: &Row,
    service: &Service,
    request: &[u8],
    sent: &mut usize,
) -> (Response, Vec<Arrival>) {
    let ledger = &service.stage.ledger;
    let mut client = Client::connect(setup.proxy.address).await;
    ledger.arm(false);
    let has_late_faults = setup.faults_after_keys(row).is_some();
    if row.is_pooled || has_late_faults {
        client.exchange(request).await;
        *sent += 1;
    }
    if has_late_faults && row.fault == "none" {
        // Until what issues the keys has been called again.
        let mut ticks = interval(Duration::from_millis(250));
        let again = async {
            while setup.faults_after_keys(row) == Some(0) {
                ticks.tick().await;
                client.exchange(request).await;
                *sent += 1;
            }
        };
        timeout(LONGEST_WAIT, again).await.expect("a call in time");
    }
    match row.fault {
        "restart" => service.restart().await,
        "idle-closed" => service.close_idle().await,
        _ => {}
    }
    ledger.arm(true);
    *sent += 1;
    let response = if row.fault == "refused-once" {
        let opened = async {
            // The kernel refuses what the proxy tries, and no program on this side is notified of it. Whatever it has tried
            // by then, it is what it tries later that matters.
            sleep(Duration::from_millis(10)).await;
            service.listen();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            response = client.exchange(request) => response,
            () = opened => Response::default(),
        }
    } else {
        client.exchange(request).await
    };
    (response, ledger.arrivals())
}

/// What is wrong with what the client got.
fn verdict(row: &Row, response: &Response) -> Option<String> {
    let (status, code, is_cut) = row.client;
    let body = match (is_cut, status) {
        _ if row.is_head() => Some(&b""[..]),
        (true, _) => Some(&b"only this"[..]),
        (false, 200) => Some(&b"done"[..]),
        (false, _) => None,
    };
    let is_right = response.status == status
        && response.code.as_deref() == code
        && response.is_whole != is_cut
        && body.is_none_or(|body| response.body == body);
    (!is_right).then(|| {
        let Response {
            status,
            code,
            is_whole,
            body,
        } = response;
        let body = String::from_utf8_lossy(body);
        format!("the client got {status} {code:?}, whole: {is_whole}, {body:.100}")
    })
}

/// What is wrong with what came to the service, and whether that is an effect that must not be.
fn counted(row: &Row, body: &[u8], arrivals: &[Arrival]) -> (Vec<String>, bool) {
    let mut wrong = Vec::new();
    let effects = arrivals.iter().filter(|arrival| arrival.has_effect).count();
    if (arrivals.len(), effects) != (row.comes, row.effects) {
        wrong.push(format!(
            "it came {} times and took effect {effects} times",
            arrivals.len()
        ));
    }
    let sent = hash(body);
    let is_other = |arrival: &Arrival| arrival.hash.as_ref().is_some_and(|hash| *hash != sent);
    let has_others = arrivals.iter().any(is_other);
    if has_others {
        wrong.push("another body came than was sent".to_owned());
    }
    wrong.extend(arrivals.iter().filter_map(|arrival| arrival.wrong.clone()));
    let is_harmed = has_others || (row.request.twice == Twice::Once && effects > 1);
    (wrong, is_harmed)
}

/// How many lines each connection's requests have left; fails on a line that holds a secret.
fn lines(log: &[String]) -> HashMap<String, usize> {
    let mut lines = HashMap::new();
    for line in log {
        assert!(!line.contains(keys::MARK), "a secret in the log: {line}");
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if let (Some("request"), Some(name)) = (line["message"].as_str(), line["connection"].as_str()) {
            *lines.entry(name.to_owned()).or_default() += 1;
        }
    }
    lines
}

/// Rows that share a proxy.
async fn run_all(rows: &[Row]) -> Vec<Outcome> {
    let setup = Setup::start(rows).await;
    let each = rows.iter().zip(&setup.services).enumerate();
    let runs = each.map(async |(at, (row, service))| (at, run(&setup, row, service).await));
    let mut outcomes: Vec<_> = iter(runs).buffer_unordered(AT_ONCE).collect().await;
    outcomes.sort_by_key(|(at, _)| *at);
    let mut outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    let lines = lines(&setup.proxy.stop().await);
    for (row, outcome) in rows.iter().zip(&mut outcomes) {
        let count = lines.get(&row.name()).copied().unwrap_or_default();
        if count != outcome.sent {
            let wrong = format!("{}: {count} lines of {} requests", row.says(), outcome.sent);
            outcome.wrong.push(wrong);
        }
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_be_saved_is_and_nothing_takes_effect_twice() {
    // What its proxies log is read here, at any time.
    if crate::secrets::is_logging() {
        return;
    }
    let chosen = std::env::var_os("FAULTS_ROWS").map(|rows| rows.into_string().expect("numbers"));
    let chosen: Option<HashSet<usize>> =
        chosen.map(|rows| rows.split(',').map(|row| row.parse().expect("a row")).collect());
    let mut rows = list::rows();
    rows.retain(|row| chosen.as_ref().is_none_or(|chosen| chosen.contains(&row.number)));
    // What has to wait begins first.
    rows.sort_by_key(|row| (!row.keys.ends_with("-after"), row.keys == "static"));
    let (alone, together): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_alone);
    let of_alone = async {
        let runs = alone.iter().enumerate();
        let runs = runs.map(async |(at, row)| (at, run_all(std::slice::from_ref(row)).await));
        let mut outcomes: Vec<_> = iter(runs).buffer_unordered(PROXIES_AT_ONCE).collect().await;
        outcomes.sort_by_key(|(at, _)| *at);
        outcomes
    };
    let (of_alone, of_together) = tokio::join!(of_alone, run_all(&together));
    let rows = together.iter().chain(&alone);
    let outcomes = of_together
        .into_iter()
        .chain(of_alone.into_iter().flat_map(|(_, outcomes)| outcomes));
    let (mut faults, mut met, mut sent, mut savable, mut lost, mut harmed) = (0, 0, 0, 0, 0, 0);
    let mut wrong = Vec::new();
    for (row, outcome) in rows.zip(outcomes) {
        faults += 1;
        met += outcome.met;
        sent += outcome.sent;
        savable += if row.is_savable { outcome.met } else { 0 };
        lost += outcome.lost;
        harmed += usize::from(outcome.is_harmed);
        wrong.extend(outcome.wrong);
    }
    println!(
        "{faults} faults, {sent} requests, {met} of them met a fault: {lost} lost of {savable} savable, {harmed} wrong effects, {} \
         complaints",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_list_says_what_it_must() {
    let rows = list::rows();
    assert!(rows.len() >= 120, "{} rows", rows.len());
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row.number, at + 1, "rows are numbered");
        let most = match row.request.twice {
            Twice::Nothing => 0,
            Twice::Once => 1,
            Twice::TheSame => 2,
        };
        let (status, _, is_cut) = row.client;
        assert!(row.effects <= most, "{}", row.says());
        assert!(row.effects <= row.comes, "{}", row.says());
        // What went well took effect, and what cannot be saved ends as an error that can be seen.
        let went_well = status == 200 && !is_cut;
        assert!(
            !went_well || row.request.twice == Twice::Nothing || row.effects > 0,
            "{}",
            row.says()
        );
        assert!(row.is_savable || !went_well, "{}", row.says());
    }
}
