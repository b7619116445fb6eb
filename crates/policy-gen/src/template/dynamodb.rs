//! A policy for reading DynamoDB tables.

use auth_model::{AccountId, Partition, Region};

use super::name::TableName;
use crate::document::{Policy, Statement};
use crate::escape::literal;

/// Reading the items of these tables and of their indexes.
#[must_use]
pub fn dynamodb_read(partition: Partition, region: &Region, account: &AccountId, tables: &[TableName]) -> Policy {
    let mut table = Statement::allow([
        "dynamodb:BatchGetItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PartiQLSelect",
        "dynamodb:Query",
        "dynamodb:Scan",
    ])
    .with_sid("DynamodbReadTable");
    let mut index = Statement::allow(["dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:Scan"]);
    index = index.with_sid("DynamodbReadIndex");
    for name in tables {
        let arn = format!(
            "arn:{partition}:dynamodb:{region}:{account}:table/{}",
            literal(name.as_str())
        );
        index = index.with_resource(format!("{arn}/index/*"));
        table = table.with_resource(arn);
    }
    Policy::new([table, index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_with_their_indexes() {
        let account = AccountId::parse("111122223333").unwrap();
        let table = TableName::parse("orders").unwrap();
        let region = Region::parse("eu-west-1").unwrap();
        let json = dynamodb_read(Partition::Aws, &region, &account, &[table]).to_json();
        assert!(
            json.contains(r#""Resource":["arn:aws:dynamodb:eu-west-1:111122223333:table/orders"]"#),
            "{json}"
        );
        assert!(
            json.contains(r#"["arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/*"]"#),
            "{json}"
        );
        assert!(!json.contains("PutItem"));
    }
}
