//! References to secrets kept elsewhere, and reading them.
