//! AWS requests to operations, IAM actions and resources; IAM documents.
