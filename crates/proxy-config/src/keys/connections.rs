//! `[connections.NAME]`.

use super::declare::tables;
use super::{KIB, MIB, RawAuth, RawLimits, RawRetry, RawTimeouts};
use crate::choice::Choice as _;
use crate::{AllowMode, BucketAddressing, BucketOwner, ChecksumMode, PayloadMode, PresignedMode};

tables! {
    /// `[connections.NAME]`.
    RawConnection {
        /// Endpoint prefix: `"s3"`, `"ec2"`, `"workspaces"`, `"bedrock-runtime"`, `"dynamodb"`, any that speaks SigV4;
        /// or the name that SDKs use, so `"ses"` is `"email"`. `"bedrock"` is a service of its own beside
        /// `"bedrock-runtime"`, which runs models. Required.
        service: Text("an endpoint prefix"),
            note "endpoint prefix: s3, ec2, workspaces, bedrock-runtime, dynamodb, ...", sample "s3";
        /// Where requests go and what they are signed for: `"eu-west-1"`. A region that is not AWS's needs an
        /// `endpoint`. Required.
        region: Text("a region"), sample "eu-west-1";
        /// Where requests go instead of AWS: a VPC endpoint, an S3-compatible server, an emulator. Scheme, host and
        /// port, nothing else. `http://` sends bodies and session tokens in the clear, and leads beyond this machine
        /// only with `allow_cleartext`. None of the proxy's own listeners.
        endpoint: Endpoint,
            note "a VPC endpoint, an S3-compatible server, an emulator", sample "https://127.0.0.1:8333";
        /// The STS of this connection, before `sts.endpoint`.
        sts_endpoint: Endpoint, note "before sts.endpoint", sample "https://sts.internal";
        /// Whether `endpoint` and `sts_endpoint` may be `http://` beyond this machine: see [cleartext](upstream.md#cleartext).
        allow_cleartext: Boolean = false, note "true lets the two be http:// beyond this machine";
        /// Hosts that name somebody's own resource, or an account other than the connection's, for which it signs:
        /// `["abc123.execute-api.eu-west-1.amazonaws.com", "*.lambda-url.eu-west-1.on.aws"]`. See [whose
        /// host](#whose-host).
        hosts: List("host names, or *. and the end of some") = [],
            note r#"of somebody's own resources: ["*.lambda-url.eu-west-1.on.aws"]"#;
        /// `"account"` has S3 reject requests whose bucket is not the connection's account's: see [whose
        /// host](#whose-host).
        expected_bucket_owner: Choice(BucketOwner::NAMES), note "S3 rejects buckets of other accounts", sample "account";
        /// A listener of the connection's own, in gateway mode.
        listen: Listener = "off", note r#"such as "127.0.0.1:8081": gateway mode for this connection alone"#;
        /// The service's name in the signing scope, where the table's is not wanted: `"s3"`.
        signing_name: Text("a signing name"), note "where the endpoint table's is not wanted", sample "s3";
        /// How buckets are named upstream: `endpoint/BUCKET` or `BUCKET.endpoint`. `"virtual"` only for S3, and not
        /// where the endpoint is an IP address.
        bucket_addressing: Choice(BucketAddressing::NAMES) = "path", note r#"or "virtual": BUCKET.host"#;
        /// AWS's FIPS endpoint. Not beside `endpoint`.
        use_fips: Boolean = false;
        /// AWS's IPv4 and IPv6 endpoint. Not beside `endpoint`.
        use_dualstack: Boolean = false;
        /// How a body is authenticated; see below.
        payload: Choice(PayloadMode::NAMES) = "auto",
            note r#""signed", "unsigned", "streaming", "streaming-trailer", "unsigned-trailer""#;
        /// The checksum that is computed of an upload while it passes, where `payload` wants one. Servers from before
        /// 2025 know `"crc32c"` only.
        checksum: Choice(ChecksumMode::NAMES) = "crc64nvme",
            note r#"or "crc32c": behind an upload that goes out while it comes in"#;
        /// Bytes of such an upload in each of its chunks. A signed chunk is held in memory until it is full.
        // S3 takes no less. A signed upload of 1 GiB took 1.45 s of CPU with chunks of 8 KiB, 1.31 s with 64 KiB and 1.30 s with
        // 256 KiB; with 1 MiB its peak of memory was 17.5 MiB instead of 15.
        chunk_size: Size(8 * KIB..=MIB) = "64KiB", note "of such an upload";
        /// Whether a `PutObject` of unknown length becomes a multipart upload instead of being spooled; see below. S3
        /// only.
        multipart: Boolean = false, note "true: uploads of unknown length go out in parts instead of to the disk";
        /// Bytes in each of its parts, for the first 3,000 of them.
        // S3 takes no less, but for the last part.
        part_size: Size(5 * MIB..=512 * MIB) = "5MiB", note "of such an upload";
        /// What becomes of a request that carries a signature in its query, thus somebody else's identity: rejected,
        /// sent as it is, or signed again without it.
        presigned: Choice(PresignedMode::NAMES) = "reject",
            note r#"a signature in the query: "pass" it as it is, or "resign""#;
        /// Fields that pass although they are dropped by default: `"cookie"`, `"referer"`, `"set-cookie"`; see below.
        pass_fields: List("header fields") = [], note r#"dropped otherwise: "cookie", "referer", "set-cookie""#;
        /// The account that resources are in, for `allow` and `record`, where a request does not name it. Without it
        /// that of the role whose ARN is configured; else STS is called once.
        account: Text("an account id"),
            note "whose resources are meant where a request does not name it", sample "111122223333";
        /// What clients may do: an IAM policy, inline (it begins with `{`) or in a file. A request for anything else is
        /// rejected before it is signed; see [policies](../policies.md#enforce-it-in-the-proxy).
        allow: Text("an IAM policy, or the path of its file"),
            note "or a path",
            sample r#"'{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}]}'"#;
        /// What becomes of a request that `allow` does not allow: rejected, or logged and counted only.
        allow_mode: Choice(AllowMode::NAMES) = "enforce", note r#""log": what would be rejected is logged, and passes"#;
        /// Stores in this file which actions on which resources were requested; see [policies](../policies.md#record).
        /// The file need not exist; its folder must.
        record: Path("a file"),
            note "stores what was requested, for policy from-record", sample "/var/lib/signing-proxy/reports.json";
        /// Actions whose responses hold credentials, which clients use past the proxy: `["ecr:GetAuthorizationToken"]`,
        /// or `["*"]` for all of them. Requests for others are rejected with `credentials-not-vended`, with a policy in
        /// `allow` and without; where there is one, it must allow the action as well. See
        /// [policies](../policies.md#credentials-are-not-handed-out).
        vend_credentials: List("actions that hand out credentials") = [],
            note r#"what hands out credentials is rejected but for these: ["ecr:GetAuthorizationToken"], ["*"]"#;
        [limits]: RawLimits = "defaults.limits", note "instead of [defaults.limits]";
        [timeouts]: RawTimeouts = "defaults.timeouts", note "instead of [defaults.timeouts]";
        [retry]: RawRetry = "retry", note "instead of [retry]";
        [auth]: Option<RawAuth>;
    }
}
