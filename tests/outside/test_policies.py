"""The IAM documents, checked by programs that nobody here wrote: parliament lints them, moto checks and evaluates them,
cfn-lint and python-hcl2 read what is to be deployed."""

import json
import os
import random
import subprocess

import cfnlint.api
import hcl2
import parliament
import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.policy_validation import IAMPolicyDocumentValidator, IAMTrustPolicyDocumentValidator

USER = "arn:aws:iam::111122223333:user/acme-proxy"
ROLE = "arn:aws:iam::222233334444:role/team/for-the-proxy"
REGION = ["--region", "eu-west-1"]
TEMPLATES = {
    "identity": ["identity", "--role-arn", ROLE],
    "s3-read-only": ["s3-read-only", "--bucket", "my-reports", *REGION],
    "s3-read-only-prefix": ["s3-read-only", "--bucket", "my-reports", "--prefix", "20*6/", *REGION],
    "s3-read-write": ["s3-read-write", "--bucket", "my-uploads", *REGION],
    "bedrock-invoke": ["bedrock-invoke", *REGION, "--model", "amazon.nova-lite-v1:0"],
    "bedrock-invoke-profile": [
        "bedrock-invoke", *REGION, "--account", "222233334444", "--model", "eu.amazon.nova-lite-v1:0", "global.amazon.nova-pro-v1:0",
    ],  # fmt: skip
    "dynamodb-read": ["dynamodb-read", *REGION, "--account", "222233334444", "--table", "orders", "customers"],
    "ec2-describe": ["ec2-describe"],
    "workspaces-read": ["workspaces-read"],
}


