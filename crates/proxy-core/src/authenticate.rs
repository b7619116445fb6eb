//! Who sends a request, before anything is decided for it.
//!
//! Today every client is anonymous: whoever reaches a listener may use its connections, within what `permissions` allow. Tokens,
//! client certificates and client signatures are checked here once there are any; what follows takes [`Authenticated`] and
//! nothing else, so that no request gets past this step.

use http::request::Parts;

use crate::admit::Admitted;

/// Who sends a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientIdentity {
    /// Nobody that is known.
    Anonymous,
}

/// A request whose client is known. Only [`authenticate`] makes one.
#[derive(Debug)]
pub struct Authenticated {
    request: Admitted,
    client: ClientIdentity,
}

impl Authenticated {
    /// The request as it was admitted.
    pub fn admitted(&self) -> &Admitted {
        &self.request
    }

    /// Who sends it.
    pub fn client(&self) -> ClientIdentity {
        self.client
    }

    /// The head as it came.
    pub fn head(&self) -> &Parts {
        self.request.head()
    }

    /// The head as it came.
    pub fn into_head(self) -> Parts {
        self.request.into_head()
    }
}

/// Finds out who sends a request.
pub fn authenticate(request: Admitted) -> Authenticated {
    Authenticated {
        request,
        client: ClientIdentity::Anonymous,
    }
}
