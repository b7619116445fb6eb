//! How many files the operating system lets the proxy have open. A connection is one of them.
//!
//! Most systems begin a program with a soft limit of 1,024 and a hard limit far above it. A proxy that runs out of them
//! leaves clients waiting, cannot reach services and cannot read its own secrets, so it raises the soft limit: not to the
//! hard limit, which may be a thousand million, but as far as it needs. The programs of `exec:` inherit the limit, and
//! some of those close every descriptor there could be before they begin.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a client takes at most: its connection, the one to the service, and the file of a body on the disk.
const PER_CLIENT: u64 = 3;

/// For everything else: listeners, probes, logs, files of secrets, connections to STS and those that are kept idle.
const BESIDES: u64 = 512;

/// Raises the soft limit to what so many clients need, and warns where the hard limit is below that.
///
/// The limit is the whole process's. It is never lowered.
pub(super) fn provide_for(max_clients: usize) {
    let plan = Plan::of(getrlimit(Resource::Nofile), max_clients);
    if let Some(limit) = plan.raised
        && let Err(error) = setrlimit(Resource::Nofile, limit)
    {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the limit of open files could not be raised"
        );
    }
    if let Some(Short { wanted, hard }) = plan.short {
        tracing::warn!(
            max_clients,
            wanted,
            hard_limit = hard,
            "too few files may be open for server.max_clients: raise the hard limit (LimitNOFILE= of systemd, --ulimit \
             nofile= of a container, ulimit -Hn of a shell), or lower server.max_clients; until then clients may have to \
             wait and requests may fail"
        );
    }
}

/// What there is to do about the limit.
#[derive(Debug, Eq, PartialEq)]
struct Plan {
    raised: Option<Rlimit>,
    short: Option<Short>,
}

/// Fewer files than are wanted.
#[derive(Debug, Eq, PartialEq)]
struct Short {
    wanted: u64,
    hard: u64,
}

impl Plan {
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
                .map(|hard| Short { wanted, hard }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The soft limit that comes of it, and how many files are wanted beyond the hard one.
    fn plan(soft: Option<u64>, hard: Option<u64>, max_clients: usize) -> (Option<u64>, Option<u64>) {
        let limit = Rlimit {
            current: soft,
            maximum: hard,
        };
        let plan = Plan::of(limit, max_clients);
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
    fn a_hard_limit_that_is_too_low_is_used_up_and_told() {
        assert_eq!(plan(Some(1024), Some(3000), 1024), (Some(3000), Some(584)));
        assert_eq!(plan(Some(1024), Some(1024), 1), (Some(1024), None));
        assert_eq!(
            plan(Some(1024), Some(1_048_576), 1_000_000),
            (Some(1_048_576), Some(1_951_936))
        );
        assert_eq!(plan(Some(1), Some(2), usize::MAX), (Some(2), Some(u64::MAX - 2)));
    }
}
