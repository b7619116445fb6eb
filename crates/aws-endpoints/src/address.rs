//! At which addresses AWS's names may be.
//!
//! AWS's services have public addresses, and private ones behind a VPC endpoint. A name of AWS's that leads to this machine,
//! to its link or to a group is somebody else's doing (a resolver, a hosts file), and the metadata service or an
//! administrative port may listen there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::host::parse_host;

/// A block of addresses, such as `127.0.0.0/8`; or one address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AddressBlock(IpNet);

/// Why a text is no [`AddressBlock`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(r#"not an address or a CIDR block, such as "127.0.0.0/8""#)]
pub struct InvalidAddressBlock;

impl FromStr for AddressBlock {
    type Err = InvalidAddressBlock;

    fn from_str(text: &str) -> Result<Self, InvalidAddressBlock> {
        let net = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(Self).map_err(|_| InvalidAddressBlock)
    }
}

impl AddressBlock {
    /// Whether the address, or the IPv4 address in it, is in the block.
    fn holds(&self, ip: IpAddr) -> bool {
        std::iter::once(ip).chain(embedded(ip)).any(|ip| self.0.contains(&ip))
    }
}

/// Which addresses are taken for AWS's names.
///
/// ```
/// use aws_endpoints::AddressRules;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rules = AddressRules::default();
/// assert!(rules.check("s3.eu-west-1.amazonaws.com", "127.0.0.1".parse()?).is_err());
/// assert!(rules.check("s3.eu-west-1.amazonaws.com", "52.218.0.1".parse()?).is_ok());
/// assert!(rules.check("storage.example.com", "127.0.0.1".parse()?).is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AddressRules {
    allowed: Vec<AddressBlock>,
}

impl AddressRules {
    /// Those of AWS, and these blocks besides.
    #[must_use]
    pub fn with_allowed(allowed: Vec<AddressBlock>) -> Self {
        Self { allowed }
    }

    /// Whether a connection may be made to this address for this host name.
    ///
    /// Any address will do for names that are not AWS's. VPC Lattice has link-local addresses.
    ///
    /// # Errors
    ///
    /// [`AddressRejected`].
    pub fn check(&self, name: &str, ip: IpAddr) -> Result<(), AddressRejected> {
        if !is_reserved(ip) || self.allowed.iter().any(|block| block.holds(ip)) || !is_aws_name(name) {
            return Ok(());
        }
        if is_lattice_name(name) && LATTICE.iter().any(|net| net.contains(&ip)) {
            return Ok(());
        }
        Err(AddressRejected {
            name: name.to_owned(),
            address: ip,
        })
    }
}

/// A name of AWS's resolves to an address at which AWS has no service.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{name} resolves to {address}, which is no address of an AWS service (loopback, link-local, unspecified or \
     multicast): correct the resolver or the hosts file, or list the address in upstream.allow_addresses"
)]
pub struct AddressRejected {
    /// The name.
    pub name: String,
    /// The address.
    pub address: IpAddr,
}

/// Where VPC Lattice's names lead. Source: VPC Lattice User Guide, "Control traffic in VPC Lattice using security groups".
const LATTICE: [IpNet; 2] = [
    IpNet::V4(v4([169, 254, 171, 0], 24)),
    IpNet::V6(v6(Ipv6Addr::new(0xfd00, 0xec2, 0x80, 0, 0, 0, 0, 0), 64)),
];

/// Addresses of IPv4 at which no service of AWS's is: this host, loopback, link-local (the metadata services), multicast,
/// broadcast. Source: IANA IPv4 Special-Purpose Address Registry.
const RESERVED_V4: [Ipv4Net; 5] = [
    v4([0, 0, 0, 0], 8),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([224, 0, 0, 0], 4),
    v4([255, 255, 255, 255], 32),
];

