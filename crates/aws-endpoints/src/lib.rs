//! AWS endpoint tables: host names to partition, service and region, and back.
