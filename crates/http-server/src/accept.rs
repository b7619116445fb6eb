//! The accept loop: takes connections, at once all there are, and survives what accepting can do.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use resource_limits::{ClientKey, DescriptorLimit, DescriptorPermit, ListenerRole};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::clients::{Clients, Place};
use super::drain::{DrainStage, DrainWatch};
use super::observer::{Overflow, ServerObserver};

/// First wait after the process or the machine ran out of descriptors or memory; doubles up to
/// [`LONGEST_PAUSE`]. Accepting again at once would spin: the connection stays in the queue.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a client that waits for a descriptor looks for an idle one that may end for it.
const IDLE_LOOK: Duration = Duration::from_millis(50);

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
/// Each connection takes a place among `clients` and gives it back at its end. One that gets none is closed here: it must
/// not keep those behind it from being accepted. Only where the process may have no more files open it waits, for the longest
/// idle client to end or any other, and those behind it in the kernel's queue: whoever is served then fails by nothing.
pub(crate) async fn accept_loop<A, F>(
    listener: A,
    role: ListenerRole,
    (clients, descriptors): (Clients, DescriptorLimit),
    mut drain: DrainWatch,
    observer: Arc<dyn ServerObserver>,
    mut serve: F,
) where
    A: Accept,
    F: FnMut(A::Stream, SocketAddr, Place) + Send,
{
    let take_all = async {
        let mut pause = FIRST_PAUSE;
        loop {
            match listener.accept().await {
                Ok((stream, addr)) => {
                    pause = FIRST_PAUSE;
                    let descriptor = descriptor(&descriptors, &clients).await;
                    let client = ClientKey::new(role.clone(), addr.ip());
                    let mut place = clients.admit(client.clone());
                    if clients.keep_no_place() && place.as_ref().is_none_or(Place::is_rejected) {
                        // Those that were accepted just before offer their places as soon as they run.
                        drop(place);
                        yield_now().await;
                        place = clients.admit(client);
                    }
                    match place {
                        Some(place) => {
                            if place.is_rejected() {
                                observer.connection_overflowed(Overflow::Rejected);
                            }
                            serve(stream, addr, place.with_descriptor(descriptor));
                        }
                        None => observer.connection_overflowed(Overflow::Closed),
                    }
                }
                Err(error) if is_about_one_client(&error) => {}
                Err(error) => {
                    observer.accept_failed();
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
        () = drain.reached(DrainStage::Draining) => {}
        () = take_all => {}
    }
}

/// A descriptor for a client, as soon as there may be one more.
async fn descriptor(descriptors: &DescriptorLimit, clients: &Clients) -> DescriptorPermit {
    if let Some(permit) = descriptors.try_take() {
        return permit;
    }
    loop {
        clients.end_idle();
        if let Ok(permit) = timeout(IDLE_LOOK, descriptors.take()).await {
            return permit;
        }
    }
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

    use super::*;
    use crate::clients::IdleKind;
    use crate::drain::Drain;
    use crate::tests::NoObserver;
    use resource_limits::PoolSize;

    /// More than there are places and rejections.
    const STREAMS: usize = 200;

    /// Linux's EMFILE.
    const TOO_MANY_OPEN_FILES: i32 = 24;

    /// Fails as often as it is to, then hands out a number of streams.
    struct Script {
        failures: Mutex<Vec<io::Error>>,
        streams: usize,
        calls: AtomicUsize,
    }

    impl Accept for Script {
        type Stream = usize;

        async fn accept(&self) -> io::Result<(usize, SocketAddr)> {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            if let Some(error) = self.failures.lock().unwrap().pop() {
                return Err(error);
            }
            if call >= self.streams {
                std::future::pending::<()>().await;
            }
            Ok((call, SocketAddr::from(([127, 0, 0, 1], 1))))
        }
    }

    fn run(failures: Vec<io::Error>, places: u64) -> (Drain, mpsc::UnboundedReceiver<(usize, Place)>) {
        run_within(failures, places, DescriptorLimit::none())
    }

    fn run_within(
        failures: Vec<io::Error>,
        places: u64,
        descriptors: DescriptorLimit,
    ) -> (Drain, mpsc::UnboundedReceiver<(usize, Place)>) {
        let (taken, receiver) = mpsc::unbounded_channel();
        let drain = Drain::new();
        let script = Script {
            failures: Mutex::new(failures),
            streams: STREAMS,
            calls: AtomicUsize::default(),
        };
        let clients = Clients::new(
            PoolSize {
                total: places,
                reserve_percent: 0,
            },
            Duration::from_secs(1),
        );
        let watch = drain.watch();
        tokio::spawn(accept_loop(
            script,
            ListenerRole::Shared,
            (clients, descriptors),
            watch,
            Arc::new(NoObserver),
            move |stream, _, place| {
                let _ = taken.send((stream, place));
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
    async fn connections_without_a_place_never_stop_the_loop() {
        let (drain, mut taken) = run(vec![], 1);
        let mut places = Vec::new();
        // Every stream has been accepted before the first one of them ends.
        tokio::task::yield_now().await;
        drain.advance(DrainStage::Draining);
        while let Some((_, place)) = taken.recv().await {
            places.push(place);
        }
        let rejected = places.iter().filter(|place| place.is_rejected()).count();
        assert_eq!((places.len(), rejected), (49, 48));
    }

    #[tokio::test(start_paused = true)]
    async fn the_drain_ends_the_loop_while_all_places_are_taken() {
        let (drain, mut taken) = run(vec![], 1);
        let _held = taken.recv().await.unwrap();
        drain.advance(DrainStage::Draining);
        while taken.recv().await.is_some() {}
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_descriptor_a_client_waits_for_an_idle_one_to_end() {
        let (_drain, mut taken) = run_within(vec![], 100, DescriptorLimit::of(2));
        let (_, _busy) = taken.recv().await.unwrap();
        let (call, mut idle) = taken.recv().await.unwrap();
        assert_eq!(call, 1);
        let long = Duration::from_mins(1);
        assert!(timeout(long, taken.recv()).await.is_err(), "both are busy");
        idle.offer(IdleKind::Rested);
        std::future::poll_fn(|cx| idle.poll_evicted(cx)).await;
        assert!(timeout(long, taken.recv()).await.is_err(), "it has not ended yet");
        drop(idle);
        let (call, _next) = taken.recv().await.unwrap();
        assert_eq!(call, 2, "the one that waited");
    }
}
