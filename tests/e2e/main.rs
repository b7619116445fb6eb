//! End-to-end tests: real sockets, public API and bytes only. One binary, so that it links once.

mod addresses;
mod auth;
mod bodies;
mod check;
mod conversations;
mod deploy;
mod heads;
mod hosts;
mod instance;
mod modes;
mod parts;
mod permissions;
mod refused;
mod rejected;
mod reload;
mod responses;
mod secrets;
mod stopping;
mod streams;
mod support;
mod tidy;
mod tls;
mod unmapped;
mod uploads;
mod vending;
mod wire;
