//! How each service wants to be signed and spoken to.

use auth_model::{ServiceId, SigningName};

use crate::data::{ServiceRow, TABLES};
use crate::path_encoding::PathEncoding;
use crate::protocol::Protocol;

/// How a service wants to be signed and spoken to.
#[expect(
    clippy::struct_excessive_bools,
    reason = "traits that do not depend on one another, each a column of a table"
)]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceTraits {
    /// The service's name in the signing scope.
    pub signing_name: SigningName,
    /// How the path enters the canonical request.
    pub path_encoding: PathEncoding,
    /// The protocol its clients most likely speak; where a service offers several, JSON before CBOR and query.
    pub protocol: Protocol,
    /// Whether the service takes `UNSIGNED-PAYLOAD` as the payload hash over TLS for every operation.
    ///
    /// Some other services take it for single operations; a host name does not say which.
    pub unsigned_payload_allowed: bool,
    /// Whether `UNSIGNED-PAYLOAD` is all that the service takes, also without a body and in the clear (VPC Lattice).
    ///
    /// Source: VPC Lattice User Guide, on requests signed with `SigV4`.
    pub payload_must_be_unsigned: bool,
    /// Whether it is S3 or a sibling that shares S3's way of signing.
    pub is_s3_family: bool,
    /// Whether `SigV4a` is the only signature it takes (`CloudFront` key-value stores).
    pub needs_sigv4a: bool,
}

/// The service's traits; it may be named by endpoint prefix (`email`) or as SDKs name it (`sesv2`).
///
/// A service that the tables do not know gets what new services have: its prefix's last label as the signing name,
/// the common path encoding and JSON over REST.
///
/// ```
/// use auth_model::ServiceId;
/// use aws_endpoints::{PathEncoding, Protocol, traits_of};
///
/// let traits = traits_of(&ServiceId::parse("bedrock-runtime")?);
/// assert_eq!(traits.signing_name.as_str(), "bedrock");
/// assert_eq!((traits.path_encoding, traits.protocol), (PathEncoding::Double, Protocol::RestJson));
/// # Ok::<(), auth_model::InvalidServiceId>(())
/// ```
#[must_use]
pub fn traits_of(service: &ServiceId) -> ServiceTraits {
    let known = TABLES.service(service.as_str());
    let prefix = known.map_or(service.as_str(), |known| known.prefix);
    let path_encoding = match prefix {
        "s3" | "s3express" | "s3-object-lambda" | "s3-outposts" => PathEncoding::Single,
        "s3-control" => PathEncoding::SingleKeepingSlash,
        _ => PathEncoding::Double,
    };
    let payload_must_be_unsigned = known.is_some_and(|known| known.payload_must_be_unsigned);
    ServiceTraits {
        signing_name: signing_name(known.map_or_else(|| last_label(prefix), |known| known.signing_name)),
        path_encoding,
        protocol: match (prefix, known) {
            // Its model is that of the Outposts' own API; the host also serves buckets and objects.
            ("s3-outposts", _) => Protocol::RestXml,
            (_, Some(known)) => known.protocol,
            (_, None) => Protocol::RestJson,
        },
        unsigned_payload_allowed: path_encoding == PathEncoding::Single || payload_must_be_unsigned,
        payload_must_be_unsigned,
        is_s3_family: path_encoding != PathEncoding::Double,
        needs_sigv4a: prefix == "cloudfront-keyvaluestore",
    }
}

/// The endpoint prefix of a service that may be named as SDKs name it: `ses` is `email`, `ecr` is `api.ecr`.
///
/// A prefix, and a name that the tables do not know, comes back as it is. `sso` and `sms-voice` are prefixes, and the
/// SDKs' names of other services: the prefix wins.
#[must_use]
pub fn endpoint_prefix_of(service: &ServiceId) -> ServiceId {
    TABLES
        .service(service.as_str())
        .and_then(|known| ServiceId::parse(known.prefix).ok())
        .unwrap_or_else(|| service.clone())
}

/// Every service of the tables by endpoint prefix, sorted.
#[must_use]
pub fn known_services() -> Vec<ServiceId> {
    let mut services: Vec<_> = TABLES
        .services()
        .filter_map(|known| ServiceId::parse(known.prefix).ok())
        .collect();
    services.sort();
    services
}

/// Every name by which the tables know a service: endpoint prefixes, then the names that SDKs have for some of them.
pub fn known_service_names() -> impl Iterator<Item = &'static str> {
    let prefixes = TABLES.services().map(|known| known.prefix);
    prefixes.chain(TABLES.services().flat_map(ServiceRow::sdk_names))
}

/// Whether the tables know the service, by any of its names.
#[must_use]
pub fn is_known_service(service: &ServiceId) -> bool {
    TABLES.service(service.as_str()).is_some()
}

