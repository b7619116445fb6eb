//! Any host name, or `SERVICE/REGION[/fips][/dualstack]`: the tables give one reading, the same in any case, and there and back.
#![no_main]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use auth_model::{Region, ServiceId};
use aws_endpoints::{
    AwsHost, EndpointVariant, HostError, endpoint, endpoint_prefix_of, known_services, parse_host, partition_of,
    traits_of,
};
use libfuzzer_sys::fuzz_target;

static KNOWN: LazyLock<BTreeSet<ServiceId>> = LazyLock::new(|| known_services().into_iter().collect());

fuzz_target!(|text: &str| {
    let mut words = text.split('/');
    let name = words.next().unwrap_or_default();
    match words.next() {
        None => check_name(name),
        Some(region) => {
            let flags: Vec<&str> = words.collect();
            let variant = EndpointVariant {
                fips: flags.contains(&"fips"),
                dualstack: flags.contains(&"dualstack"),
            };
            if let (Ok(service), Ok(region)) = (ServiceId::parse(name), Region::parse(region)) {
                let _ = traits_of(&service);
                check_endpoint(&service, &region, variant);
            }
        }
    }
});

fn check_name(name: &str) {
    let found = parse_host(name);
    for other in [name.to_ascii_uppercase(), name.to_ascii_lowercase()] {
        assert_eq!(parse_host(&other), found, "{other}");
    }
    if !name.ends_with('.') && name.parse::<IpAddr>().is_err() && !name.ends_with(']') {
        assert_eq!(parse_host(&format!("{name}.")), found);
    }
    match found {
        Ok(host) => check_host(&host),
        Err(HostError::Ambiguous { readings }) => {
            assert!(readings.len() > 1);
            readings.iter().for_each(check_host);
        }
        Err(error) => assert!(error.to_string().len() < 200),
    }
}

fn check_host(host: &AwsHost) {
    assert!(KNOWN.contains(&host.service), "{host:?}");
    if let Some(region) = &host.region {
        assert_eq!(partition_of(region), Some(host.partition), "{host:?}");
        check_endpoint(&host.service, region, host.variant);
    }
}

/// What the tables make of a service that they know, they read back.
fn check_endpoint(service: &ServiceId, region: &Region, variant: EndpointVariant) {
    let Ok(made) = endpoint(service, region, variant) else {
        return;
    };
    assert_eq!(partition_of(region), Some(made.partition));
    let service = endpoint_prefix_of(service);
    if !KNOWN.contains(&service) {
        return;
    }
    let is_same = |host: &AwsHost| {
        host.service == service
            && host.region.as_ref() == Some(&made.signing_region)
            && host.partition == made.partition
    };
    match parse_host(&made.host) {
        Ok(host) => assert!(is_same(&host), "{made:?} is read as {host:?}"),
        Err(HostError::Ambiguous { readings }) => assert!(readings.iter().any(is_same), "{made:?}: {readings:?}"),
        Err(error) => panic!("{made:?}: {error}"),
    }
}
