"""S3: src/mapping/s3/s3.tsv.

operation: name, method, place, sub-resource, what else must be there, how directory buckets take it, actions, actions
with a versionId. action: what S3's siblings know under a prefix of their own. parameter: query keys that change
nothing.
"""

from sources import write_table

# Deprecated twins of other operations: the same on the wire.
TWINS = {"GetBucketLifecycle", "GetBucketNotification", "PutBucketLifecycle", "PutBucketNotification"}

# Operations that share method, place and sub-resource with another one, and what tells them apart.
WHEN = {
    "CopyObject": "header x-amz-copy-source",
    "UploadPartCopy": "header x-amz-copy-source",
    "GetBucketAnalyticsConfiguration": "query id",
    "GetBucketIntelligentTieringConfiguration": "query id",
    "GetBucketInventoryConfiguration": "query id",
    "GetBucketMetricsConfiguration": "query id",
    "GetObjectAnnotation": "query annotationName",
    "ListDirectoryBuckets": "express",
}

# Sub-resources that the model declares as a parameter, not in the URI.
SUB_RESOURCE_PARAMETERS = {"uploadId"}

# Part of a URI beside the sub-resource proper.
FIXED_PARAMETERS = {"select-type"}

# Where the reference lists several actions: what the operation asks for whatever its headers are, and what instead
# when it names a version. The others of its list are read off headers and bodies, in src/mapping/s3/extras.rs, or are
# optional parts of the answer (GetObjectTagging and the like for GetObject). Attributes: two by the operation's
# documentation, of which the reference has one.
BY_VERSION = {
    "CopyObject": (["s3:PutObject"], []),
    "CreateBucket": (["s3:CreateBucket"], []),
    "CreateMultipartUpload": (["s3:PutObject"], []),
    "DeleteObject": (["s3:DeleteObject"], ["s3:DeleteObjectVersion"]),
    "DeleteObjectAnnotation": (["s3:DeleteObjectAnnotation"], ["s3:DeleteObjectVersionAnnotation"]),
    "DeleteObjectTagging": (["s3:DeleteObjectTagging"], ["s3:DeleteObjectVersionTagging"]),
    "DeleteObjects": (["s3:DeleteObject"], ["s3:DeleteObjectVersion"]),
    "GetObject": (["s3:GetObject"], ["s3:GetObjectVersion"]),
    "GetObjectAcl": (["s3:GetObjectAcl"], ["s3:GetObjectVersionAcl"]),
    "GetObjectAnnotation": (["s3:GetObjectAnnotation"], ["s3:GetObjectVersionAnnotation"]),
    "GetObjectAttributes": (
        ["s3:GetObject", "s3:GetObjectAttributes"],
        ["s3:GetObjectVersion", "s3:GetObjectVersionAttributes"],
    ),
    "GetObjectTagging": (["s3:GetObjectTagging"], ["s3:GetObjectVersionTagging"]),
    "HeadObject": (["s3:GetObject"], ["s3:GetObjectVersion"]),
    "ListObjectAnnotations": (["s3:ListObjectAnnotations"], ["s3:ListObjectVersionAnnotations"]),
    "ListObjects": (["s3:ListBucket"], []),
    "ListObjectsV2": (["s3:ListBucket"], []),
    "PutObject": (["s3:PutObject"], []),
    "PutObjectAcl": (["s3:PutObjectAcl"], ["s3:PutObjectVersionAcl"]),
    "PutObjectAnnotation": (["s3:PutObjectAnnotation"], ["s3:PutObjectVersionAnnotation"]),
    "PutObjectRetention": (["s3:PutObjectRetention"], []),
    "PutObjectTagging": (["s3:PutObjectTagging"], ["s3:PutObjectVersionTagging"]),
    "UploadPartCopy": (["s3:PutObject"], []),
}