/// The same of IPv6. AWS's own link-local services, the metadata of EC2 and EKS among them, are below `fd00:ec2::`.
const RESERVED_V6: [Ipv6Net; 5] = [
    v6(Ipv6Addr::UNSPECIFIED, 128),
    v6(Ipv6Addr::LOCALHOST, 128),
    v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    v6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    v6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(ip: Ipv6Addr, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(ip, prefix)
}

fn is_reserved(ip: IpAddr) -> bool {
    std::iter::once(ip).chain(embedded(ip)).any(|ip| match ip {
        IpAddr::V4(ip) => RESERVED_V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => RESERVED_V6.iter().any(|net| net.contains(&ip)),
    })
}

/// The IPv4 addresses that a translator or this machine may make of an IPv6 address: mapped and compatible ones (RFC 4291),
/// those of NAT64 (RFC 6052 with its own prefix, RFC 8215) and of 6to4 (RFC 3056).
fn embedded(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let found = match ip {
        IpAddr::V4(_) => [None, None],
        IpAddr::V6(ip) => match ip.octets() {
            // `::` and `::1` have rows of their own; all others of the compatible form hold an address.
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, rest @ ..] if rest > [0, 0, 0, 1] => [Some(rest), None],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, rest @ ..]
            | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, rest @ ..] => [Some(rest), None],
            // A local NAT64: with a prefix of 96 bits the address stands at the end, with one of 48 around bits 64 to 71.
            [0, 0x64, 0xff, 0x9b, 0, 1, 0, 0, .., a, b, c, d] | [0x20, 0x02, a, b, c, d, ..] => {
                [Some([a, b, c, d]), None]
            }
            [0, 0x64, 0xff, 0x9b, 0, 1, a, b, _, c, d, _, rest @ ..] => [Some(rest), Some([a, b, c, d])],
            _ => [None, None],
        },
    };
    found.into_iter().flatten().map(IpAddr::from)
}

/// Whether only AWS gives names like this one to anybody.
fn is_aws_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    // Names of services newer than the tables are AWS's too.
    !matches!(
        parse_host(&name),
        Err(crate::HostError::NotAws | crate::HostError::Malformed { .. })
    )
}

fn is_lattice_name(name: &str) -> bool {
    parse_host(name).is_ok_and(|host| host.service.as_str() == "vpc-lattice-svcs")
}

#[cfg(test)]
mod tests {
    use super::*;

    const S3: &str = "s3.eu-west-1.amazonaws.com";
    const LATTICE_NAME: &str = "x-y.7d67968.vpc-lattice-svcs.us-east-1.on.aws";

    fn allow(rules: &AddressRules, name: &str, ip: &str) -> bool {
        rules.check(name, ip.parse().unwrap()).is_ok()
    }

    #[test]
    fn names_of_aws_lead_to_no_reserved_address() {
        let rules = AddressRules::default();
        for ip in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.171.1",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd00:ec2:80::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::7f00:1",
            "64:ff9b:1:7f00:0:100::",
            "2002:7f00:1::",
        ] {
            for name in [
                S3,
                "S3.EU-West-1.amazonaws.com.",
                "no-such.eu-west-1.amazonaws.com",
                "x.lambda-url.eu-west-1.on.aws",
            ] {
                assert!(!allow(&rules, name, ip), "{name} at {ip}");
            }
            assert!(allow(&rules, "minio.internal", ip), "{ip}");
        }
    }

    #[test]
    fn public_and_private_addresses_are_normal() {
        for ip in [
            "52.218.1.1",
            "10.0.0.1",
            "172.31.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "2600:1f00::1",
            "fd12:3456::1",
            "64:ff9b::52.218.1.1",
            "64:ff9b:1::34da:101",
            "::ffff:10.0.0.1",
            "2002:34da:101::",
        ] {
            assert!(allow(&AddressRules::default(), S3, ip), "{ip}");
        }
    }

    #[test]
    fn lattice_has_its_link_local_addresses_and_no_others() {
        let rules = AddressRules::default();
        for (ip, want) in [
            ("169.254.171.0", true),
            ("169.254.171.255", true),
            ("fd00:ec2:80::a9fe:ab20", true),
            ("169.254.169.254", false),
            ("169.254.170.2", false),
            ("127.0.0.1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
        ] {
            assert_eq!(allow(&rules, LATTICE_NAME, ip), want, "{ip}");
        }
    }

    #[test]
    fn what_is_listed_is_allowed_in_every_form() {
        let rules = AddressRules::with_allowed(vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]);
        for ip in ["127.0.0.1", "127.1.1.1", "::1", "::ffff:127.0.0.1"] {
            assert!(allow(&rules, S3, ip), "{ip}");
        }
        for ip in ["169.254.169.254", "::", "fe80::1"] {
            assert!(!allow(&rules, S3, ip), "{ip}");
        }
    }

    #[test]
    fn blocks_are_addresses_or_cidr() {
        for text in ["127.0.0.0/8", "10.1.2.3", "fd00::/8", "::1"] {
            assert!(text.parse::<AddressBlock>().is_ok(), "{text}");
        }
        for text in ["", "127", "127.0.0.0/33", "localhost", "::1/129", "1.2.3.4/"] {
            assert_eq!(text.parse::<AddressBlock>(), Err(InvalidAddressBlock), "{text}");
        }
    }
}
