//! Directory buckets, whose objects are reached within a session.

use super::table::Express;
use super::target::Target;
use super::{Found, bodies, copy, extras};
use crate::mapping::{Condition, Mapping, MappingError, Need, Request};

/// What most operations on a directory bucket ask for.
pub(super) const SESSION: &str = "s3express:CreateSession";
const SESSION_MODE: &str = "x-amz-create-session-mode";

impl Found<'_> {
    /// Directory buckets: a session for the whole bucket, or an action of their own.
    pub(super) fn fill_express(
        &self,
        mapping: &mut Mapping,
        target: Target<'_>,
        body: &[u8],
    ) -> Result<(), MappingError> {
        let bucket = target.resource(None);
        match self.row.express {
            Express::Session => {
                if self.row.name == "DeleteObjects" {
                    bodies::deletions(body)?;
                }
                let mut need = Need::new(SESSION, bucket);
                if self.row.name == "CreateSession" {
                    need.conditions.extend(session_mode(target.request)?);
                    mapping.required.push(need);
                    let key = extras::of_named_key(target.request, &["kms:Decrypt", "kms:GenerateDataKey"])?;
                    mapping.required.extend(key);
                } else {
                    mapping.required.push(need);
                }
            }
            Express::Control => {
                for action in &self.row.actions {
                    mapping.required.push(Need::new(target.action(action)?, bucket.clone()));
                }
                if self.row.name == "CreateBucket" && bodies::creates_tags(body)? {
                    mapping
                        .required
                        .push(Need::new(target.action("s3:TagResource")?, bucket));
                }
            }
        }
        Ok(())
    }
}

/// The mode that a `CreateSession` asks for, which policies may look at.
fn session_mode(request: &Request<'_>) -> Result<Option<Condition>, MappingError> {
    let Some(mode) = copy::one(request.headers, SESSION_MODE)? else {
        return Ok(None);
    };
    if !matches!(mode, "ReadOnly" | "ReadWrite") {
        return Err(MappingError::malformed(SESSION_MODE, "it is ReadOnly or ReadWrite"));
    }
    Ok(Some(Condition {
        operator: "StringEquals",
        key: "s3express:SessionMode",
        value: mode.to_owned(),
    }))
}
