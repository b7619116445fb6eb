//! End-to-end tests: real sockets, public API and bytes only. One binary, so that it links once.

mod deploy;
mod tidy;