/// `runtime.x` belongs to the service `x`: true of every dotted prefix in the tables.
fn last_label(prefix: &str) -> &str {
    prefix.rsplit('.').next().unwrap_or(prefix)
}

#[expect(
    clippy::expect_used,
    reason = "a test reads every name of the tables, and each label of a service id is a signing name"
)]
fn signing_name(name: &str) -> SigningName {
    SigningName::parse(name).expect("the tables and the labels of service ids hold signing names only")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(service: &str) -> ServiceTraits {
        traits_of(&ServiceId::parse(service).unwrap())
    }

    #[test]
    fn every_service_of_the_tables_has_traits() {
        for service in TABLES.services() {
            assert_eq!(traits(service.prefix).signing_name.as_str(), service.signing_name);
        }
    }

    #[test]
    fn the_signing_name_is_not_always_the_prefix() {
        for (service, name) in [
            ("api.ecr", "ecr"),
            ("bedrock-runtime", "bedrock"),
            ("email", "ses"),
            ("sesv2", "ses"),
            ("ecr", "ecr"),
            ("runtime.sagemaker", "sagemaker"),
            ("streams.dynamodb", "dynamodb"),
            ("transcribestreaming", "transcribe"),
            ("api.tunneling.iot", "IoTSecuredTunneling"),
            ("s3-control", "s3"),
            ("monitoring", "monitoring"),
            ("aps-workspaces", "aps"),
            ("not-yet-built", "not-yet-built"),
            ("api.not-yet-built", "not-yet-built"),
        ] {
            assert_eq!(traits(service).signing_name.as_str(), name, "{service}");
        }
    }

    #[test]
    fn only_the_s3_family_encodes_paths_once() {
        use PathEncoding::{Double, Single, SingleKeepingSlash};
        for (service, encoding) in [
            ("s3", Single),
            ("s3express", Single),
            ("s3-object-lambda", Single),
            ("s3-outposts", Single),
            ("s3control", SingleKeepingSlash),
            ("s3tables", Double),
            ("s3vectors", Double),
            ("glacier", Double),
            ("not-yet-built", Double),
        ] {
            assert_eq!(traits(service).path_encoding, encoding, "{service}");
            assert_eq!(traits(service).is_s3_family, encoding != Double, "{service}");
        }
    }

    #[test]
    fn the_protocol_decides_the_shape_of_errors() {
        for (service, protocol) in [
            ("s3", Protocol::RestXml),
            ("ec2", Protocol::Ec2),
            ("sts", Protocol::Query),
            ("iam", Protocol::Query),
            ("dynamodb", Protocol::Json),
            ("workspaces", Protocol::Json),
            ("bedrock-runtime", Protocol::RestJson),
            ("route53", Protocol::RestXml),
            ("cloudwatch-omni", Protocol::RpcV2Cbor),
        ] {
            assert_eq!(traits(service).protocol, protocol, "{service}");
        }
        assert!(Protocol::Ec2.has_xml_errors() && !Protocol::RpcV2Cbor.has_xml_errors());
    }

    #[test]
    fn payloads_may_stay_unsigned_only_where_servers_say_so() {
        for (service, allowed) in [
            ("s3", true),
            ("s3express", true),
            ("s3-control", false),
            ("vpc-lattice-svcs", true),
            ("dynamodb", false),
        ] {
            assert_eq!(traits(service).unsigned_payload_allowed, allowed, "{service}");
        }
    }

    #[test]
    fn lattice_alone_takes_no_signed_payload() {
        let unsigned = known_services()
            .into_iter()
            .filter(|service| traits_of(service).payload_must_be_unsigned);
        assert_eq!(
            unsigned.map(|service| service.to_string()).collect::<Vec<_>>(),
            ["vpc-lattice-svcs"]
        );
    }

    #[test]
    fn every_prefix_is_a_service_id() {
        assert_eq!(known_services().len(), TABLES.services().count());
        assert!(known_service_names().any(|name| name == "email") && known_service_names().any(|name| name == "ses"));
        assert!(known_services().iter().all(is_known_service));
        assert!(!is_known_service(&ServiceId::parse("bedrok-runtime").unwrap()));
    }

    #[test]
    fn sdk_names_lead_to_endpoint_prefixes() {
        for (name, prefix) in [
            ("ses", "email"),
            ("ecr", "api.ecr"),
            ("s3", "s3"),
            ("cloudwatch", "monitoring"),
            ("sso", "sso"),
            ("x", "x"),
        ] {
            assert_eq!(endpoint_prefix_of(&ServiceId::parse(name).unwrap()).as_str(), prefix);
        }
    }
}
