//! The container or object that an operation is done to, as policies name it.

use std::borrow::Cow;

use auth_model::Partition;

use super::place::Container;
use super::table::TABLE;
use crate::mapping::{MappingError, Need, Request, Resource, Unresolved};

/// What an operation is done to.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) request: &'a Request<'a>,
    /// Of the request; looked up once.
    pub(super) partition: Partition,
    pub(super) container: &'a Container<'a>,
    pub(super) key: Option<&'a str>,
}

impl Target<'_> {
    /// The action on it.
    pub(super) fn need(&self, action: &'static str) -> Result<Need, MappingError> {
        if action.starts_with("s3express:") {
            let place = Unresolved::Indirect("a host or name that is no directory bucket's");
            return Ok(Need::new(action, Resource::Unresolved(place)));
        }
        Ok(Need::new(self.action(action)?, self.resource(self.key)))
    }

    /// The container, or an object in it.
    pub(super) fn resource(&self, key: Option<&str>) -> Resource {
        self.container.resource(self.request, self.partition, key)
    }

    /// The action under the prefix of the container's service.
    pub(super) fn action(&self, action: &'static str) -> Result<Cow<'static, str>, MappingError> {
        match self.container.prefix() {
            "s3" => Ok(Cow::Borrowed(action)),
            prefix => TABLE
                .action_of_sibling(prefix, action)
                .map(Cow::Borrowed)
                .ok_or_else(|| MappingError::unknown(format!("{action} in {prefix}"))),
        }
    }
}
