"""Writes src/data/*.tsv from an installed botocore; README of the tables: src/data.rs.

    python3 -m venv venv && venv/bin/pip install botocore
    venv/bin/python crates/aws-endpoints/generator/generate.py

services: what each service is called and speaks. rules: where a service's endpoints leave the standard pattern,
found by asking botocore's own rule engine for every partition, variant and region. hosts: names that botocore's
older endpoints.json lists and the rules do not make, and names that are no `LEFT.REGION.SUFFIX`. partitions: what
src/partition.rs is checked against.
"""

import collections
import pathlib
import re
import sys

import botocore
import botocore.session
from botocore.endpoint_provider import EndpointProvider

DATA = pathlib.Path(__file__).parent.parent / "src" / "data"
LOADER = botocore.session.get_session().get_component("data_loader")
PARTITIONS = LOADER.load_data("partitions")["partitions"]
VARIANTS = {"-": (False, False), "fips": (True, False), "dual": (False, True), "fips+dual": (True, True)}
# Makes a region that no table lists: what it gets is the partition's rule, what others get besides is an exception.
STEMS = {"aws": "eu", "aws-cn": "cn", "aws-us-gov": "us-gov", "aws-iso": "us-iso", "aws-iso-b": "us-isob",
         "aws-iso-e": "eu-isoe", "aws-iso-f": "us-isof", "aws-eusc": "eusc-de"}
PREFERRED_PROTOCOLS = ["json", "rest-json", "rest-xml", "ec2", "query", "smithy-rpc-v2-cbor"]
# Several services behind one prefix, with different protocols: the one that newer clients speak.
PROTOCOL_OF_SHARED = {"email": "rest-json", "sdb": "rest-json"}
# One prefix, several rule sets that differ: the one that owns the prefix.
OWNER = {"connect": "connect"}
# Rule sets that want one more parameter before they give an endpoint.
FIXED_PARAMETERS = {"acm": {"ServiceType": "ACM"}, "neptune-graph": {"ApiType": "ControlPlane"}}
# Signed names with no service model of their own: (prefix, signing name, protocol, rule set, its parameters).
# S3's siblings live in S3's rule set; the others are documented on their services' pages. Bedrock Mantle accepts
# `bedrock` and `bedrock-mantle`, and names the latter when a signature is scoped to anything else.
UNMODELLED = [
    ("bedrock-mantle", "bedrock-mantle", "rest-json", None, {}),
    ("aps-workspaces", "aps", "rest-json", None, {}),
    ("s3-object-lambda", "s3-object-lambda", "rest-xml", "s3", {"UseObjectLambdaEndpoint": True}),
    ("s3express", "s3express", "rest-xml", "s3", {"UseS3ExpressControlEndpoint": True}),
    ("transcribestreaming", "transcribe", "rest-json", None, {}),
    ("mobileanalytics", "mobileanalytics", "rest-json", None, {}),
    # The host of DynamoDB's SearchVectors, by its `hostPrefix`.
    ("search-dynamodb", "dynamodb", "json", None, {}),
    ("vpc-lattice-svcs", "vpc-lattice-svcs", "rest-json", None, {}),
]
# Services that take no signed payload. VPC Lattice User Guide, "SigV4 authenticated requests": "does not support payload
# signing. You must send a x-amz-content-sha256 header with the value set to UNSIGNED-PAYLOAD".
UNSIGNED_PAYLOAD = {"vpc-lattice-svcs"}
# Unmodelled services that have names under the dual-stack suffix only.
DUALSTACK_ONLY = ["bedrock-mantle"]
# Keys of endpoints.json that name another service's endpoints.
LEGACY_KEYS = {"data.iot": "data-ats.iot", "iotsecuredtunneling": "api.tunneling.iot", "iotwireless": "api.iotwireless",
               "docdb": "rds", "neptune": "rds"}
S3_FAMILY = {"s3", "s3-control", "s3-object-lambda", "s3-outposts", "s3express"}


def resolver(rule_set_name, fixed):
    """(region, fips, dualstack) -> (host, signing region), or None where botocore refuses."""
    rule_set = LOADER.load_service_model(rule_set_name, "endpoint-rule-set-1")
    provider = EndpointProvider(rule_set, {"partitions": PARTITIONS, "version": "1.1"})

    def resolve(region, fips, dualstack):
        parameters = {"Region": region, "UseFIPS": fips, "UseDualStack": dualstack, **fixed}
        parameters = {k: v for k, v in parameters.items() if k in rule_set["parameters"]}
        try:
            found = provider.resolve_endpoint(**parameters)
        except Exception:  # botocore raises a class per rejection; all mean "no such endpoint"
            return None
        schemes = [s for s in found.properties.get("authSchemes", []) if s["name"] == "sigv4"]
        return found.url.removeprefix("https://"), schemes[0].get("signingRegion", region) if schemes else region

    return resolve


