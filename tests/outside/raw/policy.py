"""What `allow` and the rules of services must not be led around, by HTTP/1 and HTTP/2."""

from raw.make import PATH, both, chunked, fields2, get, row2
from raw.probe import Row

FORM = ("Content-Type", "application/x-www-form-urlencoded")
VPCS = "/?Action=DescribeVpcs&Version=2016-11-15"
WHO = "/?Action=GetCallerIdentity&Version=2011-06-15"
# (connection, target of an allowed GET, a form that asks for something else)
QUERY = [
    ("ec2", VPCS, "Action=CreateInternetGateway&Version=2016-11-15"),
    ("eca", VPCS, "Action=CreateInternetGateway&Version=2016-11-15"),
    ("sts", WHO, "Action=DecodeAuthorizationMessage&EncodedMessage=x&Version=2011-06-15"),
    ("sta", WHO, "Action=DecodeAuthorizationMessage&EncodedMessage=x&Version=2011-06-15"),
    ("iam", "/?Action=ListUsers&Version=2010-05-08", "Action=DeleteUser&UserName=a&Version=2010-05-08"),
    ("sns", "/?Action=ListTopics&Version=2010-03-31", "Action=DeleteTopic&TopicArn=a&Version=2010-03-31"),
]


def rows():
    yield from get_with_body()
    yield from dot_segments()
    yield from denied()


def get_with_body():
    kind = "GET with a body"
    for on, target, form in QUERY:
        for method in ("GET", "HEAD"):
            yield from both(f"{method} to {on}", kind, "rejected", method, target, [FORM], form, on=on)
        yield Row(
            f"GET to {on} in chunks",
            kind,
            "rejected",
            chunked(f"{len(form):x}\r\n{form}\r\n0\r\n\r\n", target=target, method="GET"),
            on=on,
        )
        yield from both(f"GET to {on}, one octet", kind, "rejected", "GET", target, [], "A", on=on)
        yield from both(f"GET to {on}, no content type", kind, "rejected", "GET", target, [], form, on=on)
        # No body at all: old clients send these.
        yield Row(
            f"GET to {on}, Content-Length: 0", kind, "passed", get("Content-Length: 0", target=target), [("GET", target)], on=on
        )
        yield Row(
            f"GET to {on}, no chunk", kind, "passed", chunked("0\r\n\r\n", target=target, method="GET"), [("GET", target)], on=on
        )
        yield row2(f"GET to {on}, an empty DATA", kind, "passed", fields2("GET", target), b"", [("GET", target)], on=on)
        yield from both(f"GET to {on}, no body", kind, "passed", "GET", target, on=on)
    # S3 does not read the body of a GET: it may pass, whole and hashed.
    yield from both("GET to store", kind, "either", "GET", PATH, [], "hello")
    for on in ("eca", "sta"):
        target, form = next((target, form) for name, target, form in QUERY if name == on)
        yield from both(f"POST to {on}, query and form", kind, "rejected", "POST", target, [FORM], form, on=on)
        for method in ("PUT", "DELETE", "PATCH"):
            yield from both(f"{method} to {on}, query and form", kind, "rejected", method, target, [FORM], form, on=on)


