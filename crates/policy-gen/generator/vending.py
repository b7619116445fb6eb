"""Writes src/vending/vending.tsv and tests/data/vending_reference.tsv: the operations whose responses hold credentials.

    venv/bin/python crates/policy-gen/generator/vending.py SERVICE_REFERENCE.json

The service reference (https://servicereference.us-east-1.amazonaws.com, schema 1.4; here one document of all services
with `actions` and `operations` each) says which actions and operations there are; botocore's models say how an
operation goes on the wire.

In the list: responses that hold AWS access keys, or a token or password that an AWS service, a registry, a database
or a notebook takes in place of AWS keys, and operations that make the caller's own secret one (`UpdateLoginProfile`,
`UploadSSHPublicKey`). They work past the proxy: past `allow`, service, region, record and log.

Not in the list, and why:
- GetSecretValue, GetParameter, Decrypt, ExportCertificate, GetRelationalDatabaseMasterUserPassword, ListApiKeys,
  GetChallengePassword: data that the customer has stored; reading it is what the service is for.
- StartSession, ExecuteCommand, CreateKeyPair, GetPasswordData, GetInstanceAccess(Details), SendSSHPublicKey: they open
  one machine, and AWS decides on each by its own action.
- embed URLs of dashboards, presigned URLs of one document or log: no credentials of a principal.
- tokens of an application's end users (cognito-idp, ivs, ivschat, chime), of other companies' services
  (amplifyuibuilder, codeconnections).
- rolesanywhere CreateSession and iot AssumeRoleWithCertificate: they take a certificate, not a signature.
- aidevops, finspace-api, sso-directory, chime: actions whose wire form no public model shows.
- sts:GetServiceBearerToken: a permission without an operation.
- DeleteBucketAccessKey and the like: hand out nothing.
"""

import json
import pathlib
import sys

import botocore
import botocore.session

# IAM prefix, SDK name, operations; the action has the operation's name unless `=ACTION` says otherwise.
LIST = [
    ("account-access", "account-access-runtime", "GetRoleCredentials"),
    ("acm", "acm", "GetAcmeExternalAccountBindingCredentials"),
    ("airflow", "mwaa", "CreateCliToken CreateWebLoginToken"),
    ("athena", "athena", "CreatePresignedNotebookUrl GetSessionEndpoint"),
    ("bedrock-agentcore", "bedrock-agentcore", "GetResourceApiKey GetResourceOauth2Token GetResourcePaymentToken"
     " GetWorkloadAccessToken GetWorkloadAccessTokenForJWT GetWorkloadAccessTokenForUserId"),
    ("cloudwatch", "cloudwatchomni", "GetSpaceCredentialsForOrganization GetSpaceDataAccess"),
    ("codeartifact", "codeartifact", "GetAuthorizationToken"),
    ("codepipeline", "codepipeline", "GetJobDetails GetThirdPartyJobDetails PollForJobs"),
    ("cognito-identity", "cognito-identity", "GetCredentialsForIdentity GetOpenIdToken GetOpenIdTokenForDeveloperIdentity"),
    ("connect", "connect", "GetFederationToken"),
    ("datazone", "datazone", "GetConnection GetEnvironmentCredentials"),
    ("deadline", "deadline", "AssumeFleetRoleForRead AssumeFleetRoleForWorker AssumeQueueRoleForRead"
     " AssumeQueueRoleForUser AssumeQueueRoleForWorker"),
    ("ecr", "ecr", "GetAuthorizationToken"),
    ("ecr-public", "ecr-public", "GetAuthorizationToken"),
    ("eks-auth", "eks-auth", "AssumeRoleForPodIdentity"),
    ("elasticmapreduce", "emr", "GetClusterSessionCredentials GetSessionEndpoint"),
    ("emr-containers", "emr-containers", "GetManagedEndpointSessionCredentials"),
    ("emr-serverless", "emr-serverless", "GetSessionEndpoint"),
    ("gamelift", "gamelift", "CreateBuild GetComputeAccess GetComputeAuthToken RequestUploadCredentials"),
    ("glue", "glue", "GetSessionEndpoint"),
    ("grafana", "grafana", "CreateWorkspaceApiKey CreateWorkspaceServiceAccountToken"),
    ("iam", "iam", "CreateAccessKey CreateLoginProfile CreateServiceSpecificCredential ResetServiceSpecificCredential"
     " UpdateLoginProfile UploadSSHPublicKey UploadSigningCertificate"),
    ("iot", "iot", "CreateKeysAndCertificate CreateProvisioningClaim"),
    ("iot", "iotsecuretunneling", "OpenTunnel RotateTunnelAccessToken"),
    ("lakeformation", "lakeformation", "AssumeDecoratedRoleWithSAML GetTemporaryDataLocationCredentials"
     " GetTemporaryGlueFunctionCredentials GetTemporaryGluePartitionCredentials GetTemporaryGlueTableCredentials"),
    ("lambda", "lambda-microvms", "CreateMicrovmAuthToken CreateMicrovmShellAuthToken"),
    ("license-manager", "license-manager", "CreateToken GetAccessToken"),
    ("lightsail", "lightsail", "CreateBucketAccessKey CreateContainerServiceRegistryLogin GetBucketAccessKeys"),
    ("redshift", "redshift", "GetClusterCredentials GetClusterCredentialsWithIAM GetIdentityCenterAuthToken"),
    ("redshift-serverless", "redshift-serverless", "GetCredentials GetIdentityCenterAuthToken"),
    ("s3", "s3control", "GetDataAccess"),
    ("sagemaker", "sagemaker", "CreatePresignedDomainUrl CreatePresignedNotebookInstanceUrl"),
    ("signin", "signin", "CreateOAuth2Token"),
    ("ssm", "ssm", "GetAccessToken"),
    ("sso", "sso", "GetRoleCredentials"),
    ("sso-oauth", "sso-oidc", "CreateTokenWithIAM"),
    ("sts", "sts", "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot GetDelegatedAccessToken"
     " GetFederationToken GetSessionToken GetWebIdentityToken"),
]

