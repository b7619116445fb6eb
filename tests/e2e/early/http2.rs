//! A service that speaks HTTP/2 frame by frame, over TLS, and responds when and how a test has it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use super::service::{ca_file, identity_for, in_an_hour};
use crate::support::LONGEST_WAIT;
use crate::support::http2::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, NO_ERROR, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block,
    frame, read_frame,
};
use crate::support::world::upstream_trusting;

/// How an early response ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Framing {
    /// With the head, which says no length.
    Head,
    /// With its data; the head says the length.
    Length,
    /// With its data; the head says no length.
    NoLength,
    /// With trailers.
    Trailers,
}

/// What the service does after its response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum After {
    /// Resets the stream by this reason.
    Reset(u32),
    /// Reads no more of the body, without a word: its window stays shut.
    Stalls,
    /// Reads on to the end of the body.
    ReadsOn,
    /// Says `GOAWAY`, and closes in order.
    GoesAway,
    /// Closes without a word, with what is unread: the kernel resets the connection.
    Drops,
}

/// An early response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Early {
    pub(crate) status: &'static str,
    pub(crate) text: &'static str,
    pub(crate) framing: Framing,
    pub(crate) after: After,
    /// Bytes of the body that are read before.
    pub(crate) read: usize,
    /// `103` responses before it.
    pub(crate) interim: usize,
    /// It lacks its end.
    pub(crate) is_cut: bool,
}

impl Early {
    pub(crate) fn new(status: &'static str, text: &'static str, framing: Framing, after: After) -> Self {
        Self {
            status,
            text,
            framing,
            after,
            read: 0,
            interim: 0,
            is_cut: false,
        }
    }

    /// All of its frames, in one piece.
    fn frames(&self, stream: u32) -> Vec<u8> {
        let mut frames = Vec::new();
        for _ in 0..self.interim {
            let fields = block(&[(":status", "103"), ("link", "</a>")]);
            frames.extend(frame(HEADERS, END_HEADERS, stream, &fields));
        }
        let (length, date) = (self.text.len().to_string(), in_an_hour());
        let mut fields = vec![(":status", self.status), ("content-type", "application/json")];
        if self.framing == Framing::Length {
            fields.push(("content-length", &length));
        }
        if self.text.contains("Skewed") {
            fields.push(("date", &date));
        }
        let end = if self.is_cut { 0 } else { END_STREAM };
        if self.framing == Framing::Head {
            frames.extend(frame(HEADERS, END_HEADERS | end, stream, &block(&fields)));
        } else {
            frames.extend(frame(HEADERS, END_HEADERS, stream, &block(&fields)));
            let sent = if self.is_cut {
                self.text.len() / 2
            } else {
                self.text.len()
            };
            let data_ends = if self.framing == Framing::Trailers { 0 } else { end };
            frames.extend(frame(DATA, data_ends, stream, &self.text.as_bytes()[..sent]));
            if self.framing == Framing::Trailers && !self.is_cut {
                let trailers = block(&[("x-checksum", "1")]);
                frames.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &trailers));
            }
        }
        match self.after {
            After::Reset(reason) => frames.extend(frame(RST_STREAM, 0, stream, &reason.to_be_bytes())),
            After::GoesAway => {
                let payload = [stream.to_be_bytes(), NO_ERROR.to_be_bytes()].concat();
                frames.extend(frame(GOAWAY, 0, 0, &payload));
            }
            After::Stalls | After::ReadsOn | After::Drops => {}
        }
        frames
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Early(Early),
    /// The body is read, and its length is the response.
    Whole,
    /// There is no response.
    Silent,
}

/// What was counted at the service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    /// Bytes of bodies.
    pub(crate) bytes: usize,
    /// Connections in all, and those that are open.
    pub(crate) connections: usize,
    pub(crate) open: usize,
    /// Streams that the proxy reset.
    pub(crate) resets: usize,
}

/// A service on a port of its own.
pub(crate) struct Service {
    address: SocketAddr,
    folder: TempDir,
    counted: watch::Receiver<Counts>,
}

/// What all connections of a service share.
#[derive(Clone)]
struct Shared {
    first: Arc<Mutex<VecDeque<Then>>>,
    then: Then,
    counts: Arc<watch::Sender<Counts>>,
}

impl Shared {
    fn count(&self, one: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(one);
    }
}

