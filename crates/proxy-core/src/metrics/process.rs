//! What the operating system reports of this process, by the names that all Prometheus clients give it.
//!
//! What is read from `/proc` is opened at the start: `process.landlock` lets nothing be opened there later. A number that
//! the system does not give is left out.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use auth_model::{Clock as _, SystemClock};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::fs::Dir;
use rustix::param::page_size;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Reads them when the metrics are requested.
pub(super) struct ProcessCollector {
    started: SystemTime,
    stat: Option<File>,
    descriptors: Option<Mutex<Dir>>,
}

/// What `/proc/self/stat` reports.
#[derive(Debug, Eq, PartialEq)]
struct Stat {
    threads: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl ProcessCollector {
    /// Of this process, which has just begun.
    pub(super) fn new() -> Self {
        let open = |path| File::open(path).ok();
        let descriptors = open("/proc/self/fd").and_then(|folder| Dir::new(folder).ok());
        Self {
            started: SystemClock.now(),
            stat: open("/proc/self/stat"),
            descriptors: descriptors.map(Mutex::new),
        }
    }

    fn stat(&self) -> Option<Stat> {
        // The line has some 350 bytes.
        let mut line = [0; 1024];
        let length = self.stat.as_ref()?.read_at(&mut line, 0).ok()?;
        Stat::parse(std::str::from_utf8(line.get(..length)?).ok()?)
    }

    /// How many descriptors are open, the two of this collector among them.
    fn open_descriptors(&self) -> Option<u64> {
        let mut folder = self
            .descriptors
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        folder.rewind();
        let mut count = 0;
        while let Some(entry) = folder.read() {
            let is_number = !entry.ok()?.file_name().to_bytes().starts_with(b".");
            count += u64::from(is_number);
        }
        Some(count)
    }
}

impl Stat {
    /// Source: proc(5). The program's name may have spaces and brackets in it.
    fn parse(line: &str) -> Option<Self> {
        let (_, fields) = line.rsplit_once(')')?;
        // The first one behind the name is the third of all.
        let field = |number: usize| {
            fields
                .split_ascii_whitespace()
                .nth(number.checked_sub(3)?)?
                .parse()
                .ok()
        };
        Some(Self {
            threads: field(20)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        #[expect(clippy::cast_precision_loss, reason = "seconds as Prometheus has them")]
        let used = used.tv_sec as f64 + used.tv_nsec as f64 / 1e9;
        let metric = encoder.encode_descriptor(
            "process_cpu",
            "User and system CPU time spent.",
            Some(&Unit::Seconds),
            MetricType::Counter,
        )?;
        ConstCounter::new(used).encode(metric)?;
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let metric = encoder.encode_descriptor(
            "process_start_time",
            "When the process started, since 1970.",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        ConstGauge::new(started.as_secs_f64()).encode(metric)?;
        let stat = self.stat();
        let page = u64::try_from(page_size()).unwrap_or(u64::MAX);
        let resident = stat.as_ref().map(|stat| stat.resident_pages.saturating_mul(page));
        let virtual_memory = stat.as_ref().map(|stat| stat.virtual_bytes);
        for (name, help, unit, value) in [
            (
                "process_resident_memory",
                "Resident memory size.",
                Some(&Unit::Bytes),
                resident,
            ),
            (
                "process_virtual_memory",
                "Virtual memory size.",
                Some(&Unit::Bytes),
                virtual_memory,
            ),
            (
                "process_threads",
                "Number of threads.",
                None,
                stat.as_ref().map(|stat| stat.threads),
            ),
            (
                "process_open_fds",
                "Number of open file descriptors.",
                None,
                self.open_descriptors(),
            ),
            (
                "process_max_fds",
                "Maximum number of open file descriptors.",
                None,
                getrlimit(Resource::Nofile).current,
            ),
        ] {
            if let Some(value) = value {
                let metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
                ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(metric)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ProcessCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessCollector")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_may_look_like_fields() {
        let line = "7 (a) R (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 99 18 19 4096 25 26";
        let want = Stat {
            threads: 99,
            virtual_bytes: 4096,
            resident_pages: 25,
        };
        assert_eq!(Stat::parse(line), Some(want));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn numbers_are_those_of_now() {
        let collector = ProcessCollector::new();
        let before = collector.open_descriptors().unwrap();
        let held: Vec<_> = (0..50).map(|_| File::open("/dev/null").unwrap()).collect();
        // Other tests open and close some of their own.
        assert!(collector.open_descriptors().unwrap() > before + 10);
        drop(held);
        let stat = collector.stat().unwrap();
        assert!(stat.threads >= 1 && stat.resident_pages > 100, "{stat:?}");
        assert!(stat.virtual_bytes > stat.resident_pages, "{stat:?}");
    }
}
