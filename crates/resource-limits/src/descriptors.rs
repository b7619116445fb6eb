//! How many files the operating system lets the process have open, and who may have how many of them. A connection is one.
//!
//! Most systems begin a program with a soft limit of 1,024 and a hard limit far above it. A proxy that runs out of them
//! leaves clients waiting, cannot reach services and cannot read its own secrets, so it raises the soft limit: not to the
//! hard limit, which may be a thousand million, but as far as it needs. The programs of `exec:` inherit the limit, and
//! some of those close every descriptor there could be before they begin.
//!
//! Whatever the limit is, a part of it is kept in reserve for the admin listener and for what the proxy opens for itself: a
//! probe that nobody can accept has a proxy restarted that serves. So clients and upstream connections are counted, and a
//! spooled body's file is given back where it is one of the reserve. That needs no count: the kernel gives the lowest
//! descriptor that is free.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Notify;

/// What a client takes at most: its connection, the one to the service, and the file of a body on the disk.
const PER_CLIENT: u64 = 3;

/// For everything else: listeners, probes, logs, files of secrets, connections to STS and those that are kept idle.
const BESIDES: u64 = 512;

/// The reserve: this part of the limit, and at least so many. Probes take few; what else is opened are files of secrets and
/// connections to STS, of each of the proxy's connections at a time.
const RESERVE_PART: u64 = 16;
const LEAST_RESERVE: u64 = 24;

/// Of the reserve, for the admin listener: this part, between these bounds.
const ADMIN_PART: u64 = 3;
const LEAST_ADMIN: u64 = 8;
const MOST_ADMIN: u64 = 128;

/// Clients beyond `max_clients` for a moment: those whose requests are rejected, and those that have lost their place and end.
const PASSING_CLIENTS: u64 = 128;

/// The descriptors of the process: how many there may be of each kind. Clones share it.
#[derive(Clone, Debug)]
pub struct Descriptors {
    /// Those that were open before there was a client.
    own: u64,
    /// Clients' connections.
    pub clients: DescriptorLimit,
    /// Connections to the admin listener.
    pub admin: DescriptorLimit,
    /// Connections to services.
    pub upstream: DescriptorLimit,
}

impl Descriptors {
    /// To be called when all is open that a proxy without clients has open. Nothing is limited yet.
    #[must_use]
    pub fn unlimited() -> Self {
        // The number of a new descriptor is the number of those before it, whose numbers have no gaps at the start.
        let own = UnixDatagram::unbound().map_or(0, |socket| u64::try_from(socket.as_raw_fd()).unwrap_or(0));
        Self {
            own,
            clients: DescriptorLimit::none(),
            admin: DescriptorLimit::none(),
            upstream: DescriptorLimit::none(),
        }
    }

    /// Raises the soft limit to what so many clients need, warns where the hard limit is below that, and shares out what there
    /// is.
    ///
    /// The limit is the whole process's. It is never lowered.
    pub fn provide_for(&self, max_clients: usize, listeners: usize) {
        let limit = getrlimit(Resource::Nofile);
        let plan = LimitPlan::of(limit, max_clients);
        let mut soft = limit.current;
        if let Some(raised) = plan.raised {
            match setrlimit(Resource::Nofile, raised) {
                Ok(()) => soft = raised.current,
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the limit of open files could not be raised"
                ),
            }
        }
        // A client that has been accepted waits in each listener's hands.
        let own = self.own.saturating_add(u64::try_from(listeners).unwrap_or(u64::MAX));
        let shares = DescriptorShares::of(soft, own, max_clients);
        if let Some(Shortfall { wanted, hard }) = plan.short {
            tracing::warn!(
                max_clients,
                wanted,
                hard_limit = hard,
                clients_at_a_time = shares.clients,
                upstream_connections_at_a_time = shares.upstream,
                "too few files may be open for server.max_clients: raise the hard limit (LimitNOFILE= of systemd, --ulimit \
                 nofile= of a container, ulimit -Hn of a shell), or lower server.max_clients; until then clients may have to \
                 wait and requests may fail"
            );
        }
        self.clients.set(shares.clients, shares.reserve_begins);
        self.admin.set(shares.admin, u64::MAX);
        self.upstream.set(shares.upstream, shares.reserve_begins);
    }
}

/// How many descriptors of one kind may be open at a time. Clones share it.
///
/// ```
/// use resource_limits::DescriptorLimit;
///
/// let limit = DescriptorLimit::of(1);
/// let permit = limit.try_take();
/// assert!(permit.is_some() && limit.try_take().is_none());
/// drop(permit);
/// assert!(limit.try_take().is_some());
/// ```
#[derive(Clone, Debug)]
pub struct DescriptorLimit(Arc<DescriptorCounts>);