def template(found, region, outputs):
    """The result with the region, the partition's home region and its suffixes replaced by {R}, {G}, {S}, {D}."""
    if found is None:
        return None
    host, signing = found
    for suffix, name in ((outputs["dualStackDnsSuffix"], "{D}"), (outputs["dnsSuffix"], "{S}")):
        if host.endswith("." + suffix):
            host = host[: -len(suffix)] + name
            break
    labels = ["{R}" if label == region else label for label in host.split(".")]
    labels = ["{G}" if label == outputs["implicitGlobalRegion"] else label for label in labels]
    signing = {outputs["implicitGlobalRegion"]: "{G}", region: "{R}"}.get(signing, signing)
    return ".".join(labels), signing


def render(host_and_signing, region, outputs):
    if host_and_signing is None:
        return None
    values = {"{R}": region, "{G}": outputs["implicitGlobalRegion"], "{S}": outputs["dnsSuffix"],
              "{D}": outputs["dualStackDnsSuffix"]}

    def fill(text):
        for key, value in values.items():
            text = text.replace(key, value)
        return text

    return tuple(fill(text) for text in host_and_signing)


def rules_of(prefix, resolve):
    """Rows (prefix, variant, where, host, signing region) for all that is not the standard pattern."""
    grouped, exceptions = collections.defaultdict(list), []
    for partition in PARTITIONS:
        outputs, name = partition["outputs"], partition["id"]
        for variant, (fips, dualstack) in VARIANTS.items():
            unbuilt = f"{STEMS[name]}-moon-9"
            rule = template(resolve(unbuilt, fips, dualstack), unbuilt, outputs)
            standard = (prefix + ("-fips" if fips else "") + ".{R}." + ("{D}" if dualstack else "{S}"), "{R}")
            # Rule sets fall back on the commercial suffix elsewhere: no such endpoint exists, keep the pattern.
            if rule and not rule[0].endswith(("{S}", "{D}")) and rule[0].endswith((".api.aws", ".amazonaws.com")):
                rule = standard
            if rule != standard:
                grouped[(variant, rule)].append(name)
            for region in partition["regions"]:
                found = resolve(region, fips, dualstack)
                if found == render(rule, region, outputs) or (found and found[0].endswith(".api.aws") and
                                                              outputs["dualStackDnsSuffix"] != "api.aws"):
                    continue
                host, signing = template(found, region, outputs) or ("-", "-")
                if region.endswith("-global") and "{R}" in host:
                    continue  # `ec2.aws-global.amazonaws.com`: the service has no endpoint for the whole partition
                exceptions.append((prefix, variant, region, host, signing))
    rows = []
    for (variant, rule), names in grouped.items():
        host, signing = rule or ("-", "-")
        assert "{R}" not in host or signing in ("{R}", "{G}"), (prefix, host, signing)
        where = "*" if len(names) == len(PARTITIONS) else ",".join(names)
        rows.append((prefix, variant, where, host, signing))
    return rows + exceptions


def protocol_of(prefix, models):
    offers = {tuple(m["metadata"].get("protocols") or [m["metadata"]["protocol"]]) for m in models.values()}
    if prefix in PROTOCOL_OF_SHARED:
        return PROTOCOL_OF_SHARED[prefix]
    best = {min(offer, key=PREFERRED_PROTOCOLS.index) for offer in offers}
    if len(best) != 1:
        sys.exit(f"{prefix}: {models.keys()} speak {best}: decide in PROTOCOL_OF_SHARED")
    return best.pop()


def operation_prefixes(models):
    """What SDKs put before the host name for some operations, such as `data-` or `api.`; resource ids left out."""
    prefixes = {op["endpoint"]["hostPrefix"] for model in models.values() for op in model["operations"].values()
                if "hostPrefix" in op.get("endpoint", {})}
    return sorted(p for p in prefixes if "{" not in p)


def legacy_hosts(services, known_hosts):
    """Rows (host, prefix, signing region, variant) of endpoints.json that the rules and the pattern do not make."""
    rows = set()
    prefixes = set(services)
    for partition in LOADER.load_data("endpoints")["partitions"]:
        suffixes = {(): partition["dnsSuffix"]}
        for variant in partition["defaults"].get("variants", []):
            suffixes[tuple(sorted(variant["tags"]))] = variant["dnsSuffix"]
        for key, service in partition["services"].items():
            prefix = LEGACY_KEYS.get(key, key)
            if prefix in S3_FAMILY or prefix not in services:
                continue
            defaults = service.get("defaults", {})
            for region, endpoint in service.get("endpoints", {}).items():
                signing = endpoint.get("credentialScope", defaults.get("credentialScope", {})).get("region", region)
                if signing not in partition["regions"]:
                    signing = signing.removeprefix("fips-").removesuffix("-fips")
                if signing not in partition["regions"]:
                    continue
                # `fips-us-east-1` and such are no regions: only what is written there counts, not the templates.
                defaults_here = defaults if region in partition["regions"] else {}
                found = [((), endpoint.get("hostname", defaults_here.get("hostname"))),
                         ((), endpoint.get("sslCommonName", defaults_here.get("sslCommonName")))]
                for variant in endpoint.get("variants", []) + defaults_here.get("variants", []):
                    found.append((tuple(sorted(variant["tags"])), variant.get("hostname")))
                for tags, host in found:
                    if not host:
                        continue
                    host = host.replace("{service}", key).replace("{region}", region)
                    host = host.replace("{dnsSuffix}", suffixes.get(tags, suffixes[()]))
                    fips = "fips" in tags or "fips" in host
                    variant = "+".join(t for t, on in (("fips", fips), ("dual", "dualstack" in tags)) if on) or "-"
                    if host.startswith("localhost") or host.split(".")[0].removesuffix("-fips") in prefixes - {prefix}:
                        continue  # a local emulator; `bedrock-runtime.REGION` under the key `bedrock`
                    if host.startswith("health.us-east-1."):
                        continue  # listed with the scope of us-east-2; the rules have a better result
                    if host not in known_hosts and not is_standard(host, services[prefix], signing, partition):
                        rows.add((host, prefix, signing, variant))
    by_host = collections.defaultdict(set)
    for row in rows:
        by_host[row[0], row[1], row[2]].add(row)
    return sorted(min(same, key=lambda row: len(row[3])) for same in by_host.values())


