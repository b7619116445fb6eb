//! The accept loop: takes connections while there is room for them, and survives what accepting can do.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::drain::{DrainWatch, Stage};
use super::slots::{Slot, Slots};
use crate::metrics::Metrics;

/// First wait after the process or the machine ran out of descriptors or memory; doubles up to
/// [`LONGEST_PAUSE`]. Accepting again at once would spin: the connection stays in the queue.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where connections come from; tests bring their own.
pub(crate) trait Accept: Send + 'static {
    type Stream: Send + 'static;
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Accept for Arc<TcpListener> {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        TcpListener::accept(self).await
    }
}

/// Accepts until the drain begins, then gives up the listener.
///
/// Each connection takes one of `slots` and gives it back at its end. While none is free the loop
/// holds one accepted connection and leaves the others in the kernel's queue: clients wait, nobody is refused.
pub(crate) async fn accept_loop<A, F>(listener: A, slots: Slots, mut drain: DrainWatch, metrics: Metrics, mut serve: F)
where
    A: Accept,
    F: FnMut(A::Stream, SocketAddr, Slot) + Send,
{
    let take_all = async {
        let mut pause = FIRST_PAUSE;
        loop {
            match listener.accept().await {
                Ok((stream, addr)) => {
                    pause = FIRST_PAUSE;
                    let Some(slot) = slot(&slots, &metrics).await else {
                        return;
                    };
                    serve(stream, addr, slot);
                }
                Err(error) if is_about_one_client(&error) => {}
                Err(error) => {
                    metrics.accept_failed();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        retry_in = ?pause,
                        "cannot accept connections; is the limit of open files (ulimit -n) too low?"
                    );
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    };
    tokio::select! {
        () = drain.reached(Stage::Draining) => {}
        () = take_all => {}
    }
}

async fn slot(slots: &Slots, metrics: &Metrics) -> Option<Slot> {
    if let Some(slot) = slots.try_take() {
        return Some(slot);
    }
    metrics.client_had_to_wait();
    tracing::debug!("as many clients as server.max_clients allows; the next one waits");
    slots.take().await
}

/// The client left between its connection and our accept: says nothing about the next one.
fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::super::drain::Drain;
    use super::*;

    /// Linux's EMFILE.
    const TOO_MANY_OPEN_FILES: i32 = 24;

    /// Fails as often as it is told to, then hands out numbered streams.
    struct Script {
        failures: Mutex<Vec<io::Error>>,
        calls: Arc<AtomicUsize>,
    }

    impl Accept for Script {
        type Stream = usize;

        async fn accept(&self) -> io::Result<(usize, SocketAddr)> {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            if let Some(error) = self.failures.lock().unwrap().pop() {
                return Err(error);
            }
            Ok((call, SocketAddr::from(([127, 0, 0, 1], 1))))
        }
    }

    fn run(failures: Vec<io::Error>, slots: usize) -> (Drain, mpsc::UnboundedReceiver<(usize, Slot)>) {
        let (taken, receiver) = mpsc::unbounded_channel();
        let drain = Drain::new();
        let script = Script {
            failures: Mutex::new(failures),
            calls: Arc::default(),
        };
        let slots = Slots::new(slots);
        let watch = drain.watch();
        tokio::spawn(accept_loop(
            script,
            slots,
            watch,
            Metrics::new(),
            move |stream, _, slot| {
                let _ = taken.send((stream, slot));
            },
        ));
        (drain, receiver)
    }

    #[tokio::test(start_paused = true)]
    async fn running_out_of_descriptors_backs_off_and_recovers() {
        let began = Instant::now();
        let failures = (0..3)
            .map(|_| io::Error::from_raw_os_error(TOO_MANY_OPEN_FILES))
            .collect();
        let (_drain, mut taken) = run(failures, 1);
        let (call, _slot) = taken.recv().await.unwrap();
        assert_eq!(call, 3);
        assert_eq!(began.elapsed(), FIRST_PAUSE * (1 + 2 + 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_left_early_costs_no_pause() {
        let began = Instant::now();
        let (_drain, mut taken) = run(vec![io::ErrorKind::ConnectionAborted.into()], 1);
        let _slot = taken.recv().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_clients_than_slots_are_served() {
        let (_drain, mut taken) = run(vec![], 2);
        let first = taken.recv().await.unwrap();
        let _second = taken.recv().await.unwrap();
        assert!(
            tokio::time::timeout(Duration::from_mins(1), taken.recv())
                .await
                .is_err()
        );
        drop(first);
        let _third = taken.recv().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_drain_ends_the_loop_even_while_it_waits_for_a_slot() {
        let (drain, mut taken) = run(vec![], 1);
        let _held = taken.recv().await.unwrap();
        drain.advance(Stage::Draining);
        assert!(taken.recv().await.is_none());
    }
}
