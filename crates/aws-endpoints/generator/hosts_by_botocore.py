"""Writes tests/data/hosts_by_botocore.tsv: host names as botocore's own endpoint resolver makes them.

    venv/bin/python crates/aws-endpoints/generator/hosts_by_botocore.py

Each row: host, service (endpoint prefix), region signed for, resource. The rows are requested with parameters of which
the result is known; nothing here reads the crate's tables.
"""

import itertools
import pathlib

import botocore
import botocore.session
from botocore.endpoint_provider import EndpointProvider

OUT = pathlib.Path(__file__).parent.parent / "tests" / "data" / "hosts_by_botocore.tsv"
LOADER = botocore.session.get_session().get_component("data_loader")
PARTITIONS = LOADER.load_data("partitions")
REGIONS = [r for p in PARTITIONS["partitions"] for r in p["regions"] if not r.endswith("-global")]
VARIANTS = list(itertools.product((False, True), repeat=2))
ACCOUNT = "123456789012"
ROWS = {}


def ask(name, region, fips=False, dualstack=False, **parameters):
    rule_set = LOADER.load_service_model(name, "endpoint-rule-set-1")
    parameters = {"Region": region, "UseFIPS": fips, "UseDualStack": dualstack, **parameters}
    parameters = {k: v for k, v in parameters.items() if k in rule_set["parameters"]}
    try:
        found = EndpointProvider(rule_set, PARTITIONS).resolve_endpoint(**parameters)
    except Exception:  # a class per rejection: no such endpoint
        return None
    schemes = found.properties.get("authSchemes", [])
    by_name = {scheme["name"].removesuffix("-s3express"): scheme for scheme in schemes}
    signing = by_name["sigv4"].get("signingRegion", region) if "sigv4" in by_name else "-" if schemes else region
    return found.url.removeprefix("https://").split("/")[0], signing


def add(service, found, resource="-", signing=None):
    if found:
        ROWS.setdefault(found[0], (found[0], service, signing or found[1], resource))


def services():
    """Each service in a few regions and variants, walking through all of them from service to service."""
    regions, variants = itertools.cycle(REGIONS), itertools.cycle(VARIANTS)
    for name in LOADER.list_available_services("service-2"):
        metadata = LOADER.load_service_model(name, "service-2")["metadata"]
        if metadata["signatureVersion"] in ("v2", "bearer") or metadata["endpointPrefix"].startswith("s3-"):
            continue
        extra = {"acm": {"ServiceType": "ACM"}, "neptune-graph": {"ApiType": "ControlPlane"}}.get(name, {})
        prefix = metadata["endpointPrefix"]
        # AWS gives `geo-maps` and its siblings the names of `geo`; `connect` owns what `connectscheduling` shares.
        if prefix in ("geo-maps", "geo-places", "geo-routes") or name == "connectscheduling":
            continue
        add(prefix, ask(name, "eu-west-1", **extra))
        add(prefix, ask(name, next(regions), *next(variants), **extra))


def s3():
    buckets = ["reports", "with.dots.in.it", "dualstack", "s3", "s3.dualstack", "us-east-1", "a-b--c"]
    regions = ["us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "eu-isoe-west-1"]
    for region, (fips, dualstack) in itertools.product(regions, VARIANTS):
        add("s3", ask("s3", region, fips, dualstack))
        add("s3", ask("s3", region, fips, dualstack, Bucket="with_underscore"))
        for bucket in buckets:
            if "." not in bucket:
                add("s3", ask("s3", region, fips, dualstack, Bucket=bucket), f"bucket {bucket}")
    for region, (fips, dualstack), name in itertools.product(regions[:4], VARIANTS, ["logs", "a-1"]):
        partition = {"us-g": "aws-us-gov", "cn-n": "aws-cn"}.get(region[:4], "aws")
        arn = f"arn:{partition}:s3:{region}:{ACCOUNT}:accesspoint/{name}"
        add("s3", ask("s3", region, fips, dualstack, Bucket=arn), f"access-point {name} {ACCOUNT}")
        arn = f"arn:{partition}:s3-object-lambda:{region}:{ACCOUNT}:accesspoint/{name}"
        add("s3-object-lambda", ask("s3", region, fips, dualstack, Bucket=arn), f"object-lambda {name} {ACCOUNT}")
        arn = f"arn:{partition}:s3-outposts:{region}:{ACCOUNT}:outpost/op-01234567890123456/accesspoint/{name}"
        add("s3-outposts", ask("s3", region, fips, dualstack, Bucket=arn), f"outpost {name} {ACCOUNT} op-01234567890123456",
            signing=region)
        add("s3-control", ask("s3control", region, fips, dualstack, AccountId=ACCOUNT, RequiresAccountId=True),
            f"account {ACCOUNT}")
        add("s3-control", ask("s3control", region, fips, dualstack))
        add("s3-outposts", ask("s3outposts", region, fips, dualstack))
        add("s3express", ask("s3", region, fips, dualstack, UseS3ExpressControlEndpoint=True))
        add("s3-object-lambda", ask("s3", region, fips, dualstack, UseObjectLambdaEndpoint=True))
    for region, zone in (("us-east-1", "use1-az4"), ("us-west-2", "usw2-az1"), ("us-west-2", "usw2-lax1-az1")):
        for fips, dualstack in VARIANTS:
            bucket = f"data--{zone}--x-s3"
            found = ask("s3", region, fips, dualstack, Bucket=bucket, DisableS3ExpressSessionAuth=True)
            add("s3express", found, f"directory-bucket {bucket} {zone}")
    for dualstack in (False, True):
        found = ask("s3", "eu-west-1", False, dualstack, Bucket="reports", Accelerate=True)
        add("s3", found, "bucket reports", signing="-")
    add("s3", ask("s3", "us-east-1", Bucket=f"arn:aws:s3::{ACCOUNT}:accesspoint/mfzwi23gnjvgw.mrap"), "mrap mfzwi23gnjvgw")
    add("s3", ask("s3", "us-east-1", UseGlobalEndpoint=True, Bucket="reports"), "bucket reports")
    add("s3", ask("s3", "aws-global"))


def accounts():
    for region, mode, dualstack in itertools.product(("us-east-1", "eu-west-1"), ("required",), (False, True)):
        known = {"AccountId": ACCOUNT, "AccountIdEndpointMode": mode}
        add("dynamodb", ask("dynamodb", region, False, dualstack, **known), f"account {ACCOUNT}")
        add("streams.dynamodb", ask("dynamodbstreams", region, False, dualstack, **known), f"account {ACCOUNT}")
        arn = f"arn:aws:kinesis:{region}:{ACCOUNT}:stream/clicks"
        for operation in ("data", "control"):
            found = ask("kinesis", region, False, dualstack, StreamARN=arn, OperationType=operation)
            add("kinesis", found, f"account {ACCOUNT}")
    for dualstack in (False, True):
        add("events", ask("events", "us-east-1", False, dualstack, EndpointId="abc123.456def"), "multi-region abc123.456def")
    add("email", ask("sesv2", "us-east-1", EndpointId="abc123.456def"), "multi-region abc123.456def")


services()
s3()
accounts()
head = [
    f"# Generated by generator/hosts_by_botocore.py from botocore {botocore.__version__} (Apache-2.0). Do not edit.",
    "# " + "\t".join(["host", "service", "region signed for", "resource"]),
]
OUT.write_text("\n".join(head + ["\t".join(row) for row in sorted(ROWS.values())]) + "\n")
print(len(ROWS))
