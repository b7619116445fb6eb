//! End-to-end tests: real sockets, public API and bytes only.
