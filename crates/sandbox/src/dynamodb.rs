//! `DynamoDB`: one table in memory, with the key attribute `id`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::api::{Api, Call, Identity};
use crate::event::Reason;
use crate::json::{json_operation, unknown_operation};
use crate::principals::TABLE;
use crate::response::{Body, ok};
use crate::service_error::{ServiceError, Shape};

/// Items kept at most: some 100 MiB at their largest.
const MAX_ITEMS: usize = 256;
/// The size of an item at most, as at AWS.
const MAX_ITEM_BYTES: usize = 400 * 1024;
const KEY: &str = "id";

/// The stand-in.
#[derive(Default)]
pub(crate) struct DynamoDb {
    /// By the JSON text of the key's attribute value, such as `{"S":"1"}`.
    items: Mutex<HashMap<String, Value>>,
}

#[async_trait]
impl Api for DynamoDb {
    fn identity(&self) -> Identity {
        Identity {
            service: "dynamodb",
            signing_name: "dynamodb",
            shape: Shape::Json,
            action_prefix: "dynamodb",
        }
    }

    fn operation(&self, head: &Parts, _body: &[u8]) -> Option<String> {
        json_operation(head, "DynamoDB_20120810")
    }

    async fn respond(&self, call: Call<'_>) -> Result<Response<Body>, ServiceError> {
        let request: Value = serde_json::from_slice(call.body).map_err(|_| {
            ServiceError::of_operation(
                "SerializationException",
                StatusCode::BAD_REQUEST,
                "The body is not JSON",
            )
        })?;
        let response = match call.operation {
            Some("ListTables") => json!({ "TableNames": [TABLE] }),
            Some("PutItem") => self.put(&request)?,
            Some("GetItem") => self.get(&request)?,
            _ => return Err(unknown_operation()),
        };
        let text = response.to_string();
        let checksum = crc32fast::hash(text.as_bytes());
        let mut response = ok("application/x-amz-json-1.0", text);
        response
            .headers_mut()
            .insert("x-amz-crc32", HeaderValue::from(checksum));
        Ok(response)
    }
}

impl DynamoDb {
    fn put(&self, request: &Value) -> Result<Value, ServiceError> {
        check_table(request)?;
        let item = request.get("Item").ok_or_else(|| invalid("Item must not be null"))?;
        let key = item
            .get(KEY)
            .ok_or_else(|| invalid("One or more parameter values were invalid: Missing the key id in the item"))?
            .to_string();
        if item.to_string().len() > MAX_ITEM_BYTES {
            return Err(invalid("Item size has exceeded the maximum allowed size"));
        }
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        if items.len() >= MAX_ITEMS && !items.contains_key(&key) {
            return Err(ServiceError::of_operation(
                "LimitExceededException",
                StatusCode::BAD_REQUEST,
                format!("The sandbox keeps up to {MAX_ITEMS} items"),
            ));
        }
        items.insert(key, item.clone());
        Ok(json!({}))
    }

    fn get(&self, request: &Value) -> Result<Value, ServiceError> {
        check_table(request)?;
        let key = request
            .get("Key")
            .and_then(|key| key.get(KEY))
            .ok_or_else(|| invalid("The provided key element does not match the schema"))?
            .to_string();
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(items
            .get(&key)
            .map_or_else(|| json!({}), |item| json!({ "Item": item })))
    }
}

fn check_table(request: &Value) -> Result<(), ServiceError> {
    match request.get("TableName").and_then(Value::as_str) {
        Some(TABLE) => Ok(()),
        _ => Err(ServiceError::of_operation(
            "ResourceNotFoundException",
            StatusCode::BAD_REQUEST,
            "Requested resource not found",
        )),
    }
}

fn invalid(message: &str) -> ServiceError {
    ServiceError::new(Reason::BadRequest, message)
}