# Operations that hand out credentials only where the query has this key, and not `false` in it.
ONLY_WITH = {"datazone:GetConnection": "withSecret"}

# What botocore does not model: action, endpoint prefix, signing name, form, wire.
BY_HAND = [
    # One per host family: a session of a directory bucket, `GET /?session`.
    ("s3express:CreateSession", "s3", "s3", "s3-session", "CreateSession"),
    ("s3express:CreateSession", "s3express", "s3express", "s3-session", "CreateSession"),
    # The agent's own call; in the reference's actions.
    ("ssm:RequestManagedInstanceRoleToken", "ssm", "ssm", "target", "RequestManagedInstanceRoleToken"),
]

CRATE = pathlib.Path(__file__).parent.parent


def rows_of(session, prefix, sdk, operations):
    if sdk not in session.get_available_services():
        print(f"botocore {botocore.__version__} has no {sdk}")
        return
    model = session.get_service_model(sdk)
    meta = model.metadata
    signing = meta.get("signingName") or meta["endpointPrefix"].rsplit(".", 1)[-1]
    for name in operations.split():
        if name not in model.operation_names:
            print(f"botocore {botocore.__version__} has no {sdk} {name}")
            continue
        http = model.operation_model(name).http
        if meta["protocol"] == "query":
            form, wire = "query", name
        elif meta["protocol"] in ("rest-json", "rest-xml"):
            key = ONLY_WITH.get(f"{prefix}:{name}")
            condition = f"?{key}" if key else ""
            form, wire = "path", f"{http['method']} {http['requestUri'].split('?')[0]}{condition}"
        else:
            form, wire = "target", name
        yield (f"{prefix}:{name}", meta["endpointPrefix"], signing, form, wire)


def main():
    reference = json.loads(pathlib.Path(sys.argv[1]).read_text())
    services = reference["services"]
    session = botocore.session.get_session()
    rows = list(BY_HAND)
    for prefix, sdk, operations in LIST:
        rows.extend(rows_of(session, prefix, sdk, operations))
    table, extract = [], set()
    for action, endpoint, signing, form, wire in sorted(set(rows)):
        prefix, name = action.split(":")
        known = services.get(prefix, {})
        if name in known.get("actions", {}):
            basis = "action"
        elif name in known.get("operations", {}):
            basis = "operation"
        else:
            basis = "model"
        if basis != "model":
            extract.add((prefix, basis, name))
        table.append((action, basis, endpoint, signing, form, wire))
    head = f"# Generated by generator/vending.py from botocore {botocore.__version__} and {reference['source']}. Do not edit.\n"
    lines = ["\t".join(row) for row in table]
    columns = "# action\tin the reference as\tendpoint prefix\tsigning name\tform\twire\n"
    (CRATE / "src/vending/vending.tsv").write_text(head + columns + "\n".join(lines) + "\n")
    lines = ["\t".join(row) for row in sorted(extract)]
    source = f"# Extracted by generator/vending.py from {reference['source']}. Do not edit.\n# prefix\tkind\tname\n"
    (CRATE / "tests/data/vending_reference.tsv").write_text(source + "\n".join(lines) + "\n")
    print(f"vending.tsv: {len(table)} rows")


if __name__ == "__main__":
    main()
