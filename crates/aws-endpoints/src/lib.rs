//! AWS endpoint tables: host names to partition, service and region, and back.

mod path_encoding;

pub use path_encoding::PathEncoding;
