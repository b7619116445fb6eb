//! Every error the proxy responds with, on all of its listeners: its name, status, sentence and hint, in one table.

use http::StatusCode;

/// Defines [`ErrorCode`] and its table in one place, so that neither can miss a row.
macro_rules! errors {
    ($($variant:ident $status:ident $name:literal $message:literal $hint:literal)+) => {
        /// Which error it is. The name is what clients and metrics see, and never changes its meaning.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $name, "`: ", $message, ".")] $variant,)+
        }

        /// Every error code, in the order a request can meet them.
        pub const ERRORS: &[ErrorCode] = &[$(ErrorCode::$variant),+];

        impl ErrorCode {
            /// The name in the `x-signing-proxy-error` header, in bodies, logs and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The status of its response.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// What is wrong: one sentence, without its full stop, fit for any client.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ }
            }

            /// What the client can do about it, where nothing better is known.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
    };
}

impl ErrorCode {
    /// Whether an HTTP/1 connection ends with this error: somebody on the path may read the head, and with it what
    /// follows, in another way.
    #[must_use]
    pub const fn ends_connection(self) -> bool {
        matches!(
            self,
            Self::HeadMalformed
                | Self::HeadTooLarge
                | Self::HeadTimeout
                | Self::TlsUnsupported
                | Self::ConnectUnsupported
                | Self::TraceUnsupported
                | Self::HeadAmbiguous
                | Self::TargetMalformed
                | Self::TargetTooLong
                | Self::UserinfoInTarget
                | Self::HostMissing
                | Self::HostRepeated
                | Self::HostMalformed
                | Self::TransferEncodingUnsupported
                | Self::LengthRequired
                | Self::BodyIncomplete
        )
    }
}

