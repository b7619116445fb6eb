//! What the operations of DynamoDB and of its streams ask of IAM.
//!
//! Most are rows of `dynamodb.tsv`, made by `generator/dynamodb.py`. Written out here are those whose tables stand
//! inside: batches (the keys of a map), transactions (an action of its own per item), `PartiQL` (in a statement), and
//! reads of an index, which are reads of `table/T/index/I`.

mod export;
mod partiql;

use std::sync::LazyLock;

use auth_model::AccountId;
use aws_endpoints::HostResource;

use super::rows::{Parameters, Rows, is_id, push};
use super::rpc::{self, Service};
use super::value::{Value, Wanted};
use super::{BodyNeed, Mapping, MappingError, Need, Request, Resource, Unresolved};
use partiql::Statement;

/// The table, split on first use.
pub(super) static ROWS: LazyLock<Rows> = LazyLock::new(|| Rows::read(include_str!("dynamodb.tsv")));

const TABLES: Service = Service {
    target: "DynamoDB_20120810",
    speaks_cbor: false,
};

const STREAMS: Service = Service {
    target: "DynamoDBStreams_20120810",
    speaks_cbor: false,
};

/// The largest request, of `BatchWriteItem`, is 16 MB; Base64 adds a third to bytes. Source: DynamoDB quotas.
const MAX_BODY: usize = 22 << 20;

const WANTED: Wanted = Wanted {
    members: &[
        "BackupArn",
        "BulkOperationArn",
        "ExportArn",
        "GlobalTableName",
        "GlobalTableSourceArn",
        "ImportArn",
        "IndexName",
        "InputS3Configuration",
        "OutputS3Configuration",
        "ReplicaUpdates",
        "RequestItems",
        "ResourceArn",
        "ResourcePolicy",
        "S3Bucket",
        "S3BucketSource",
        "S3Prefix",
        "ShardIterator",
        "SourceTableArn",
        "SourceTableName",
        "Statement",
        "Statements",
        "StreamArn",
        "TableArn",
        "TableCreationParameters",
        "TableName",
        "Tags",
        "TargetTableName",
        "TransactItems",
        "TransactStatements",
    ],
    depth: 4,
};

/// What a member of a transaction is called, and its action.
const TRANSACTED: [(&str, &str); 5] = [
    ("ConditionCheck", "dynamodb:ConditionCheckItem"),
    ("Delete", "dynamodb:DeleteItem"),
    ("Get", "dynamodb:GetItem"),
    ("Put", "dynamodb:PutItem"),
    ("Update", "dynamodb:UpdateItem"),
];

fn service(request: &Request<'_>) -> Service {
    if request.service.as_str() == "streams.dynamodb" {
        STREAMS
    } else {
        TABLES
    }
}

/// The operation of the service that is asked: streams have a host and a target of their own, searches a host.
fn find(request: &Request<'_>) -> Result<(&'static str, &'static [super::rows::Row]), MappingError> {
    let (name, _) = rpc::operation(request, service(request))?;
    let is_of_streams = matches!(
        name,
        "DescribeStream" | "GetRecords" | "GetShardIterator" | "ListStreams"
    );
    let row = ROWS.operation(name);
    row.filter(|_| is_of_streams == (request.service.as_str() == "streams.dynamodb"))
        .ok_or_else(|| MappingError::unknown("the operation's name"))
}

pub(super) fn needs_body(request: &Request<'_>) -> BodyNeed {
    match find(request) {
        Ok((_, rows)) if Rows::reads_parameters(rows) => BodyNeed::UpTo(MAX_BODY),
        _ => BodyNeed::No,
    }
}

pub(super) fn map(request: &Request<'_>, body: Option<&[u8]>) -> Result<Mapping, MappingError> {
    let (name, rows) = find(request)?;
    let account = account(request)?;
    let request = &Request { account, ..*request };
    let value = if Rows::reads_parameters(rows) {
        rpc::body(rpc::Encoding::Json, body.ok_or(MappingError::BodyMissing)?, WANTED)?
    } else {
        Value::Null
    };
    let mut mapping = Mapping::new(name);
    let needs = &mut mapping.required;
    match name {
        "BatchGetItem" => batch("dynamodb:BatchGetItem", &value, request, needs)?,
        "BatchWriteItem" => batch("dynamodb:BatchWriteItem", &value, request, needs)?,
        "TransactGetItems" | "TransactWriteItems" => transaction(&value, request, needs)?,
        "ExecuteStatement" => statement(&value, request, needs)?,
        "BatchExecuteStatement" => statements(value.elements("Statements")?, request, needs)?,
        "ExecuteTransaction" => statements(value.elements("TransactStatements")?, request, needs)?,
        "GetRecords" => needs.push(Need::new("dynamodb:GetRecords", stream_of(&value)?)),
        _ => {
            *needs = ROWS.needs(rows, request, Parameters::Body(&value))?;
            if matches!(
                name,
                "Query" | "Scan" | "DescribeContributorInsights" | "UpdateContributorInsights"
            ) {
                of_index(&value, needs)?;
            } else if name == "SearchVectors" {
                let mut of_table = needs.clone();
                of_index(&value, &mut of_table)?;
                needs.append(&mut of_table);
            }
        }
    }
    export::add(name, &value, request, needs)?;
    if needs.is_empty() {
        // AWS rejects what names no table. Whatever it may ask for stands, on nothing that a policy could name.
        let unnamed = || Resource::Unresolved(Unresolved::Unnamed("table"));
        needs.extend(rows.iter().map(|row| Need::new(row.action(), unnamed())));
    }
    Ok(mapping)
}

