//! Each host name has exactly one reading: rows made by botocore's resolver, and odd ones by hand.

use aws_endpoints::{AwsHost, HostResource, parse_host};

const BY_BOTOCORE: &str = include_str!("data/hosts_by_botocore.tsv");
const BY_HAND: &str = include_str!("data/hosts_by_hand.tsv");

#[track_caller]
fn assert_none(wrong: &[String], of: usize) {
    assert!(wrong.is_empty(), "{} of {of}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn hosts_of_botocore_mean_what_botocore_requested() {
    let mut wrong = Vec::new();
    let rows: Vec<_> = rows(BY_BOTOCORE).collect();
    for [host, service, region, resource] in &rows {
        let got = parse_host(host).map(|found| {
            let region = found.region.as_ref().map_or("-", |region| region.as_str()).to_owned();
            (found.service.to_string(), region, text_of(&found.resource))
        });
        let want = ((*service).to_owned(), (*region).to_owned(), (*resource).to_owned());
        if got.as_ref() != Ok(&want) {
            wrong.push(format!("{host}: {got:?} instead of {want:?}"));
        }
    }
    assert_none(&wrong, rows.len());
    assert!(rows.len() > 1000);
}

#[test]
fn odd_hosts_have_the_reading_written_beside_them() {
    let mut wrong = Vec::new();
    let rows: Vec<_> = BY_HAND
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    for (host, want) in &rows {
        let host = host.replace("LONG", &"a".repeat(64)).replace("NOTHING", "");
        let got = match parse_host(&host) {
            Ok(found) => reading(&found),
            Err(error) => format!("error: {error}"),
        };
        if got != *want {
            wrong.push(format!("{host}\n     got {got}\n    want {want}"));
        }
    }
    assert_none(&wrong, rows.len());
    assert!(rows.len() > 150);
}

#[test]
fn case_and_one_trailing_dot_change_nothing() {
    for [host, ..] in rows(BY_BOTOCORE) {
        let plain = parse_host(host);
        assert_eq!(parse_host(&host.to_ascii_uppercase()), plain, "{host}");
        assert_eq!(parse_host(&format!("{host}.")), plain, "{host}");
    }
}

#[test]
fn only_multi_region_names_need_sigv4a() {
    for [host, _, region, resource] in rows(BY_BOTOCORE) {
        let is_multi_region = region == "-" && !resource.starts_with("bucket");
        assert_eq!(parse_host(host).unwrap().needs_sigv4a(), is_multi_region, "{host}");
    }
    assert!(
        parse_host("123456789012.cloudfront-kvs.global.api.aws")
            .unwrap()
            .needs_sigv4a()
    );
}

fn rows(text: &'static str) -> impl Iterator<Item = [&'static str; 4]> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut cells = line.split('\t');
        std::array::from_fn(|_| cells.next().unwrap_or("missing"))
    })
}

/// `SERVICE REGION PARTITION [fips] [dual] [RESOURCE] [via VPCE]`
fn reading(found: &AwsHost) -> String {
    let region = found.region.as_ref().map_or("-", |region| region.as_str());
    let mut words = vec![
        found.service.to_string(),
        region.to_owned(),
        found.partition.to_string(),
    ];
    for (is_set, name) in [(found.variant.fips, "fips"), (found.variant.dualstack, "dual")] {
        words.extend(is_set.then(|| name.to_owned()));
    }
    words.extend((found.resource != HostResource::None).then(|| text_of(&found.resource)));
    words.extend(found.vpc_endpoint.as_ref().map(|id| format!("via {id}")));
    words.join(" ")
}

fn text_of(resource: &HostResource) -> String {
    match resource {
        HostResource::None => "-".to_owned(),
        HostResource::Bucket(bucket) => format!("bucket {bucket}"),
        HostResource::DirectoryBucket { bucket, zone } => {
            format!("directory-bucket {} {zone}", bucket.as_deref().unwrap_or("-"))
        }
        HostResource::AccessPoint { name, account } => format!("access-point {name} {account}"),
        HostResource::ObjectLambda { name, account } => format!("object-lambda {name} {account}"),
        HostResource::MultiRegionAccessPoint { alias } => format!("mrap {alias}"),
        HostResource::Outpost { name, account, outpost } => format!("outpost {name} {account} {outpost}"),
        HostResource::Account(account) => format!("account {account}"),
        HostResource::Instance(id) => format!("instance {id}"),
        HostResource::MultiRegionEndpoint(id) => format!("multi-region {id}"),
        other => format!("{other:?}"),
    }
}