errors! {
    // It is no request.
    HeadMalformed BAD_REQUEST "head-malformed"
        "the request line or a header field is not valid HTTP/1"
        "Percent-encode spaces and control characters in the target; keep header fields to one line each."
    HeadTooLarge REQUEST_HEADER_FIELDS_TOO_LARGE "head-too-large"
        "the request head is too large"
        "Send fewer or shorter header fields, or raise server.max_header_bytes."
    HeadTimeout REQUEST_TIMEOUT "head-timeout"
        "the request head did not arrive in time"
        "Send the head at once, or raise server.header_timeout."
    TlsUnsupported BAD_REQUEST "tls-unsupported"
        "this listener speaks plain HTTP, the client began with TLS"
        "Use http:// for the proxy's address; it speaks TLS to the service itself."

    // The head is checked.
    ConnectUnsupported NOT_IMPLEMENTED "connect-unsupported"
        "the proxy does not open tunnels: it cannot sign what it cannot read"
        "Use an http:// URL: the proxy signs the request and sends it on over TLS."
    TraceUnsupported METHOD_NOT_ALLOWED "trace-unsupported"
        "the proxy does not echo requests: its own would show credentials"
        "Use another method; no AWS service has TRACE."
    HeadAmbiguous BAD_REQUEST "head-ambiguous"
        "the request head can be read in two ways"
        "Send one Content-Length or one Transfer-Encoding, end each line with CR LF, and name one host."
    TargetMalformed BAD_REQUEST "target-malformed"
        "the request target is not a valid path and query"
        "Percent-encode everything but letters, digits and -._~/ in the path; write '%' as %25 and '#' as %23."
    TargetTooLong URI_TOO_LONG "target-too-long"
        "the request target is longer than 16 KiB"
        "Send the parameters in a POST body where the service allows it."
    UserinfoInTarget BAD_REQUEST "userinfo-in-target"
        "the request target has a user name or password in its authority"
        "Remove it: the proxy brings the credentials."
    HostMissing BAD_REQUEST "host-missing"
        "the request names no host"
        "Send exactly one Host header."
    HostRepeated BAD_REQUEST "host-repeated"
        "the request has more than one Host header"
        "Send exactly one Host header."
    HostMalformed BAD_REQUEST "host-malformed"
        "the host is not a host name or address with an optional port"
        "Send a Host header such as 'localhost:8080' or 's3.eu-west-1.amazonaws.com'."
    TransferEncodingUnsupported NOT_IMPLEMENTED "transfer-encoding-unsupported"
        "the request has a transfer coding other than one 'chunked'"
        "Send a Content-Length, or 'Transfer-Encoding: chunked' once and alone."
    LengthRequired LENGTH_REQUIRED "length-required"
        "the request has a body, or may have one, and does not say how long it is"
        "Send a Content-Length, which is 0 without a body, or by HTTP/1.1 'Transfer-Encoding: chunked'."
    CrossSite FORBIDDEN "cross-site"
        "a page of another origin may not use the proxy's identity"
        "Call the proxy from a program, not from a web page."
    BrowserRejected FORBIDDEN "browser-rejected"
        "a web browser may not use the proxy's identity"
        "Call the proxy from a program, not from a web page."
    LoopDetected LOOP_DETECTED "loop-detected"
        "the request has been through this proxy before"
        "Check the connection's endpoint and the HTTP_PROXY and HTTPS_PROXY variables of the proxy: one of them leads back to it."

    // A connection is chosen.
    HostUnknown FORBIDDEN "host-unknown"
        "the host is neither an AWS host nor the endpoint of a connection"
        "Use the service's AWS host name, or the proxy's own address as base URL."
    HostUnsupported FORBIDDEN "host-unsupported"
        "the proxy cannot sign for this kind of AWS host"
        "Use the service's regional host name."
    GatewayHostRejected FORBIDDEN "gateway-host-rejected"
        "the Host header is no name of this proxy"
        "Use an IP address or 'localhost', or add the name to server.gateway_hosts."
    NoConnection FORBIDDEN "no-connection"
        "no connection serves this host's service and region"
        "Add a connection for it, or use one of those that exist."
    ConnectionUnknown NOT_FOUND "connection-unknown"
        "there is no connection of this name"
        "Use the name of a connection that exists."
    ConnectionAmbiguous BAD_REQUEST "connection-ambiguous"
        "several connections could serve this request"
        "Choose one by the path prefix /@NAME/ or the header x-signing-proxy-connection."
    ConnectionMismatch FORBIDDEN "connection-mismatch"
        "the chosen connection does not serve this host"
        "Use a host of the connection's service and region, or another connection."
    HostNotListed FORBIDDEN "host-not-listed"
        "the host is a resource of somebody's own or of another account, and the connection does not list it"
        "Add the host to the connection's hosts."
    BucketOwnerMismatch FORBIDDEN "bucket-owner-mismatch"
        "the request expects another owner of the bucket than the connection's account"
        "Leave out x-amz-expected-bucket-owner and x-amz-source-expected-bucket-owner: the proxy sets them."
    PresignedRejected BAD_REQUEST "presigned-rejected"
        "the request is already signed in its query"
        "Send it without the X-Amz-* query parameters, or set the connection's presigned to 'pass' or 'resign'."

    UpgradeUnsupported NOT_IMPLEMENTED "upgrade-unsupported"
        "the proxy does not carry WebSockets yet"
        "Use an operation of the service that needs no WebSocket, or connect to the service itself by a presigned URL."
    Http2Required HTTP_VERSION_NOT_SUPPORTED "http2-required"
        "the operation streams in both directions at once, for which the proxy has to be spoken to by HTTP/2"
        "Use HTTP/2 in the clear with prior knowledge (h2c), as by curl --http2-prior-knowledge."

    // It may be denied by the connection's policy.
    ActionDenied FORBIDDEN "action-denied"
        "the connection's policy does not allow this"
        "Add a statement to the policy in allow, or use another connection."
    ActionUnknown FORBIDDEN "action-unknown"
        "what the request does cannot be determined for certain, so the connection's policy cannot allow it"
        "Send the request as the AWS SDKs do."

    CredentialsNotVended FORBIDDEN "credentials-not-vended"
        "the operation hands out credentials, which would work past the proxy"
        "Add its action to the connection's vend_credentials where clients may have them."
    BodyUnexpected BAD_REQUEST "body-unexpected"
        "the request has a body in a place where the service may read parameters that nobody looked at"
        "Send the parameters in the query of a GET without a body, or in the body of a POST."

    // The request is made ready.
    HeaderUnsignable BAD_REQUEST "header-unsignable"
        "a header that has to be signed is not visible ASCII"
        "Encode the values of content-type, content-md5 and x-amz-* headers as ASCII."
    HeadersTooMany BAD_REQUEST "headers-too-many"
        "the request has more than 1000 headers"
        "Send fewer headers; user metadata fits into a few."
    BodyTooLarge PAYLOAD_TOO_LARGE "body-too-large"
        "the body is larger than the connection's limits.max_body"
        "Use a multipart upload, or raise the limit."
    BodyTimeout REQUEST_TIMEOUT "body-timeout"
        "the body stopped arriving"
        "Send the whole body without long pauses, or raise the connection's timeouts.body_idle."
    BodyTooSlow REQUEST_TIMEOUT "body-too-slow"
        "the body arrives more slowly than the connection's limits.min_upload_rate"
        "Send the body when all of it is there, or lower the limit; \"0B\" takes any rate."
    BodyIncomplete BAD_REQUEST "body-incomplete"
        "the body ended before its announced length or is badly framed"
        "Send as many bytes as announced."
    AwsChunkedMalformed BAD_REQUEST "aws-chunked-malformed"
        "the aws-chunked body is malformed or not as long as announced"
        "Send a plain body: the proxy does not need aws-chunked."
    EventStreamMalformed BAD_REQUEST "event-stream-malformed"
        "the request's event stream is malformed, or has a message longer than 2 MiB"
        "Send messages of application/vnd.amazon.eventstream with right checksums, signed or not, and end after a whole one."
    SpoolFull INSUFFICIENT_STORAGE "spool-full"
        "the proxy has no disk space left to hold the body"
        "Free space in server.spool_dir, or use a multipart upload with parts below limits.memory_body."
    SpoolFailed INTERNAL_SERVER_ERROR "spool-failed"
        "the proxy could not hold the body on its disk"
        "Check server.spool_dir; the proxy's log has the reason."
    NoCredentials SERVICE_UNAVAILABLE "no-credentials"
        "the connection has no valid credentials at the moment"
        "The proxy's log has the reason."
    IdentityClash SERVICE_UNAVAILABLE "identity-clash"
        "the connection is stopped: its access key is not its own"
        "The operator has to give it a key of its own; the proxy's log has the details."

    // It takes its share.
    ClientOverShare SERVICE_UNAVAILABLE "client-over-share"
        "the client uses more than its share of what all clients share, and the rest is kept for others"
        "Try again, with fewer requests at once."

    MemoryBusy SERVICE_UNAVAILABLE "memory-busy"
        "the proxy has no memory left for the request"
        "Try again, with fewer requests at once, or raise server.request_memory."

    // The request is sent.
    UpstreamBusy SERVICE_UNAVAILABLE "upstream-busy"
        "too many requests are under way on this connection"
        "Try again, with fewer requests at once."
    UpstreamUnreachable BAD_GATEWAY "upstream-unreachable"
        "the service could not be reached"
        "Check the name, the network and the upstream proxy; the proxy's log has the reason."
    UpstreamAddressRejected BAD_GATEWAY "upstream-address-rejected"
        "the service's name leads to an address that no AWS service has"
        "Correct the resolver or the hosts file of the proxy, or list the address in upstream.allow_addresses; the proxy's log has it."
    UpstreamTls BAD_GATEWAY "upstream-tls"
        "no trusted TLS connection to the service could be made"
        "Add the certificate authority by upstream.ca_file where the service has a private one."
    UpstreamNotHttp2 BAD_GATEWAY "upstream-not-http2"
        "the service does not speak HTTP/2, which this operation needs"
        "Check the connection's endpoint, and whether an HTTP proxy on the way speaks for the service."
    UpstreamConnectTimeout GATEWAY_TIMEOUT "upstream-connect-timeout"
        "the service could not be reached in time"
        "Check the network, or raise the connection's timeouts.connect."
    UpstreamCircuitOpen SERVICE_UNAVAILABLE "upstream-circuit-open"
        "the service could not be connected to several times, and is left alone for a moment"
        "Try again then; the proxy's log says why it cannot be connected to."
    UpstreamTimeout GATEWAY_TIMEOUT "upstream-timeout"
        "the service did not respond in time"
        "Try again, or raise the connection's timeouts.response."
    UpstreamFailed BAD_GATEWAY "upstream-failed"
        "the service broke the exchange off"
        "Try again; whether the request took effect is not known."
    UpstreamMalformed BAD_GATEWAY "upstream-malformed"
        "the service's response is no valid HTTP, can be read in two ways, or breaks before the first byte of its body"
        "Whether the request took effect is not known; the proxy's log says what is wrong with the response."
    Internal INTERNAL_SERVER_ERROR "internal"
        "the proxy failed"
        "This is a defect of the proxy; its log has the details."

    // On the admin listener.
    MethodNotAllowed METHOD_NOT_ALLOWED "method-not-allowed"
        "the admin listener only reports"
        "Use GET or HEAD."
    PathUnknown NOT_FOUND "not-found"
        "the admin listener has no such path"
        "There are /livez, /readyz, /version and /metrics."
}