def is_standard(host, service, region, partition):
    suffixes = [partition["dnsSuffix"]] + [v["dnsSuffix"] for v in partition["defaults"].get("variants", [])]
    return any(host == f"{before}{service[0]}{fips}.{region}.{suffix}" for before in ["", *service[3].split(",")]
               for fips in ("", "-fips") for suffix in suffixes)


def write(name, columns, rows):
    head = [
        f"# Generated by generator/generate.py from botocore {botocore.__version__} (Apache-2.0). Do not edit.",
        "# Regenerate: python3 -m venv venv && venv/bin/pip install botocore && "
        "venv/bin/python crates/aws-endpoints/generator/generate.py",
        "# " + "\t".join(columns),
    ]
    lines = head + ["\t".join(row) for row in rows]
    (DATA / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    print(name, len(rows))


def main():
    by_prefix = collections.defaultdict(dict)
    for name in LOADER.list_available_services("service-2"):
        model = LOADER.load_service_model(name, "service-2")
        if model["metadata"]["signatureVersion"] in ("v2", "bearer"):
            continue  # takes no Signature Version 4
        by_prefix[model["metadata"]["endpointPrefix"]][name] = model
    services, rules = {}, []
    for prefix, models in sorted(by_prefix.items()):
        signing = {m["metadata"].get("signingName", prefix) for m in models.values()}
        assert len(signing) == 1, (prefix, signing)
        names = sorted(name for name in models if name not in by_prefix)  # `sso` is a prefix, and SDKs' name of another
        services[prefix] = (prefix, signing.pop(), protocol_of(prefix, models),
                            ",".join(operation_prefixes(models)) or "-", ",".join(names) or "-")
        candidates = [OWNER[prefix]] if prefix in OWNER else sorted(models)
        found = [rules_of(prefix, resolver(n, FIXED_PARAMETERS.get(n, {}))) for n in candidates]
        assert all(f == found[0] for f in found), (prefix, candidates, "rule sets differ: decide in OWNER")
        rules += found[0]
    for prefix, signing, protocol, rule_set, fixed in UNMODELLED:
        services[prefix] = (prefix, signing, protocol, "-", "-")
        if rule_set:
            rules += rules_of(prefix, resolver(rule_set, fixed))
    for prefix in DUALSTACK_ONLY:
        rules.append((prefix, "-", "*", prefix + ".{R}.{D}", "{R}"))
        rules.append((prefix, "fips", "*", prefix + "-fips.{R}.{D}", "{R}"))

    known_hosts = set()
    for _, _, where, host, signing in rules:
        for partition in PARTITIONS:
            if where == "*" or partition["id"] in where.split(",") or where in partition["regions"]:
                for region in [where] if where in partition["regions"] else partition["regions"]:
                    known_hosts.add(render((host, signing), region, partition["outputs"])[0])
    odd = {
        (render((host, signing), region, p["outputs"])[0], prefix, region, variant)
        for prefix, variant, where, host, signing in rules if "{R}" in host and not re.search(r"\.{R}\.{[SD]}$", host)
        for p in PARTITIONS if where == "*" or p["id"] in where.split(",")
        for region in p["regions"] if not region.endswith("-global")
    }
    write("services", ["prefix", "signing name", "protocol", "operation prefixes", "names in SDKs", "payload"],
          sorted(row + ("unsigned" if row[0] in UNSIGNED_PAYLOAD else "-",) for row in services.values()))
    write("rules", ["prefix", "variant", "partitions or region", "host", "signing region"], sorted(rules))
    write("hosts", ["host", "prefix", "signing region", "variant"], sorted(odd | set(legacy_hosts(services, known_hosts))))
    write("partitions", ["partition", "suffix", "dual-stack suffix", "home region", "region pattern", "regions"],
          [(p["id"], p["outputs"]["dnsSuffix"], p["outputs"]["dualStackDnsSuffix"], p["outputs"]["implicitGlobalRegion"],
            p["regionRegex"], ",".join(r for r in p["regions"] if not r.endswith("-global"))) for p in PARTITIONS])


main()
