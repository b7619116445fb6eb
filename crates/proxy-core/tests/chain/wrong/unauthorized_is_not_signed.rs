//! Nothing unauthorized is signed.

use std::sync::Arc;

use auth_model::Clock;
use proxy_core::plan::DecidedByHead;
use proxy_core::sign::{Signed, SigningMaterial};
use signer::Signer;

fn handle(request: DecidedByHead, signer: &Signer, material: &SigningMaterial, clock: &Arc<dyn Clock>) {
    let _ = Signed::by_proxy(request, signer, material, clock, None);
}

fn main() {}