impl ErrorCode {
    /// Whether the client should send the same request again later, and less of them: it learns so by the service's own
    /// code for that.
    #[must_use]
    pub const fn is_throttling(self) -> bool {
        matches!(self, Self::ClientOverShare | Self::MemoryBusy | Self::UpstreamBusy)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let names: HashSet<_> = ERRORS.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ERRORS.len());
        for name in names {
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
        }
    }

    #[test]
    fn every_error_is_an_error_with_a_hint() {
        for code in ERRORS {
            let status = code.status();
            assert!(status.is_client_error() || status.is_server_error(), "{code:?}");
            assert!(!code.message().ends_with('.') && code.hint().ends_with('.'), "{code:?}");
        }
    }

    /// The table of `docs/configuration.md`.
    #[test]
    fn every_error_is_documented() {
        const PAGE: &str = include_str!("../../../../docs/configuration.md");
        let mut rows: Vec<String> = ERRORS
            .iter()
            .map(|code| (code.name(), code.status(), code.message(), code.hint()))
            .map(|(name, status, message, hint)| format!("| `{name}` | {} | {message} | {hint} |", status.as_u16()))
            .collect();
        rows.splice(
            0..0,
            [
                "| Code | Status | Meaning | What helps |".to_owned(),
                "|---|---|---|---|".to_owned(),
            ],
        );
        let want = rows.join("\n");
        let section = PAGE.split("## Error codes").nth(1).unwrap_or_default();
        let table: Vec<&str> = section
            .lines()
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .collect();
        let is_same = table.join("\n") == want;
        assert!(is_same, "the table in docs/configuration.md should be:\n{want}\n");
    }
}
