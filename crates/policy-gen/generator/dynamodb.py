"""DynamoDB and its streams: src/mapping/dynamodb.tsv, lines as src/mapping/rows.rs explains them.

Operations that src/mapping/dynamodb.rs reads itself have a row of what it looks for, so that it stands in the table.
"""

from sources import need, write_table

# The members that name resources, by type.
MEMBERS = {
    "backup": ["BackupArn"],
    "export": ["ExportArn"],
    "global-table": ["GlobalTableName"],
    "import": ["ImportArn"],
    "stream": ["StreamArn"],
    "table": ["TableName", "TableArn"],
}

# Types that the list of actions has and the mapping reads otherwise: an index replaces its table there.
BY_HAND = {"index"}

# ResourceArn is of a table, an index or a stream: whatever lies below `table/`.
RESOURCE_ARN = {"DeleteResourcePolicy", "GetResourcePolicy", "ListTagsOfResource", "PutResourcePolicy", "TagResource",
                "UntagResource"}

# Where the members differ from MEMBERS.
TABLE_OF = {
    "CreateGlobalTable": ["GlobalTableName"],
    "ImportTable": ["TableCreationParameters.TableName"],
    "RestoreTableFromBackup": ["TargetTableName"],
    "RestoreTableToPointInTime": ["SourceTableName", "SourceTableArn", "TargetTableName"],
    "UpdateGlobalTable": ["GlobalTableName"],
    "UpdateGlobalTableSettings": ["GlobalTableName"],
}

# Optional: without one they look at all tables.
LISTING = {"ListExports", "ListImports"}

# Read in src/mapping/dynamodb.rs; actions and where their tables are.
INSIDE = {
    "BatchExecuteStatement": (["PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"], "Statements"),
    "BatchGetItem": (["BatchGetItem"], "RequestItems"),
    "BatchWriteItem": (["BatchWriteItem"], "RequestItems"),
    "ExecuteStatement": (["PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"], "Statement"),
    "ExecuteTransaction": (["PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"], "TransactStatements"),
    "GetRecords": (["GetRecords"], "ShardIterator"),
    "TransactGetItems": (["GetItem"], "TransactItems"),
    "TransactWriteItems": (["ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"], "TransactItems"),
}

# What a parameter adds, by the operation's documentation.
ADDED = [
    need("CreateTable", "dynamodb:TagResource", "table", ["TableName?Tags"]),
    need("CreateTable", "dynamodb:PutResourcePolicy", "table", ["TableName?ResourcePolicy"]),
    need("CreateTable", "dynamodb:AssociateTableReplica", "part-of-table", ["GlobalTableSourceArn"]),
    need("UpdateTable", "dynamodb:CreateTableReplica", "table", ["TableName?ReplicaUpdates.Create"]),
    need("UpdateTable", "dynamodb:UpdateTable", "table", ["TableName?ReplicaUpdates.Update"]),
    need("UpdateTable", "dynamodb:DeleteTableReplica", "table", ["TableName?ReplicaUpdates.Delete"]),
]

# Newer than the list of actions: the action is the operation's name, as for all others, on what the request names.
NEW = {"CancelBulkOperation": "bulk-operation", "DescribeBulkOperation": "bulk-operation", "ListBulkOperations": None,
       "StartBulkPutItems": "table"}


def rows_of(operation, action, listed):
    if operation in INSIDE:
        actions, path = INSIDE[operation]
        return [need(operation, f"dynamodb:{name}", "stream" if operation == "GetRecords" else "table", [path], "unnamed")
                for name in actions]
    if operation in NEW:
        kind = NEW[operation]
        path = {"table": "TableName", "bulk-operation": "BulkOperationArn"}.get(kind)
        return [need(operation, action, kind, [path], "unnamed") if kind else need(operation, action)]
    if operation in RESOURCE_ARN:
        return [need(operation, action, "part-of-table", ["ResourceArn"], "unnamed")]
    if not listed["resourceTypes"]:
        return [need(operation, action)]
    rows = []
    for kind in (found["name"] for found in listed["resourceTypes"]):
        if kind not in BY_HAND:
            paths = TABLE_OF.get(operation, MEMBERS[kind]) if kind == "table" else MEMBERS[kind]
            rows.append(need(operation, action, kind, paths, "any" if operation in LISTING else "unnamed"))
    return rows


def write(sources):
    actions = sources.list_of_actions("dynamodb")
    rows = []
    for service in ("dynamodb", "dynamodbstreams"):
        for operation in sorted(sources.model(service).operation_names):
            assert operation in actions or operation in INSIDE or operation in NEW, operation
            rows += rows_of(operation, f"dynamodb:{operation}", actions.get(operation))
    rows += ADDED
    templates = sources.resource_types("dynamodb")
    for kind in ("backup", "export", "import", "stream"):
        rows.append(("resource", kind, "arn:{partition}:dynamodb:{region}:{account}:table/{id}", "arn"))
    rows.append(("resource", "bulk-operation", "arn:{partition}:dynamodb:{region}:{account}:table/{id}", "arn"))
    rows.append(("resource", "part-of-table", "arn:{partition}:dynamodb:{region}:{account}:table/{id}", "arn"))
    rows += [("resource", kind, templates[kind], "id") for kind in ("global-table", "table")]
    write_table("dynamodb.tsv", ["line", "..."], rows)