impl Service {
    /// The first requests get `first`, all others `then`.
    pub(crate) async fn start(first: Vec<Then>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (acceptor, folder) = identity_for(&[b"h2"]);
        let (counts, counted) = watch::channel(Counts::default());
        let shared = Shared {
            first: Arc::new(Mutex::new(VecDeque::from(first))),
            then,
            counts: Arc::new(counts),
        };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).expect("a socket option");
                let (acceptor, shared) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    let socket = acceptor.accept(socket).await.ok()?;
                    shared.count(|counts| {
                        counts.connections += 1;
                        counts.open += 1;
                    });
                    let end = Connection::new(socket, shared.clone()).serve().await;
                    shared.count(|counts| counts.open -= 1);
                    end
                });
            }
        });
        Self {
            address,
            folder,
            counted,
        }
    }

    /// The upstream's settings and the endpoint.
    pub(crate) fn settings(&self) -> (String, String) {
        let settings = upstream_trusting(&ca_file(self.folder.path()));
        (settings, format!("https://{}", self.address))
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counted.borrow()
    }

    /// Waits until this is so.
    pub(crate) async fn counts_until(&self, is_so: impl FnMut(&Counts) -> bool) {
        let mut counted = self.counted.clone();
        let reached = timeout(LONGEST_WAIT, async {
            counted.wait_for(is_so).await.map(|counts| *counts)
        })
        .await;
        reached
            .unwrap_or_else(|_| panic!("{:?}", self.counts()))
            .expect("it runs");
    }
}

/// A request that is being read.
struct Request {
    stream: u32,
    then: Then,
    received: usize,
    is_responded_to: bool,
}

struct Connection<T> {
    socket: T,
    shared: Shared,
    requests: Vec<Request>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    fn new(socket: T, shared: Shared) -> Self {
        Self {
            socket,
            shared,
            requests: Vec::new(),
        }
    }

    /// Frame after frame; `None` once the connection is to be dropped.
    async fn serve(mut self) -> Option<()> {
        let mut preface = [0; PREFACE.len()];
        self.socket.read_exact(&mut preface).await.ok()?;
        self.write(&frame(SETTINGS, 0, 0, &[])).await?;
        loop {
            let received = read_frame(&mut self.socket).await.ok()?;
            let (stream, length) = (received.stream, received.payload.len());
            let ends = received.flags & END_STREAM != 0;
            match received.kind {
                SETTINGS if !ends => self.write(&frame(SETTINGS, 1, 0, &[])).await?,
                HEADERS => {
                    self.shared.count(|counts| counts.requests += 1);
                    let then = self.shared.first.lock().expect("no panic").pop_front();
                    self.requests.push(Request {
                        stream,
                        then: then.unwrap_or(self.shared.then),
                        received: 0,
                        is_responded_to: false,
                    });
                    self.received(stream, 0, ends).await?;
                }
                DATA => self.received(stream, length, ends).await?,
                RST_STREAM => {
                    self.shared.count(|counts| counts.resets += 1);
                    self.requests.retain(|request| request.stream != stream);
                }
                GOAWAY => return None,
                _ => {}
            }
        }
    }

    async fn received(&mut self, stream: u32, length: usize, ends: bool) -> Option<()> {
        let Some(request) = self.requests.iter_mut().find(|request| request.stream == stream) else {
            return self.give_back(0, length).await;
        };
        request.received += length;
        self.shared.count(|counts| counts.bytes += length);
        let (received, then) = (request.received, request.then);
        match then {
            Then::Whole => {
                self.give_back(stream, length).await?;
                if ends {
                    let text = received.to_string();
                    let fields = block(&[(":status", "200"), ("content-length", &text.len().to_string())]);
                    let head = frame(HEADERS, END_HEADERS, stream, &fields);
                    let data = frame(DATA, END_STREAM, stream, text.as_bytes());
                    self.write(&[head, data].concat()).await?;
                }
            }
            Then::Silent => self.give_back(stream, length).await?,
            Then::Early(early) => {
                if !request.is_responded_to && (received >= early.read || ends) {
                    request.is_responded_to = true;
                    self.write(&early.frames(stream)).await?;
                    match early.after {
                        After::Drops => return None,
                        After::GoesAway => {
                            self.socket.shutdown().await.ok()?;
                            // Until the proxy has closed as well: nothing of what is sent is lost in a reset.
                            while self.socket.read(&mut [0; 4096]).await.ok()? > 0 {}
                            return None;
                        }
                        After::Reset(_) => self.requests.retain(|request| request.stream != stream),
                        After::Stalls | After::ReadsOn => {}
                    }
                }
                match early.after {
                    After::Stalls | After::Reset(_) => self.give_back(0, length).await?,
                    After::ReadsOn => self.give_back(stream, length).await?,
                    After::GoesAway | After::Drops => {}
                }
            }
        }
        Some(())
    }

    /// Opens the windows of the stream, unless it is 0, and of the connection, by what was read.
    async fn give_back(&mut self, stream: u32, length: usize) -> Option<()> {
        if length == 0 {
            return Some(());
        }
        let increment = u32::try_from(length).expect("a frame's length").to_be_bytes();
        let mut frames = frame(WINDOW_UPDATE, 0, 0, &increment);
        if stream != 0 {
            frames.extend(frame(WINDOW_UPDATE, 0, stream, &increment));
        }
        self.write(&frames).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.socket.write_all(bytes).await.ok()?;
        self.socket.flush().await.ok()
    }
}
