//! Stub stub stub stub.
use auth_model::ConnectionName;
use signing_proxy::config::Config;
use std::net::SocketAddr;
#[derive(Debug)]
pub(crate) struct Proxy;
impl Proxy {
    pub(crate) async fn start(_: Config) -> Result<Self, std::io::Error> {
        Ok(Proxy)
    }
    pub(crate) fn addr(&self) -> Option<SocketAddr> {
        None
    }
    pub(crate) fn admin_addr(&self) -> Option<SocketAddr> {
        None
    }
    pub(crate) fn connection_addr(&self, _: &ConnectionName) -> Option<SocketAddr> {
        None
    }
    pub(crate) async fn shutdown(self) {}
}