# Operations younger than the reference, and those of S3's siblings, by their own documentation.
DOCUMENTED = {
    "CreateSession": "s3express:CreateSession",
    "GetBucketAbac": "s3:GetBucketAbac",
    "ListDirectoryBuckets": "s3express:ListAllMyDirectoryBuckets",
    "PutBucketAbac": "s3:PutBucketAbac",
    "RenameObject": "s3express:CreateSession",
    "UpdateBucketMetadataAnnotationTableConfiguration": "s3:UpdateBucketMetadataAnnotationTableConfiguration",
    "UpdateObjectEncryption": "s3:UpdateObjectEncryption",
    "WriteGetObjectResponse": "s3-object-lambda:WriteGetObjectResponse",
}

SIBLINGS = ["s3-object-lambda", "s3-outposts", "s3express"]


def write(sources):
    model = sources.model("s3")
    known = sources.actions("s3")
    siblings = {prefix: sources.actions(prefix) for prefix in SIBLINGS}
    operations = [model.operation_model(name) for name in sorted(set(model.operation_names) - TWINS)]
    rows = [row(sources, operation, known, siblings) for operation in operations]
    # Rows with a condition come before the row that takes the rest.
    rows.sort(key=lambda r: (r[3], r[2], r[4], r[5] == "-", r[1]))
    wire = [tuple(r[2:6]) for r in rows]
    assert len(set(wire)) == len(wire), "two operations look the same on the wire"
    places = {r[4] for r in rows} - {"-"}
    parameters = sorted({name for operation in operations for name in query_names(operation)} - places | FIXED_PARAMETERS)
    table = [tuple(r) for r in rows]
    table += [("action", canonical) for prefix in SIBLINGS for canonical in sorted(siblings[prefix].values())]
    table += [("parameter", name) for name in parameters]
    columns = ["operation", "name", "method", "place", "sub-resource", "when", "directory bucket", "actions", "with versionId"]
    write_table("s3/s3.tsv", columns, table)


def row(sources, operation, known, siblings):
    path, _, query = operation.http["requestUri"].partition("?")
    keys = [pair.partition("=")[0] for pair in query.split("&") if pair]
    keys += [name for name in query_names(operation) if name in SUB_RESOURCE_PARAMETERS]
    keys = [key for key in keys if key not in FIXED_PARAMETERS]
    assert len(keys) <= 1, f"{operation.name}: {keys}"
    place = {"/": "service", "/{Bucket}": "bucket", "/{Bucket}/{Key+}": "object"}.get(path, "route")
    actions, versioned = actions_of(sources, operation.name)
    for action in actions + versioned:
        prefix = action.partition(":")[0]
        names = known if prefix == "s3" else siblings[prefix]
        assert names.get(action.lower()) == action, f"{operation.name}: {action} is no action"
    versions = versioned and "versionId" in query_names(operation) or operation.name in ("CopyObject", "DeleteObjects")
    assert not versioned or versions, f"{operation.name}: takes no versionId"
    return [
        "operation",
        operation.name,
        operation.http["method"],
        place,
        keys[0] if keys else "-",
        WHEN.get(operation.name, "-"),
        "control" if is_control(operation) else "session",
        " ".join(actions),
        " ".join(versioned) or "-",
    ]


def actions_of(sources, name):
    """The actions whatever the headers are, and those instead with a versionId."""
    if name in BY_VERSION:
        actions, versioned = BY_VERSION[name]
        return actions, versioned
    if name in DOCUMENTED:
        assert not sources.authorised("s3", name), f"{name}: the reference knows it by now"
        return [DOCUMENTED[name]], []
    own = [action for action in sources.authorised("s3", name) if action.startswith("s3:")]
    assert len(own) == 1, f"{name}: {own} needs a person to say when which is asked for"
    return own, []


def query_names(operation):
    members = operation.input_shape.members.values() if operation.input_shape else []
    return [m.serialization["name"] for m in members if m.serialization.get("location") == "querystring"]


def is_control(operation):
    return any(p.name == "UseS3ExpressControlEndpoint" for p in operation.static_context_parameters)
