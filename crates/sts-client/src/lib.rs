//! Live AWS credentials for an auth method: obtained once, shared and renewed ahead of expiry.
