//! Reads what a request says about its own signature: the `Authorization` header or a presigned query.

use std::time::Duration;

use auth_model::Secret;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::event::Reason;
use crate::service_error::ServiceError;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// A presigned URL lives for a week at most.
const MAX_EXPIRES: u64 = 7 * 24 * 3600;

/// What a request claims. Nothing of it has been checked against a key.
pub(crate) struct Claim {
    pub(crate) credential: Credential,
    /// Lower-case names, in the order given.
    pub(crate) signed_headers: Vec<String>,
    pub(crate) signature: String,
    /// `x-amz-date` as sent.
    pub(crate) time: String,
    pub(crate) token: Option<Secret>,
    pub(crate) placement: Placement,
}

/// An access key and the scope it signs for: `KEY/YYYYMMDD/region/service/aws4_request`.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Credential {
    pub(crate) access_key_id: String,
    /// The scope's day, `YYYYMMDD`.
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Credential {
    fn parse(text: &str) -> Result<Self, ServiceError> {
        let parts: Vec<&str> = text.split('/').collect();
        let [key, date, region, service, "aws4_request"] = parts.as_slice() else {
            return Err(malformed(
                "Credential must be of the form KEY/YYYYMMDD/region/service/aws4_request",
            ));
        };
        if [key, date, region, service].iter().any(|part| part.is_empty()) {
            return Err(malformed("Credential has an empty part"));
        }
        Ok(Self {
            access_key_id: (*key).to_owned(),
            date: (*date).to_owned(),
            region: (*region).to_owned(),
            service: (*service).to_owned(),
        })
    }
}

/// Where the signature is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Placement {
    Header,
    Query { expires: Duration },
}

impl Claim {
    /// # Errors
    /// [`Reason::MissingAuthentication`] without any, [`Reason::MalformedAuthorization`] where a part is missing,
    /// given twice or unreadable.
    pub(crate) fn read(head: &Parts) -> Result<Self, ServiceError> {
        let query = head.uri.query().unwrap_or_default();
        let is_presigned = pairs(query).any(|(name, _)| name == "X-Amz-Signature");
        match (single(&head.headers, AUTHORIZATION.as_str())?, is_presigned) {
            (Some(_), true) => Err(malformed("Only one auth mechanism allowed")),
            (Some(authorization), false) => Self::from_header(authorization, &head.headers),
            (None, true) => Self::from_query(query),
            (None, false) => Err(ServiceError::new(
                Reason::MissingAuthentication,
                "Request is missing Authentication Token",
            )),
        }
    }

    fn from_header(authorization: &str, headers: &HeaderMap) -> Result<Self, ServiceError> {
        let fields = authorization
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.starts_with(' '))
            .ok_or_else(|| malformed(format!("Authorization header requires the algorithm {ALGORITHM}")))?;
        let field = |name: &str| {
            let mut found = fields
                .split(',')
                .filter_map(|field| field.trim().split_once('='))
                .filter(|(field, _)| *field == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) if !value.is_empty() => Ok(value),
                _ => Err(malformed(format!(
                    "Authorization header requires '{name}' parameter once."
                ))),
            }
        };
        let time = single(headers, "x-amz-date")?
            .ok_or_else(|| malformed("Authorization header requires existence of the 'X-Amz-Date' header."))?;
        let token = single(headers, "x-amz-security-token")?.map(Secret::new);
        Ok(Self {
            credential: Credential::parse(field("Credential")?)?,
            signature: field("Signature")?.to_owned(),
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            time: time.to_owned(),
            token,
            placement: Placement::Header,
        })
    }

    fn from_query(query: &str) -> Result<Self, ServiceError> {
        let parameter = |name: &str| {
            let mut found = pairs(query).filter(|(given, _)| given == name);
            match (found.next(), found.next()) {
                (first, None) => Ok(first.map(|(_, value)| value)),
                (_, Some(_)) => Err(malformed(format!("The query parameter {name} is given twice"))),
            }
        };
        let required = |name: &str| {
            parameter(name)?.ok_or_else(|| malformed(format!("AWS query-string parameters must include '{name}'")))
        };
        if required("X-Amz-Algorithm")? != ALGORITHM {
            return Err(malformed(format!("X-Amz-Algorithm must be {ALGORITHM}")));
        }
        let expires = required("X-Amz-Expires")?
            .parse()
            .ok()
            .filter(|seconds| (1..=MAX_EXPIRES).contains(seconds))
            .ok_or_else(|| malformed(format!("X-Amz-Expires must be 1 to {MAX_EXPIRES} seconds")))?;
        Ok(Self {
            credential: Credential::parse(&required("X-Amz-Credential")?)?,
            signature: required("X-Amz-Signature")?,
            signed_headers: required("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
            time: required("X-Amz-Date")?,
            token: parameter("X-Amz-Security-Token")?.map(Secret::new),
            placement: Placement::Query {
                expires: Duration::from_secs(expires),
            },
        })
    }
}

/// The query's pairs, decoded. `+` stays `+`: none of the names and values read here has a space.
fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        (decode(name), decode(value))
    })
}

/// The one value of a header that AWS takes once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ServiceError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(Some)
            .map_err(|_| malformed(format!("The header {name} is not visible ASCII"))),
        (Some(_), Some(_)) => Err(malformed(format!("The header {name} is given twice"))),
    }
}

fn malformed(message: impl Into<String>) -> ServiceError {
    ServiceError::new(Reason::MalformedAuthorization, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date,Signature=00ff";

    fn read(uri: &str, headers: &[(&str, &str)]) -> Result<Claim, Reason> {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Claim::read(&request.body(()).unwrap().into_parts().0).map_err(|error| error.reason)
    }

    #[test]
    fn a_header_is_taken_apart() {
        let claim = read("/", &[("authorization", GOOD), ("x-amz-date", "20150830T123600Z")]).unwrap();
        let credential = Credential {
            access_key_id: "AKID".to_owned(),
            date: "20150830".to_owned(),
            region: "us-east-1".to_owned(),
            service: "ec2".to_owned(),
        };
        assert_eq!(claim.credential, credential);
        assert_eq!(claim.signed_headers, ["host", "x-amz-date"]);
        assert_eq!(claim.signature, "00ff");
        assert_eq!(claim.placement, Placement::Header);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(read("/", &[]).err(), Some(Reason::MissingAuthentication));
        let date = ("x-amz-date", "20150830T123600Z");
        let malformed = Some(Reason::MalformedAuthorization);
        for bad in [
            "",
            "Basic abc",
            "AWS AKID:signature",
            "AWS4-HMAC-SHA256",
            &GOOD.replace("Signature=00ff", ""),
            &GOOD.replace("/aws4_request", ""),
            &GOOD.replace("us-east-1", ""),
            &format!("{GOOD}, Signature=11"),
        ] {
            assert_eq!(read("/", &[("authorization", bad), date]).err(), malformed, "{bad}");
        }
        let good = ("authorization", GOOD);
        assert_eq!(read("/", &[good]).err(), malformed);
        assert_eq!(read("/", &[good, good, date]).err(), malformed);
        assert_eq!(read("/", &[good, date, date]).err(), malformed);
        assert_eq!(read("/?X-Amz-Signature=1", &[good, date]).err(), malformed);
        assert_eq!(read("/?X-Amz-Signature=1", &[]).err(), malformed);
    }
}
