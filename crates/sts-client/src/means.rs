//! What a connection's credentials are obtained with.

use std::sync::Arc;
use std::time::Duration;

use auth_model::{Clock, Connection};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use credential_assets::Assets;

use crate::connector::http_client;
use crate::error::CredentialError;
use crate::settings::StsSettings;
use crate::sts::Sts;
use crate::wall::KeyWall;

/// A connection, and all that asking for its credentials takes.
#[derive(Debug)]
pub(crate) struct Means<'a> {
    pub(crate) connection: &'a Connection,
    /// What log lines and session names show.
    pub(crate) shown_as: &'a str,
    pub(crate) assets: Assets,
    pub(crate) settings: &'a StsSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) http: SharedHttpClient,
    pub(crate) wall: KeyWall,
}

impl<'a> Means<'a> {
    /// Those of a connection whose auth method says nothing that contradicts itself.
    ///
    /// # Errors
    ///
    /// [`CredentialFailure::Contradictory`](crate::CredentialFailure::Contradictory), and
    /// [`CredentialFailure::Settings`](crate::CredentialFailure::Settings). Nothing is read and no request is sent here.
    pub(crate) fn checked(
        connection: &'a Connection,
        assets: Assets,
        settings: &'a StsSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CredentialError> {
        let unusable = |failure| CredentialError::new(failure, Duration::ZERO);
        let checked = connection.auth.check();
        checked.map_err(|contradiction| unusable(contradiction.into()))?;
        let http = http_client(settings, assets.observer()).map_err(unusable)?;
        Ok(Self {
            connection,
            shown_as: connection.name.as_str(),
            assets,
            settings,
            clock,
            http,
            wall: KeyWall::default(),
        })
    }

    /// Shows this text instead of the connection's name.
    pub(crate) fn shown_as(self, shown_as: &'a str) -> Self {
        Self { shown_as, ..self }
    }

    /// Compares the keys with those of all sources behind this wall.
    pub(crate) fn behind(self, wall: &KeyWall) -> Self {
        Self {
            wall: wall.clone(),
            ..self
        }
    }

    /// The STS that is called.
    pub(crate) fn sts(&self) -> Sts {
        let clock = Arc::clone(&self.clock);
        Sts::new(&self.connection.region, self.settings, clock, self.http.clone())
    }
}