#[derive(Debug)]
struct DescriptorCounts {
    most: AtomicU64,
    open: AtomicU64,
    /// The lowest number of a descriptor that is in reserve for others.
    reserve_begins: AtomicU64,
    closed: Notify,
}

/// One descriptor that counts as open until this is dropped.
#[derive(Debug)]
pub struct DescriptorPermit(Arc<DescriptorCounts>);

impl DescriptorLimit {
    /// As many as there may be.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(DescriptorCounts {
            most: AtomicU64::new(u64::MAX),
            open: AtomicU64::default(),
            reserve_begins: AtomicU64::new(u64::MAX),
            closed: Notify::new(),
        }))
    }

    /// From now on so many. Nobody who has one loses it.
    fn set(&self, most: u64, reserve_begins: u64) {
        self.0.most.store(most, Ordering::Relaxed);
        self.0.reserve_begins.store(reserve_begins, Ordering::Relaxed);
        self.0.closed.notify_waiters();
    }

    /// How many there may be.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.0.most.load(Ordering::Relaxed)
    }

    /// One more, where there may be one.
    #[must_use]
    pub fn try_take(&self) -> Option<DescriptorPermit> {
        let most = self.most();
        let add = |open: u64| (open < most).then_some(open + 1);
        let taken = self.0.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        taken.is_ok().then(|| DescriptorPermit(Arc::clone(&self.0)))
    }

    /// One more, as soon as there may be one.
    pub async fn take(&self) -> DescriptorPermit {
        loop {
            let mut closed = std::pin::pin!(self.0.closed.notified());
            // From here on no end of another one is missed.
            closed.as_mut().enable();
            if let Some(permit) = self.try_take() {
                return permit;
            }
            closed.await;
        }
    }

    /// Whether this one was taken of the reserve, so that all others are open: it is to be closed again.
    pub fn is_of_reserve(&self, descriptor: &impl AsRawFd) -> bool {
        let number = u64::try_from(descriptor.as_raw_fd()).unwrap_or(u64::MAX);
        number >= self.0.reserve_begins.load(Ordering::Relaxed)
    }

    /// So many, wherever the numbers of descriptors are.
    #[must_use]
    pub fn of(most: u64) -> Self {
        let limit = Self::none();
        limit.set(most, u64::MAX);
        limit
    }
}

impl Drop for DescriptorPermit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.closed.notify_one();
    }
}

/// How many there may be of each kind.
#[derive(Debug, Eq, PartialEq)]
struct DescriptorShares {
    clients: u64,
    admin: u64,
    upstream: u64,
    reserve_begins: u64,
}

impl DescriptorShares {
    /// Of a soft limit, `None` being none at all. Where it is too low for all, clients get half of what is left, so that each
    /// has a connection to its service.
    fn of(soft: Option<u64>, own: u64, max_clients: usize) -> Self {
        let natural = u64::try_from(max_clients)
            .unwrap_or(u64::MAX)
            .saturating_add(PASSING_CLIENTS);
        let Some(soft) = soft else {
            return Self {
                clients: natural,
                admin: MOST_ADMIN,
                upstream: u64::MAX,
                reserve_begins: u64::MAX,
            };
        };
        let reserve = (soft / RESERVE_PART).max(LEAST_RESERVE);
        let left = soft.saturating_sub(reserve).saturating_sub(own);
        let clients = natural.min(left / 2).max(1);
        Self {
            clients,
            admin: (reserve / ADMIN_PART).clamp(LEAST_ADMIN, MOST_ADMIN),
            upstream: left.saturating_sub(clients).max(1),
            reserve_begins: soft.saturating_sub(reserve),
        }
    }
}

/// What there is to do about the limit.
#[derive(Debug, Eq, PartialEq)]
struct LimitPlan {
    raised: Option<Rlimit>,
    short: Option<Shortfall>,
}

/// Fewer files than are wanted.
#[derive(Debug, Eq, PartialEq)]
struct Shortfall {
    wanted: u64,
    hard: u64,
}

