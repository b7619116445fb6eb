//! Which hosts send `100 Continue`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For so long such a host gets no `Expect`.
pub(super) const SILENT_FOR: Duration = Duration::from_mins(10);

/// Silent hosts that are remembered. With virtual addressing each bucket is one.
const MAX_SILENT: usize = 256;

/// Which hosts are known to send no `100 Continue`. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ContinueHosts(Arc<Mutex<HashMap<Arc<str>, Instant>>>);

impl ContinueHosts {
    /// The host, named with its port; `None` while it is known to be silent.
    #[must_use]
    pub fn of(&self, host: &str) -> Option<ContinueHost> {
        let mut silent = self.silent();
        match silent.get(host) {
            Some(until) if Instant::now() < *until => return None,
            Some(_) => silent.remove(host),
            None => None,
        };
        drop(silent);
        Some(ContinueHost {
            hosts: self.clone(),
            host: host.into(),
        })
    }

    fn remember(&self, host: &Arc<str>) {
        let now = Instant::now();
        let mut silent = self.silent();
        if silent.len() >= MAX_SILENT {
            silent.retain(|_, until| now < *until);
        }
        if silent.len() >= MAX_SILENT
            && let Some(oldest) = silent.iter().min_by_key(|(_, until)| **until)
        {
            let oldest = Arc::clone(oldest.0);
            silent.remove(&oldest);
        }
        silent.insert(Arc::clone(host), now + SILENT_FOR);
    }

    fn silent(&self) -> MutexGuard<'_, HashMap<Arc<str>, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host that may send `100 Continue`.
#[derive(Clone, Debug)]
pub struct ContinueHost {
    hosts: ContinueHosts,
    host: Arc<str>,
}

impl ContinueHost {
    /// Whether it may still, as far as is known.
    #[must_use]
    pub fn is_likely(&self) -> bool {
        let until = self.hosts.silent().get(&self.host).copied();
        until.is_none_or(|until| until <= Instant::now())
    }

    /// It does not: no `Expect` for `SILENT_FOR`.
    pub fn is_silent(&self) {
        self.hosts.remember(&self.host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silent_hosts_beyond_the_bound_displace_the_oldest() {
        let hosts = ContinueHosts::default();
        for number in 0..=MAX_SILENT {
            hosts.of(&number.to_string()).unwrap().is_silent();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(hosts.silent().len(), MAX_SILENT);
        assert!(hosts.of("0").is_some() && hosts.of("1").is_none());
    }
}