def policy(*arguments, code=0, stdin=None):
    done = subprocess.run(
        [os.environ["SIGNING_PROXY_BIN"], "policy", *map(str, arguments)], capture_output=True, text=True, input=stdin
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def documents(text):
    """The JSON documents that stand one after the other."""
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def lint(document):
    text = json.dumps(document)
    IAMPolicyDocumentValidator(text).validate()
    findings = parliament.analyze_policy_string(text).findings
    return [f"{found.issue} {found.detail} {found.location}" for found in findings if not is_mistaken(found)]


def is_mistaken(finding):
    """parliament's table wants every kind of resource that InvokeModel may have at once, so only `*` would please it."""
    details = finding.detail if isinstance(finding.detail, list) else []
    invoked = [str(detail.get("action", "")).startswith("bedrock:InvokeModel") for detail in details]
    return finding.issue == "RESOURCE_MISMATCH" and bool(invoked) and all(invoked)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_no_finding(name):
    (document,) = documents(policy(*TEMPLATES[name]))
    assert lint(document) == []


def test_a_trust_policy_is_one():
    (document,) = documents(policy("trust", "--principal", USER, "--external-id", "b1c9f0"))
    IAMTrustPolicyDocumentValidator(json.dumps(document)).validate()
    simulated = IAMPolicy(json.dumps(document))
    ask = lambda user, key: simulated.is_action_permitted("sts:AssumeRole", principal=user, incoming_condition_values=key)
    assert ask(USER, {"sts:ExternalId": "b1c9f0"}) == PermissionResult.PERMITTED
    assert ask(USER, {"sts:ExternalId": "other"}) == PermissionResult.DENIED
    assert ask(USER + "2", {"sts:ExternalId": "b1c9f0"}) == PermissionResult.DENIED
    for principal in ["*", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/*", ROLE]:
        assert policy("trust", "--principal", principal, code=2) == ""


@pytest.mark.parametrize("name", [*TEMPLATES, "trust"])
def test_what_is_deployed_holds_the_document(name, scratch):
    arguments = TEMPLATES.get(name, ["trust", "--principal", USER, "--external-id", "b1c9f0"])
    (document,) = documents(policy(*arguments))
    (resource,) = hcl2.loads(policy(*arguments, "--format", "terraform"))["resource"]
    (kind,) = resource.values()
    (resource,) = kind.values()
    text = resource.get("policy") or resource["assume_role_policy"]
    body = text.strip('"').removeprefix("<<EOT\n").removesuffix("\nEOT").replace("$${", "${")
    assert json.loads(body) == document

    template = policy(*arguments, "--format", "cloudformation")
    (resource,) = json.loads(template)["Resources"].values()
    properties = resource["Properties"]
    assert properties.get("PolicyDocument", properties.get("AssumeRolePolicyDocument")) == document
    # I: what cfn-lint only remarks.
    assert [found for found in cfnlint.api.lint_all(template) if found.rule.id[0] != "I"] == []


def traffic():
    """Pairs of action and resource as a recorder would have them: objects used in several ways, and other services."""
    pairs = set()
    for n in range(40):
        pairs.add(("s3:GetObject", f"arn:aws:s3:::my-reports/2026/{n % 7}/{n}.csv"))
        if n % 3 == 0:
            pairs.add(("s3:PutObject", f"arn:aws:s3:::my-reports/2026/{n % 7}/{n}.csv"))
        if n % 11 == 0:
            pairs.add(("s3:DeleteObject", f"arn:aws:s3:::my-uploads/tmp/{n}"))
    pairs.add(("s3:ListBucket", "arn:aws:s3:::my-reports"))
    pairs.add(("s3:ListAllMyBuckets", "*"))
    pairs.add(("ec2:DescribeInstances", "*"))
    pairs.add(("workspaces:DescribeWorkspaces", "*"))
    pairs.add(("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:222233334444:table/orders"))
    pairs.add(("dynamodb:Query", "arn:aws:dynamodb:eu-west-1:222233334444:table/orders/index/by-date"))
    pairs.add(("bedrock:InvokeModel", "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0"))
    return sorted(pairs)


def record(pairs, status="2xx"):
    """A record in the documented form."""
    seen = {"count": 1, "first_seen": 1795405557, "last_seen": 1795405557, "responses": {status: 1}}
    return {"version": 1, "dropped": 0, "entries": [{"action": a, "resource": r, **seen} for a, r in pairs]}


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def permits(found, action, resource):
    simulated = [IAMPolicy(json.dumps(document)).is_action_permitted(action, resource) for document in found]
    return PermissionResult.PERMITTED in simulated


def neighbours(action, resource):
    """What is next to a pair and was not recorded."""
    service, name = action.split(":")
    if resource != "*":
        yield action, resource + "x"
        yield action, resource.replace("my-", "your-").replace("orders", "secrets").replace("nova-lite", "nova-pro")
    yield f"{service}:Delete{name}", resource
    if name == "GetObject":
        yield "s3:DeleteObject", resource
        yield "s3:PutObjectAcl", resource


def test_the_least_policy_allows_what_was_recorded_and_no_neighbour(scratch):
    pairs = traffic()
    found = documents(policy("from-record", write(scratch / "record.json", record(pairs))))
    assert [finding for document in found for finding in lint(document)] == []
    assert [pair for pair in pairs if not permits(found, *pair)] == []
    others = {near for pair in pairs for near in neighbours(*pair)} - set(pairs)
    assert len(others) > 100
    assert [near for near in sorted(others) if permits(found, *near)] == []


def test_shuffles_and_replicas_give_the_same_bytes(scratch):
    pairs = traffic()
    want = policy("from-record", write(scratch / "record.json", record(pairs)))
    chance = random.Random(20261123)
    for _ in range(10):
        files = []
        for replica in range(3):
            part = chance.choices(pairs, k=60)
            chance.shuffle(part)
            files.append(write(scratch / f"replica-{replica}.json", record(part)))
        rest = chance.sample(pairs, len(pairs))
        files.append(write(scratch / "replica-rest.json", record(rest)))
        chance.shuffle(files)
        assert policy("from-record", *files) == want


def test_a_large_record_becomes_documents_that_iam_takes(scratch):
    pairs = [("s3:GetObject", f"arn:aws:s3:::my-reports/{n:04}/data.csv") for n in range(300)]
    path = write(scratch / "large.json", record(pairs))
    found = documents(policy("from-record", path))
    assert len(found) > 1
    assert all(len(json.dumps(document, separators=(",", ":"))) <= 6144 and lint(document) == [] for document in found)
    assert all(permits(found, *pair) for pair in pairs)
    assert policy("from-record", path, "--for", "inline-role", code=2) == ""
    (widened,) = documents(policy("from-record", path, "--generalise", "bucket"))
    assert lint(widened) == []
    assert permits([widened], "s3:GetObject", "arn:aws:s3:::my-reports/new") and not permits([widened], "s3:PutObject", pairs[0][1])


def test_a_key_that_is_a_star_widens_nothing(scratch):
    path = write(scratch / "star.json", record([("s3:GetObject", "arn:aws:s3:::my-reports/${*}")]))
    (document,) = documents(policy("from-record", path))
    assert document["Statement"][0]["Resource"] == ["arn:aws:s3:::my-reports/${*}"]
    assert lint(document) == []


def test_strict_and_diff_have_an_exit_code(scratch):
    pairs = traffic()
    good = write(scratch / "good.json", record(pairs))
    failed = write(scratch / "failed.json", record([("s3:DeleteObject", "arn:aws:s3:::my-reports/x")], "4xx"))
    made = scratch / "policy.json"
    policy("from-record", good, "--strict", "--for", "allow", "--output", made)
    policy("from-record", good, failed, "--strict", code=3)
    assert policy("diff", made, good) == ""
    assert "+ used, not granted (no statement allows it): s3:DeleteObject" in policy("diff", made, failed, good, code=3)
    fewer = write(scratch / "fewer.json", record(pairs[1:]))
    assert pairs[0][1] in policy("diff", made, fewer, code=3)


def test_a_session_policy_fits(scratch):
    path = write(scratch / "few.json", record(traffic()[:10]))
    text = policy("session", "--record", path).strip()
    assert len(text) <= 2048 and "Sid" not in text and lint(json.loads(text)) == []
    large = write(scratch / "many.json", record(traffic()))
    assert policy("session", "--record", large, code=2) == ""
