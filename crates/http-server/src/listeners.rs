//! The listeners of a server: each can end by itself, and all end together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use resource_limits::ListenerRole;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::drain::{CUT_GRACE, Drain, DrainStage};
use super::observer::ServerObserver;

/// The open listeners, and those that are closed and whose clients have not all gone.
#[derive(Debug)]
pub(super) struct Listeners {
    shared: Arc<Mutex<ListenerList>>,
    /// One task for each that closes. They end with the server: dropping the set aborts them.
    closing: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct ListenerList {
    /// How far all of them have come; one that is added then is no further behind.
    stage: DrainStage,
    list: Vec<OpenListener>,
}

#[derive(Debug)]
struct OpenListener {
    role: ListenerRole,
    drain: Arc<Drain>,
    /// The accept loop; `None` once it was ordered to end.
    accepting: Option<JoinHandle<()>>,
}

impl Listeners {
    pub(super) fn new() -> Self {
        let shared = ListenerList {
            stage: DrainStage::Running,
            list: Vec::new(),
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            closing: Mutex::default(),
        }
    }

    /// A further listener; `accept` starts its accept loop.
    pub(super) fn add(&self, role: ListenerRole, accept: impl FnOnce(&Drain) -> JoinHandle<()>) {
        let mut shared = lock(&self.shared);
        let drain = Drain::new();
        drain.advance(shared.stage);
        let accepting = Some(accept(&drain));
        shared.list.push(OpenListener {
            role,
            drain: Arc::new(drain),
            accepting,
        });
    }

    /// Closes the listener of this role and lets its running requests finish in the background, at most for `deadline`.
    ///
    /// What is returned ends as soon as the server no longer holds the socket; `None` where there is no such listener.
    pub(super) fn close(
        &self,
        role: &ListenerRole,
        deadline: Duration,
        observer: Arc<dyn ServerObserver>,
    ) -> Option<JoinHandle<()>> {
        let closed = lock(&self.shared).list.iter_mut().find_map(|listener| {
            let is_it = listener.role == *role;
            let accepting = is_it.then(|| listener.accepting.take()).flatten()?;
            Some((accepting, Arc::clone(&listener.drain)))
        });
        let (accepting, drain) = closed?;
        drain.advance(DrainStage::Draining);
        let end = end(Arc::downgrade(&self.shared), role.clone(), drain, deadline, observer);
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        while closing.try_join_next().is_some() {}
        closing.spawn(end);
        Some(accepting)
    }

    /// Moves all of them on to `stage`.
    pub(super) fn advance(&self, stage: DrainStage) {
        let mut shared = lock(&self.shared);
        shared.stage = stage.max(shared.stage);
        for listener in &shared.list {
            listener.drain.advance(stage);
        }
    }

    /// Waits until the clients of all of them have gone, at most for `limit`; whether that was in time.
    pub(super) async fn finished_within(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let drains: Vec<_> = lock(&self.shared)
            .list
            .iter()
            .map(|listener| Arc::clone(&listener.drain))
            .collect();
        for drain in drains {
            if !drain
                .finished_within(until.saturating_duration_since(Instant::now()))
                .await
            {
                return false;
            }
        }
        true
    }
}

/// The end of a listener that was closed: its clients finish, or are cut, and its numbers are no longer reported.
async fn end(
    listeners: Weak<Mutex<ListenerList>>,
    role: ListenerRole,
    drain: Arc<Drain>,
    deadline: Duration,
    observer: Arc<dyn ServerObserver>,
) {
    if !drain.finished_within(deadline).await {
        tracing::warn!(listener = %role, "requests of a listener that was removed took too long and were cut");
        drain.advance(DrainStage::Cut);
        drain.finished_within(CUT_GRACE).await;
    }
    let Some(listeners) = listeners.upgrade() else { return };
    let mut shared = lock(&listeners);
    shared.list.retain(|listener| !Arc::ptr_eq(&listener.drain, &drain));
    // It may have been opened again meanwhile.
    if !shared.list.iter().any(|listener| listener.role == role) {
        observer.listener_removed(&role);
    }
}

/// The stage and the list are changed one after the other by plain assignments: no half-made state.
fn lock(shared: &Mutex<ListenerList>) -> MutexGuard<'_, ListenerList> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