impl LimitPlan {
    /// `None` in a limit is none at all.
    fn of(limit: Rlimit, max_clients: usize) -> Self {
        let clients = u64::try_from(max_clients).unwrap_or(u64::MAX);
        let wanted = clients.saturating_mul(PER_CLIENT).saturating_add(BESIDES);
        let reachable = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
        let is_below = limit.current.is_some_and(|soft| soft < reachable);
        Self {
            raised: is_below.then_some(Rlimit {
                current: Some(reachable),
                maximum: limit.maximum,
            }),
            short: limit
                .maximum
                .filter(|hard| *hard < wanted)
                .map(|hard| Shortfall { wanted, hard }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    use super::*;

    /// The soft limit that comes of it, and how many files are wanted beyond the hard one.
    fn plan(soft: Option<u64>, hard: Option<u64>, max_clients: usize) -> (Option<u64>, Option<u64>) {
        let limit = Rlimit {
            current: soft,
            maximum: hard,
        };
        let plan = LimitPlan::of(limit, max_clients);
        assert!(plan.raised.is_none_or(|raised| raised.maximum == hard));
        let soft = plan.raised.map_or(soft, |raised| raised.current);
        (soft, plan.short.map(|short| short.wanted - short.hard))
    }

    #[test]
    fn the_limit_is_raised_as_far_as_clients_need_and_never_lowered() {
        assert_eq!(plan(Some(1024), Some(1 << 30), 1024), (Some(3584), None));
        assert_eq!(plan(Some(1024), None, 1024), (Some(3584), None));
        assert_eq!(plan(Some(1024), Some(3584), 1024), (Some(3584), None));
        assert_eq!(plan(Some(3584), Some(4096), 1024), (Some(3584), None));
        assert_eq!(plan(Some(65_536), Some(65_536), 1024), (Some(65_536), None));
        assert_eq!(plan(None, None, 1_000_000), (None, None));
    }

    #[test]
    fn a_hard_limit_that_is_too_low_is_used_up_and_reported() {
        assert_eq!(plan(Some(1024), Some(3000), 1024), (Some(3000), Some(584)));
        assert_eq!(plan(Some(1024), Some(1024), 1), (Some(1024), None));
        assert_eq!(
            plan(Some(1024), Some(1_048_576), 1_000_000),
            (Some(1_048_576), Some(1_951_936))
        );
        assert_eq!(plan(Some(1), Some(2), usize::MAX), (Some(2), Some(u64::MAX - 2)));
    }

    #[track_caller]
    fn shares(soft: Option<u64>, own: u64, max_clients: usize) -> (u64, u64, u64) {
        let shares = DescriptorShares::of(soft, own, max_clients);
        let all = u128::from(shares.clients) + u128::from(shares.upstream) + u128::from(own);
        let is_all =
            soft.is_none_or(|soft| all + u128::from(shares.admin) <= u128::from(soft.max(LEAST_RESERVE + own + 2)));
        assert!(is_all, "{shares:?} of {soft:?}");
        (shares.clients, shares.upstream, shares.admin)
    }

    #[test]
    fn a_part_of_the_limit_is_for_the_admin_listener_and_clients_leave_as_much_to_services() {
        assert_eq!(shares(Some(64), 20, 1024), (10, 10, 8));
        assert_eq!(shares(Some(1024), 20, 1024), (470, 470, 21));
        assert_eq!(shares(Some(3584), 20, 1024), (1152, 2188, 74));
        assert_eq!(shares(Some(65_536), 100, 1024), (1152, 60_188, 128));
        assert_eq!(shares(None, 20, 1024), (1152, u64::MAX, 128));
        // Less than the proxy has open itself: it can only be tried.
        assert_eq!(shares(Some(16), 20, 1024), (1, 1, 8));
    }

    async fn is_pending(mut future: Pin<&mut impl Future>) -> bool {
        poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }

    #[tokio::test]
    async fn beyond_the_limit_one_waits_until_another_ends() {
        let limit = DescriptorLimit::of(2);
        let first = limit.take().await;
        let _second = limit.take().await;
        assert!(limit.try_take().is_none());
        let mut waits = std::pin::pin!(limit.take());
        assert!(is_pending(waits.as_mut()).await);
        drop(first);
        let third = waits.await;
        // One that was given up takes none.
        let mut given_up = Box::pin(limit.take());
        assert!(is_pending(given_up.as_mut()).await);
        drop(given_up);
        drop(third);
        assert!(limit.try_take().is_some());
        // A higher limit is for those that wait already.
        let _all = (limit.try_take(), limit.try_take());
        let mut waits = std::pin::pin!(limit.take());
        assert!(is_pending(waits.as_mut()).await);
        limit.set(3, u64::MAX);
        waits.await;
    }

    #[test]
    fn a_descriptor_of_the_reserve_is_recognized_by_its_number() {
        let limit = DescriptorLimit::none();
        let socket = UnixDatagram::unbound().unwrap();
        let number = u64::try_from(socket.as_raw_fd()).unwrap();
        for (begins, want) in [(number, true), (number + 1, false)] {
            limit.set(1, begins);
            assert_eq!(limit.is_of_reserve(&socket), want);
        }
    }
}
