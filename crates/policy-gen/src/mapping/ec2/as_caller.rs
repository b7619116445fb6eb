//! What EC2 reads and writes in other services as the caller: buckets of S3, and deliveries of logs.
//!
//! Sources: EC2 User Guide, "Store and restore an AMI" and "Spot Instance data feed"; VM Import/Export User Guide,
//! "Required permissions"; VPC User Guide, "Publish flow logs to Amazon S3"; Verified Access Guide, "Access logs". Where
//! AWS does not say whose permissions count, it is taken to be the caller's.

use super::super::form::Form;
use super::super::rows::push;
use super::super::s3::{Objects, bucket, objects, of_uri};
use super::super::{MappingError, Need, Request, Resource, Unresolved};

/// A bucket that an operation uses.
#[derive(Debug)]
struct Use {
    operation: &'static str,
    actions: &'static [&'static str],
    /// The parameter with its name.
    bucket: &'static str,
    at: At,
}

/// Where in the bucket.
#[derive(Debug)]
enum At {
    /// The object whose key is in this parameter; everything where there is none.
    Key(&'static str),
    /// The object that is called after the image.
    Image,
    /// All below the prefix in this parameter.
    Below(&'static str),
    /// Anywhere in it.
    Anywhere,
    /// The bucket itself.
    Itself,
}

const READ: &[&str] = &["s3:GetObject"];
const WRITE: &[&str] = &["s3:PutObject"];

const USES: [Use; 15] = [
    uses(
        "BundleInstance",
        WRITE,
        "Storage.S3.Bucket",
        At::Below("Storage.S3.Prefix"),
    ),
    uses(
        "CreateCapacityManagerDataExport",
        WRITE,
        "S3BucketName",
        At::Below("S3BucketPrefix"),
    ),
    uses(
        "CreateFpgaImage",
        READ,
        "InputStorageLocation.Bucket",
        At::Key("InputStorageLocation.Key"),
    ),
    uses(
        "CreateFpgaImage",
        WRITE,
        "LogsStorageLocation.Bucket",
        At::Below("LogsStorageLocation.Key"),
    ),
    uses(
        "CreateInstanceExportTask",
        WRITE,
        "ExportToS3.S3Bucket",
        At::Below("ExportToS3.S3Prefix"),
    ),
    uses("CreateRestoreImageTask", READ, "Bucket", At::Key("ObjectKey")),
    uses(
        "CreateSpotDatafeedSubscription",
        &["s3:GetBucketAcl", "s3:PutBucketAcl"],
        "Bucket",
        At::Itself,
    ),
    uses("CreateStoreImageTask", WRITE, "Bucket", At::Image),
    uses(
        "ExportImage",
        WRITE,
        "S3ExportLocation.S3Bucket",
        At::Below("S3ExportLocation.S3Prefix"),
    ),
    uses("ExportTransitGatewayRoutes", WRITE, "S3Bucket", At::Anywhere),
    uses(
        "ImportImage",
        READ,
        "DiskContainer.UserBucket.S3Bucket",
        At::Key("DiskContainer.UserBucket.S3Key"),
    ),
    uses(
        "ImportSnapshot",
        READ,
        "DiskContainer.UserBucket.S3Bucket",
        At::Key("DiskContainer.UserBucket.S3Key"),
    ),
    uses(
        "StartDeclarativePoliciesReport",
        WRITE,
        "S3Bucket",
        At::Below("S3Prefix"),
    ),
    // Places in one parameter: a path, a URL, an ARN.
    uses("RegisterImage", READ, "ImageLocation", At::Anywhere),
    uses(
        "GetFlowLogsIntegrationTemplate",
        WRITE,
        "ConfigDeliveryS3DestinationArn",
        At::Anywhere,
    ),
];

/// Names that show that a parameter is about S3. Those of [`DELIVERIES`] are not read as the caller.
const WORDS: [&str; 5] = ["Bucket", "S3", "ImageLocation", "StorageLocation", "DiskContainer.Url"];

/// Operations that have logs delivered, and the parameters that ask for it.
const DELIVERIES: [(&str, &str); 5] = [
    ("CreateVpnConnection", "Options.TunnelOptions.LogOptions"),
    ("ModifyVpnTunnelOptions", "TunnelOptions.LogOptions"),
    (
        "ModifyVerifiedAccessInstanceLoggingConfiguration",
        "AccessLogs.CloudWatchLogs",
    ),
    (
        "ModifyVerifiedAccessInstanceLoggingConfiguration",
        "AccessLogs.KinesisDataFirehose",
    ),
    ("ModifyVerifiedAccessInstanceLoggingConfiguration", "AccessLogs.S3"),
];

const fn uses(operation: &'static str, actions: &'static [&'static str], bucket: &'static str, at: At) -> Use {
    Use {
        operation,
        actions,
        bucket,
        at,
    }
}

/// Adds what the operation needs besides `ec2:NAME`.
pub(super) fn add(name: &str, request: &Request<'_>, form: &Form, needs: &mut Vec<Need>) -> Result<(), MappingError> {
    let mut known: Vec<&str> = Vec::new();
    for used in USES.iter().filter(|used| used.operation == name) {
        known.push(used.bucket);
        if !form.has(used.bucket) {
            continue;
        }
        for resource in used.resources(request, form)? {
            for action in used.actions {
                push(needs, Need::new(*action, resource.clone()))?;
            }
            if form.has("S3ObjectTag") {
                push(needs, Need::new("s3:PutObjectTagging", resource))?;
            }
        }
    }
    if matches!(name, "ImportImage" | "ImportSnapshot") {
        known.push("DiskContainer.Url");
        for url in form.texts("DiskContainer.Url")? {
            push(needs, Need::new("s3:GetObject", of_url(request, url)?))?;
        }
    }
    let delivers = DELIVERIES.iter().filter(|(operation, _)| *operation == name);
    let delivers = delivers.fold(false, |found, (_, path)| {
        known.push(path);
        found || form.has(path)
    });
    if delivers || (name == "CreateFlowLogs" && is_delivered(form)?) {
        push(needs, Need::new("logs:CreateLogDelivery", Resource::Any))?;
    }
    if known.is_empty() && form.paths().any(|path| WORDS.iter().any(|word| path.contains(word))) {
        // No operation that is known here has it: what it would do is not known, but it is done in S3.
        let unknown = Unresolved::Indirect("a parameter that is not known to belong to the operation");
        push(needs, Need::new("s3:PutObject", Resource::Unresolved(unknown)))?;
    }
    Ok(())
}

/// Whether flow logs go by a delivery. To Amazon's own log groups they go by a role, which is passed.
fn is_delivered(form: &Form) -> Result<bool, MappingError> {
    let kinds = form.texts("LogDestinationType")?;
    let to = form.texts("LogDestination")?;
    let is_logs = |arn: &&str| arn.split(':').nth(2) == Some("logs");
    Ok(!kinds.iter().all(|kind| *kind == "cloud-watch-logs") || !to.iter().all(is_logs))
}

impl Use {
    fn resources(&self, request: &Request<'_>, form: &Form) -> Result<Vec<Resource>, MappingError> {
        let names = form.texts(self.bucket)?;
        // Of several, which key is in which bucket is in the numbers of the lists.
        let one = |parameter: &str| -> Result<Option<&str>, MappingError> {
            Ok(match form.texts(parameter)?.as_slice() {
                [one] if names.len() == 1 => Some(*one),
                _ => None,
            })
        };
        let resource = |name: &&str| match (self.operation, &self.at) {
            ("RegisterImage", _) => of_path(request, name),
            ("GetFlowLogsIntegrationTemplate", _) => of_arn(request, name),
            (_, At::Itself) => bucket(request, name),
            (_, At::Key(key)) => match one(key)? {
                Some(key) => objects(request, name, Objects::Of(key)),
                None => objects(request, name, Objects::Below("")),
            },
            (_, At::Image) => match one("ImageId")? {
                Some(id) => objects(request, name, Objects::Of(&[id, ".bin"].concat())),
                None => objects(request, name, Objects::Below("")),
            },
            (_, At::Below(prefix)) => objects(request, name, Objects::Below(one(prefix)?.unwrap_or_default())),
            (_, At::Anywhere) => objects(request, name, Objects::Below("")),
        };
        names.iter().map(resource).collect()
    }
}

fn unknown_place() -> Resource {
    Resource::Unresolved(Unresolved::Indirect("a place in S3 that is not read here"))
}

/// `BUCKET/KEY` of a manifest, whose parts lie beside it.
fn of_path(request: &Request<'_>, path: &str) -> Result<Resource, MappingError> {
    match path.split_once('/') {
        Some((name, key)) if !path.contains("//") && !name.is_empty() => {
            let folder = key.rfind('/').and_then(|at| key.get(..=at)).unwrap_or_default();
            objects(request, name, Objects::Below(folder))
        }
        _ => Ok(unknown_place()),
    }
}

/// `s3://BUCKET/KEY`; of other URLs only AWS knows what they name.
fn of_url(request: &Request<'_>, url: &str) -> Result<Resource, MappingError> {
    match url.strip_prefix("s3://") {
        Some(_) => of_uri(request, url),
        None => Ok(unknown_place()),
    }
}

/// `arn:PARTITION:s3:::BUCKET/PREFIX`.
fn of_arn(request: &Request<'_>, arn: &str) -> Result<Resource, MappingError> {
    match arn.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "s3", "", "", place] => {
            let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
            objects(request, name, Objects::Below(prefix))
        }
        _ => Ok(unknown_place()),
    }
}

#[cfg(test)]
mod tests {
    use crate::mapping::test_request::test_request;

