use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

struct Clients {
    listener: TcpListener,
    threads: Threads,
}

/// A client that is served until it is ordered to end, and the thread it is served on.
struct Client {
    thread: usize,
    end: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Clients {
    async fn new() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            threads: Threads::start(TWO).unwrap(),
        }
    }

    async fn serve(&self) -> Client {
        let address = self.listener.local_addr().unwrap();
        let (stream, accepted) = tokio::join!(TcpStream::connect(address), self.listener.accept());
        drop(stream.unwrap());
        let (report, mut reported) = mpsc::unbounded_channel();
        let (end, until) = oneshot::channel();
        let (has_ended, ended) = oneshot::channel();
        self.threads.serve(accepted.unwrap().0, move |stream| async move {
            // Only a socket that this thread polls can be waited for here.
            stream.readable().await.unwrap();
            report.send(INDEX.get()).unwrap();
            let _ = until.await;
            drop(has_ended);
        });
        Client {
            thread: reported.recv().await.unwrap(),
            end,
            ended,
        }
    }
}

impl Client {
    async fn leave(self) {
        drop(self.end);
        let _ = self.ended.await;
    }
}

#[tokio::test]
async fn clients_are_shared_out_evenly_and_a_thread_whose_client_left_gets_the_next() {
    let clients = Clients::new().await;
    let mut served = Vec::new();
    for _ in 0..4 {
        served.push(clients.serve().await);
    }
    assert_eq!(served.iter().filter(|client| client.thread == 0).count(), 2);
    let left = served.swap_remove(served.iter().position(|client| client.thread == 1).unwrap());
    left.leave().await;
    // Its future ends just after it said so.
    while Arc::strong_count(&clients.threads.0[1].clients) > 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(clients.serve().await.thread, 1);
}

#[tokio::test]
async fn the_end_of_the_threads_ends_what_runs_there() {
    let clients = Clients::new().await;
    let client = clients.serve().await;
    drop(clients);
    assert!(client.ended.await.is_err());
    drop(client.end);
}

#[tokio::test]
async fn without_threads_a_client_is_served_here() {
    let clients = Clients {
        threads: Threads::default(),
        ..Clients::new().await
    };
    let here = std::thread::current().id();
    let address = clients.listener.local_addr().unwrap();
    let (stream, accepted) = tokio::join!(TcpStream::connect(address), clients.listener.accept());
    drop(stream.unwrap());
    let (report, reported) = oneshot::channel();
    clients.threads.serve(accepted.unwrap().0, |_| async {
        report.send(std::thread::current().id()).unwrap();
    });
    assert_eq!(reported.await.unwrap(), here);
}

#[tokio::test]
async fn each_thread_has_its_own_and_all_others_share_the_first() {
    let mut made = 0;
    let own = Arc::new(PerThread::new(TWO, || {
        made += 1;
        made
    }));
    assert_eq!(made, 2);
    assert_eq!(*own.get(), 1);
    let threads = Threads::start(TWO).unwrap();
    for (index, thread) in threads.0.iter().enumerate() {
        let own = Arc::clone(&own);
        let seen = thread.runtime.spawn(async move { *own.get() }).await.unwrap();
        assert_eq!(seen, index + 1);
    }
}

#[tokio::test]
async fn a_thread_that_hangs_does_not_respond_and_then_does() {
    let threads = Threads::start(TWO).unwrap();
    assert!(threads.respond().await);
    let (go_on, until) = std::sync::mpsc::channel::<()>();
    let (hangs, began) = oneshot::channel();
    threads.0[1].runtime.spawn(async move {
        hangs.send(()).unwrap();
        // As a loop without an end would.
        let _ = until.recv();
    });
    began.await.unwrap();
    let short = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(short, threads.respond()).await.is_err());
    drop(go_on);
    assert!(threads.respond().await);
    assert!(
        Threads::default().respond().await,
        "without threads there is none that hangs"
    );
}