/// The account of the credentials, or that of the host, which AWS wants to be the same.
fn account<'r>(request: &Request<'r>) -> Result<Option<&'r AccountId>, MappingError> {
    match (request.account, request.host) {
        (Some(own), HostResource::Account(of_host)) if own != of_host => Err(MappingError::ambiguous(
            "the host's account and that of the credentials",
        )),
        (None, HostResource::Account(of_host)) => Ok(Some(of_host)),
        (own, _) => Ok(own),
    }
}

/// A table by its name or its ARN.
fn table(request: &Request<'_>, name: &str) -> Result<Resource, MappingError> {
    ROWS.named("table", request, "TableName", name)
}

fn batch(action: &'static str, body: &Value, request: &Request<'_>, needs: &mut Vec<Need>) -> Result<(), MappingError> {
    let Some(Value::Map(tables)) = body.member("RequestItems")? else {
        return Err(MappingError::malformed("RequestItems", "it is a map of tables"));
    };
    tables
        .keys()
        .try_for_each(|name| push(needs, Need::new(action, table(request, name)?)))
}

fn transaction(body: &Value, request: &Request<'_>, needs: &mut Vec<Need>) -> Result<(), MappingError> {
    let malformed = || {
        MappingError::malformed(
            "TransactItems",
            "each item is one of Get, Put, Update, Delete, ConditionCheck",
        )
    };
    for item in body.elements("TransactItems")? {
        let Value::Map(members) = item else {
            return Err(malformed());
        };
        let present = members.iter().filter(|(_, value)| **value != Value::Null);
        // AWS takes one member per item. Where there are more, each must be allowed.
        for (name, member) in present {
            let action = TRANSACTED.iter().find(|(known, _)| known == name);
            let (_, action) = action.ok_or_else(malformed)?;
            let names = member.texts("TableName")?;
            let name = names.first().ok_or_else(malformed)?;
            push(needs, Need::new(*action, table(request, name)?))?;
        }
    }
    Ok(())
}

fn statements(list: &[Value], request: &Request<'_>, needs: &mut Vec<Need>) -> Result<(), MappingError> {
    list.iter().try_for_each(|item| statement(item, request, needs))
}

fn statement(holder: &Value, request: &Request<'_>, needs: &mut Vec<Need>) -> Result<(), MappingError> {
    let texts = holder.texts("Statement")?;
    let [text] = texts.as_slice() else {
        return Err(MappingError::malformed("Statement", "it is one statement"));
    };
    let statement = Statement::parse(text)?;
    let resource = table(request, &statement.table)?;
    let resource = match &statement.index {
        Some(index) => index_of(resource, index),
        None => resource,
    };
    push(needs, Need::new(statement.action, resource))
}

/// The same needs on an index of the table, where one is named.
fn of_index(body: &Value, needs: &mut [Need]) -> Result<(), MappingError> {
    let names = body.texts("IndexName")?;
    let Some(name) = names.first() else {
        return Ok(());
    };
    if !is_id(name) {
        return Err(MappingError::malformed(
            "IndexName",
            "it is a name of A-Z, a-z, 0-9 and '-_.'",
        ));
    }
    for need in needs {
        need.resource = index_of(need.resource.clone(), name);
    }
    Ok(())
}

fn index_of(table: Resource, index: &str) -> Resource {
    match table {
        Resource::Exact(arn) => Resource::Exact([arn.as_str(), "/index/", index].concat()),
        other => other,
    }
}

/// The stream of a shard iterator: `STREAM_ARN|1|…`. Source: DynamoDB Streams API, `GetShardIterator`, example.
fn stream_of(body: &Value) -> Result<Resource, MappingError> {
    let texts = body.texts("ShardIterator")?;
    let Some(iterator) = texts.first() else {
        return Ok(Resource::Unresolved(Unresolved::Unnamed("ShardIterator")));
    };
    let stream = iterator.split_once('|').and_then(|(arn, _)| ROWS.whole("stream", arn));
    Ok(stream.unwrap_or(Resource::Unresolved(Unresolved::Indirect("ShardIterator"))))
}

#[cfg(test)]
mod tests;
