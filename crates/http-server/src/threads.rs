//! The threads that serve clients: each with a scheduler, its clients' sockets and connections to the services of its own.
//!
//! A request is read, signed and sent, and its response written, on the thread that its client was given to, so that none of it wakes
//! another thread. A scheduler that shares all work out spends a quarter of a small request's CPU on that.
//!
//! A client stays where it is. New ones go where the fewest are, so one that is busy keeps one core busy at most.

use std::cell::Cell;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// Threads for blocking calls (files of spooled bodies), over all of [`Threads`]; tokio's own default for one runtime.
const BLOCKING_THREADS: usize = 512;

thread_local! {
    static INDEX: Cell<usize> = const { Cell::new(0) };
}

/// The threads that serve clients. They end, with whatever still runs there, when this is dropped.
#[derive(Debug, Default)]
pub struct Threads(Vec<Thread>);

#[derive(Debug)]
struct Thread {
    runtime: Handle,
    /// One more for each client that is served there.
    clients: Arc<()>,
    _running: oneshot::Sender<()>,
}

impl Threads {
    /// Threads that are numbered from 0.
    ///
    /// # Errors
    ///
    /// The system has no more threads or descriptors.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        let count = count.get();
        let blocking = (BLOCKING_THREADS / count).max(1);
        let thread = |index: usize| {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(blocking)
                .build()?;
            let handle = runtime.handle().clone();
            let (running, ended) = oneshot::channel();
            std::thread::Builder::new()
                .name(format!("clients-{index}"))
                .spawn(move || run(&runtime, index, ended))?;
            Ok(Thread {
                runtime: handle,
                clients: Arc::default(),
                _running: running,
            })
        };
        (0..count).map(thread).collect::<io::Result<_>>().map(Self)
    }

    /// Whether every thread does what it is given to do: waits until each has, and is false where one has ended.
    pub async fn respond(&self) -> bool {
        let given: Vec<_> = self.0.iter().map(|thread| thread.runtime.spawn(async {})).collect();
        for done in given {
            // An error is the end of that thread's runtime.
            if done.await.is_err() {
                return false;
            }
        }
        true
    }

    /// Serves a client on the thread that has the fewest; on the caller's own runtime where there are no threads.
    pub(crate) fn serve<S, F>(&self, stream: TcpStream, serve: S)
    where
        S: FnOnce(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(thread) = self.0.iter().min_by_key(|thread| Arc::strong_count(&thread.clients)) else {
            tokio::spawn(serve(stream));
            return;
        };
        let client = Arc::clone(&thread.clients);
        // Leaves the poller of the thread that accepted it, and joins the other one's.
        let stream = stream.into_std();
        thread.runtime.spawn(async move {
            match stream.and_then(TcpStream::from_std) {
                Ok(stream) => serve(stream).await,
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a client's connection cannot be moved to the thread that should serve it"
                ),
            }
            drop(client);
        });
    }
}

fn run(runtime: &Runtime, index: usize, ended: oneshot::Receiver<()>) {
    INDEX.set(index);
    // An error is the drop of the sender, which is the sign.
    let _ = runtime.block_on(ended);
}

/// One of a kind for each of [`Threads`]; callers elsewhere share the first.
///
/// ```
/// use std::num::NonZeroUsize;
///
/// use http_server::threads::PerThread;
///
/// let buffers = PerThread::new(NonZeroUsize::MIN, Vec::<u8>::new);
/// assert!(buffers.get().is_empty());
/// ```
#[derive(Debug)]
pub struct PerThread<T> {
    first: T,
    others: Vec<T>,
}

impl<T> PerThread<T> {
    /// Makes one for each thread of so many.
    pub fn new(count: NonZeroUsize, mut make: impl FnMut() -> T) -> Self {
        Self {
            first: make(),
            others: std::iter::repeat_with(make).take(count.get() - 1).collect(),
        }
    }

    /// The calling thread's own.
    #[must_use]
    pub fn get(&self) -> &T {
        let index = INDEX.get();
        let other = index.checked_sub(1).and_then(|index| self.others.get(index));
        other.unwrap_or(&self.first)
    }
}

#[cfg(test)]
mod tests;