    /// What the form needs of other services.
    #[track_caller]
    fn check(form: &str, want: &[&str]) {
        let mapping = test_request("POST ec2.eu-west-1.amazonaws.com/")
            .with_body(form)
            .map()
            .unwrap();
        let others = mapping.required.iter().filter(|need| !need.action.starts_with("ec2:"));
        let shown = others.map(|need| {
            let resource = need.resource.to_iam().map_or_else(|| "?".to_owned(), Into::into);
            format!("{} {}", need.action, resource.replace("arn:aws:s3:::", ""))
        });
        assert_eq!(shown.collect::<Vec<_>>(), want, "{form}");
    }

    #[test]
    fn buckets_are_read_and_written_as_the_caller() {
        for (form, want) in [
            (
                "CreateStoreImageTask&ImageId=ami-1&Bucket=b",
                "s3:PutObject b/ami-1.bin",
            ),
            (
                "CreateRestoreImageTask&ObjectKey=ami-1.bin&Bucket=b",
                "s3:GetObject b/ami-1.bin",
            ),
            (
                "BundleInstance&InstanceId=i-1&Storage.S3.Bucket=b&Storage.S3.Prefix=p",
                "s3:PutObject b/p*",
            ),
            ("CreateCapacityManagerDataExport&S3BucketName=b", "s3:PutObject b/*"),
            (
                "CreateInstanceExportTask&ExportToS3.S3Bucket=b&ExportToS3.S3Prefix=p/",
                "s3:PutObject b/p/*",
            ),
            (
                "ExportImage&S3ExportLocation.S3Bucket=b&S3ExportLocation.S3Prefix=p/",
                "s3:PutObject b/p/*",
            ),
            ("ExportTransitGatewayRoutes&S3Bucket=b", "s3:PutObject b/*"),
            (
                "StartDeclarativePoliciesReport&S3Bucket=b&S3Prefix=p",
                "s3:PutObject b/p*",
            ),
            (
                "RegisterImage&ImageLocation=b/f/image.manifest.xml",
                "s3:GetObject b/f/*",
            ),
            ("RegisterImage&ImageLocation=b/image.manifest.xml", "s3:GetObject b/*"),
            (
                "RegisterImage&ImageLocation=https://b/image.manifest.xml",
                "s3:GetObject ?",
            ),
            (
                "ImportSnapshot&DiskContainer.UserBucket.S3Bucket=b&DiskContainer.UserBucket.S3Key=k",
                "s3:GetObject b/k",
            ),
            (
                "ImportImage&DiskContainer.1.UserBucket.S3Bucket=b&DiskContainer.1.UserBucket.S3Key=k",
                "s3:GetObject b/k",
            ),
            ("ImportImage&DiskContainer.1.Url=s3://b/k", "s3:GetObject b/k"),
            (
                "ImportImage&DiskContainer.1.Url=https://b.s3.amazonaws.com/k",
                "s3:GetObject ?",
            ),
            (
                "GetFlowLogsIntegrationTemplate&ConfigDeliveryS3DestinationArn=arn:aws:s3:::b/p",
                "s3:PutObject b/p*",
            ),
            (
                "GetFlowLogsIntegrationTemplate&ConfigDeliveryS3DestinationArn=b",
                "s3:PutObject ?",
            ),
            // An operation that is not known to have the parameter.
            ("DescribeVpcs&S3Bucket=b", "s3:PutObject ?"),
        ] {
            check(&format!("Action={form}"), &[want]);
        }
        check(
            "Action=CreateSpotDatafeedSubscription&Bucket=b",
            &["s3:GetBucketAcl b", "s3:PutBucketAcl b"],
        );
        check(
            "Action=CreateFpgaImage&InputStorageLocation.Bucket=a&InputStorageLocation.Key=k&LogsStorageLocation.Bucket=b",
            &["s3:GetObject a/k", "s3:PutObject b/*"],
        );
        let two = "Action=ImportImage&DiskContainer.1.UserBucket.S3Bucket=a&DiskContainer.2.UserBucket.S3Bucket=b\
                   &DiskContainer.1.UserBucket.S3Key=k";
        check(two, &["s3:GetObject a/*", "s3:GetObject b/*"]);
        check("Action=RegisterImage&RootDeviceName=a", &[]);
    }

    #[test]
    fn deliveries_of_logs_are_made_as_the_caller() {
        let deliver = "logs:CreateLogDelivery *";
        for form in [
            "CreateFlowLogs&ResourceId.1=vpc-1&LogDestinationType=s3&LogDestination=arn:aws:s3:::b",
            "CreateFlowLogs&ResourceId.1=vpc-1&LogDestination=arn:aws:s3:::b",
            "CreateFlowLogs&ResourceId.1=vpc-1&LogDestinationType=kinesis-data-firehose",
            "ModifyVpnTunnelOptions&TunnelOptions.LogOptions.CloudWatchLogOptions.LogEnabled=true",
            "ModifyVerifiedAccessInstanceLoggingConfiguration&AccessLogs.S3.BucketName=b&AccessLogs.S3.Enabled=true",
        ] {
            check(&format!("Action={form}"), &[deliver]);
        }
        check("Action=CreateFlowLogs&ResourceId.1=vpc-1&LogGroupName=g", &[]);
        let to_logs =
            "Action=CreateFlowLogs&LogDestinationType=cloud-watch-logs&LogDestination=arn:aws:logs:r:1:log-group:g";
        check(to_logs, &[]);
    }
}