def dot_segments():
    kind = "dot segments"
    for path in (
        *("/b/pub/../secret", "/b/pub/../../b/secret", "/b/pub/./x", "/b/pub/..", "/b/pub/.", "/b/pub/x/../../secret"),
        *("/b/pub/%2e%2e/secret", "/b/pub/.%2E/secret", "/b/pub/%2E./secret", "/b/pub/%2e/x", "/b/pub/..%2Fsecret"),
        *("/b/pub/%2e%2e%2fsecret", "/b/pub%2F..%2Fsecret", "/b/pub/x%2F..%2F..%2Fsecret", "/b/pub//../secret"),
    ):
        yield from both(f"GET {path}", kind, "rejected", "GET", path, on="lim")
    for method in ("PUT", "DELETE"):
        body = "hello" if method == "PUT" else None
        yield from both(f"{method} /b/pub/../secret", kind, "rejected", method, "/b/pub/../secret", [], body, on="lim")
    yield Row(
        "of a whole URL", kind, "rejected", get(target="http://$UPSTREAM/b/pub/../secret", host="Host: $UPSTREAM\r\n"), on="lim"
    )
    for source in ("/b/pub/../secret", "b/pub/%2E%2E/secret", "/b/pub/..%2Fsecret"):
        yield from both(f"copy from {source}", kind, "rejected", "PUT", "/b/pub/copy", [("X-Amz-Copy-Source", source)], on="lim")
    for path in ("/b/pub/...", "/b/pub/.hidden", "/b/pub/a..b", "/b/pub/x.", "/b/pub/..x"):
        yield from both(f"GET {path}: no dot segment", kind, "passed", "GET", path, on="lim")
    # Without a policy a key may be anything, and it goes out as it is.
    for path in ("/b/$TAG/../x", "/b/$TAG/./x", "/b/$TAG/.."):
        yield from both(f"GET {path} without allow", kind, "passed", "GET", path)


def denied():
    """Allowed and not, so that the probes above are about what they say."""
    kind = "allow"
    yield from both("an object that is allowed", kind, "passed", "GET", "/b/pub/$TAG", on="lim")
    yield from both("an upload that is allowed", kind, "passed", "PUT", "/b/pub/$TAG", [], "hello", on="lim")
    yield from both("another object", kind, "rejected", "GET", "/b/private/$TAG", on="lim")
    yield from both("another bucket", kind, "rejected", "GET", "/c/pub/$TAG", on="lim")
    yield from both("a sub-resource", kind, "rejected", "GET", "/b/pub/$TAG?acl", on="lim")
    yield from both(
        "an upload with an ACL", kind, "rejected", "PUT", "/b/pub/$TAG", [("X-Amz-Acl", "public-read")], "hello", on="lim"
    )
    yield from both(
        "a copy from elsewhere", kind, "rejected", "PUT", "/b/pub/$TAG", [("X-Amz-Copy-Source", "/b/private/x")], on="lim"
    )
    yield from both(
        "another method by a field", kind, "either", "GET", "/b/pub/$TAG", [("X-HTTP-Method-Override", "DELETE")], on="lim"
    )
    yield from both(
        "an action that is allowed", kind, "passed", "POST", "/", [FORM], "Action=DescribeVpcs&Version=2016-11-15", on="eca"
    )
    yield from both(
        "another action",
        kind,
        "rejected",
        "POST",
        "/",
        [FORM],
        "Action=TerminateInstances&InstanceId.1=i-0&Version=2016-11-15",
        on="eca",
    )
    yield from both(
        "two actions", kind, "rejected", "POST", "/", [FORM], "Action=DescribeVpcs&Action=CreateVpc&Version=2016-11-15", on="eca"
    )
    yield from both("two actions in a query", kind, "rejected", "GET", VPCS + "&Action=CreateVpc", on="eca")
    yield from both(
        "an action in odd case",
        kind,
        "rejected",
        "POST",
        "/",
        [FORM],
        "action=DescribeVpcs&Action=CreateVpc&Version=2016-11-15",
        on="eca",
    )
    for charset in ("utf-16", "ibm037", "utf-7", "iso-8859-1"):
        content = ("Content-Type", f"application/x-www-form-urlencoded; charset={charset}")
        yield from both(
            f"charset {charset}", kind, "rejected", "POST", "/", [content], "Action=DescribeVpcs&Version=2016-11-15", on="eca"
        )
    content = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
    yield from both("charset utf-8", kind, "passed", "POST", "/", [content], "Action=DescribeVpcs&Version=2016-11-15", on="eca")
    for name in ("InstanceId.2%20=i-1", "VpcId.two=vpc-1", "vpcid.1=vpc-1", "VpcId .1=vpc-1", "VpcId.01=vpc-1", "%00=1"):
        yield from both(
            f"parameter {name}", kind, "rejected", "POST", "/", [FORM], f"Action=DescribeVpcs&Version=2016-11-15&{name}", on="eca"
        )
