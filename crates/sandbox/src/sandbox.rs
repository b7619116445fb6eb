//! Starts and stops everything.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use auth_model::Region;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::api::{Api, Guarded};
use crate::bedrock::Bedrock;
use crate::dynamodb::DynamoDb;
use crate::ec2::Ec2;
use crate::error::SandboxError;
use crate::event::{EventSender, Events};
use crate::fault::{Fault, FaultSwitch};
use crate::imds::Imds;
use crate::keys::KeyStore;
use crate::principals::{FakeRole, FakeUser, ROLES, USERS};
use crate::s3::{self, S3};
use crate::server::{self, Handler};
use crate::settings::SandboxSettings;
use crate::stream_gate::StreamGate;
use crate::sts::Sts;
use crate::tls::Tls;
use crate::verify::Verifier;
use crate::workspaces::Workspaces;

/// A running sandbox. Dropped, it stops at once; [`Sandbox::stop`] lets running requests finish.
pub struct Sandbox {
    addresses: HashMap<&'static str, SocketAddr>,
    faults: HashMap<&'static str, FaultSwitch>,
    events: EventSender,
    gate: StreamGate,
    ca_pem: Option<String>,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
    // Removed after the listeners have ended: fields drop in this order.
    _store: Option<tempfile::TempDir>,
}

impl Sandbox {
    /// Starts all services, each on its own port of 127.0.0.1. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// A port is taken, the S3 directory cannot be used, or certificates cannot be made.
    pub async fn start(settings: SandboxSettings) -> Result<Self, SandboxError> {
        let keys = Arc::new(KeyStore::default());
        let regions: Arc<[Region]> = settings.regions.clone().into();
        let verifier = Verifier {
            keys: Arc::clone(&keys),
            clock: Arc::clone(&settings.clock),
            regions: Arc::clone(&regions),
        };
        let events = EventSender::new();
        let gate = StreamGate::new(settings.stream_pause);
        let tls = if settings.tls {
            Some(Tls::new(&settings.regions)?)
        } else {
            None
        };
        let acceptor = tls.as_ref().map(|tls| tls.acceptor.clone());
        let store = s3::open(settings.s3_directory.as_deref(), Arc::clone(&keys))?;

        let mut bench = Bench {
            verifier: verifier.clone(),
            events: events.clone(),
            bound: Vec::new(),
            faults: HashMap::new(),
        };
        let ports = settings.ports;
        let fault = bench.fault("s3");
        let s3 = S3 {
            service: store.service,
            verifier,
            events: events.clone(),
            fault,
        };
        bench.bind("s3", ports.s3, Arc::new(s3)).await?;
        let fault = bench.fault("imds");
        let imds = Imds {
            keys: Arc::clone(&keys),
            clock: Arc::clone(&settings.clock),
            region: regions.first().cloned().unwrap_or_else(fallback_region),
            events: events.clone(),
            fault,
            tokens: Mutex::default(),
        };
        bench.bind("imds", ports.imds, Arc::new(imds)).await?;
        let sts = Sts {
            keys,
            clock: Arc::clone(&settings.clock),
        };
        bench.guard(ports.sts, sts).await?;
        bench.guard(ports.ec2, Ec2 { regions }).await?;
        bench.guard(ports.workspaces, Workspaces).await?;
        bench
            .guard(ports.bedrock_runtime, Bedrock { gate: gate.clone() })
            .await?;
        bench.guard(ports.dynamodb, DynamoDb::default()).await?;

        let (stop, stopped) = watch::channel(false);
        let mut listeners = JoinSet::new();
        let mut addresses = HashMap::new();
        for bound in bench.bound {
            addresses.insert(bound.service, bound.address);
            // The real metadata service speaks plain HTTP alone.
            let acceptor: Option<TlsAcceptor> = acceptor.clone().filter(|_| bound.service != "imds");
            let clock = Arc::clone(&settings.clock);
            listeners.spawn(server::serve(
                bound.listener,
                bound.handler,
                acceptor,
                clock,
                stopped.clone(),
            ));
        }
        Ok(Self {
            addresses,
            faults: bench.faults,
            events,
            gate,
            ca_pem: tls.map(|tls| tls.ca_pem),
            stop,
            listeners,
            _store: store.directory,
        })
    }

    /// Where S3 listens.
    #[must_use]
    pub fn s3(&self) -> SocketAddr {
        self.address("s3")
    }

    /// Where STS listens.
    #[must_use]
    pub fn sts(&self) -> SocketAddr {
        self.address("sts")
    }

    /// Where the instance metadata service listens.
    #[must_use]
    pub fn imds(&self) -> SocketAddr {
        self.address("imds")
    }

    /// Where a service listens, by endpoint prefix: `s3`, `sts`, `ec2`, `workspaces`, `bedrock-runtime`, `dynamodb`;
    /// and `imds`.
    #[must_use]
    pub fn service(&self, prefix: &str) -> Option<SocketAddr> {
        self.addresses.get(prefix).copied()
    }

    /// The users that exist, with their keys.
    #[must_use]
    pub fn users() -> &'static [FakeUser] {
        const { &USERS }
    }

    /// The roles that exist, with what their trust policies demand.
    #[must_use]
    pub fn roles() -> &'static [FakeRole] {
        const { &ROLES }
    }

    /// A reader of what is judged from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events.subscribe()
    }

    /// Makes a service misbehave, or ([`Fault::None`]) behave again. Returns whether there is such a service.
    #[must_use = "false: there is no such service"]
    pub fn fault(&self, prefix: &str, fault: Fault) -> bool {
        self.faults.get(prefix).map(|switch| switch.set(fault)).is_some()
    }

    /// As [`Sandbox::fault`], for STS.
    pub fn sts_fault(&self, fault: Fault) {
        let _ = self.fault("sts", fault);
    }

    /// The gate between the frames of streamed Bedrock responses.
    #[must_use]
    pub fn stream_gate(&self) -> StreamGate {
        self.gate.clone()
    }

    /// The certificate that clients must trust, in PEM, where [`SandboxSettings::tls`] is set. The server's own is for
    /// `localhost`, 127.0.0.1 and the AWS host names of the sandbox's regions, buckets included.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Stops: no new connections, a second for running requests, then all are closed.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.listeners.join_next().await.is_some() {}
    }

    fn address(&self, service: &str) -> SocketAddr {
        // All are bound in `start`; an impossible miss is an address where nobody listens.
        self.service(service)
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// Services bound but not yet served: nothing runs until all are there.
struct Bench {
    verifier: Verifier,
    events: EventSender,
    bound: Vec<Bound>,
    faults: HashMap<&'static str, FaultSwitch>,
}

struct Bound {
    service: &'static str,
    listener: TcpListener,
    address: SocketAddr,
    handler: Arc<dyn Handler>,
}

impl Bench {
    fn fault(&mut self, service: &'static str) -> FaultSwitch {
        self.faults.entry(service).or_default().clone()
    }

    async fn guard(&mut self, port: u16, api: impl Api) -> Result<(), SandboxError> {
        let service = api.identity().service;
        let guarded = Guarded {
            api,
            verifier: self.verifier.clone(),
            events: self.events.clone(),
            fault: self.fault(service),
        };
        self.bind(service, port, Arc::new(guarded)).await
    }

    async fn bind(&mut self, service: &'static str, port: u16, handler: Arc<dyn Handler>) -> Result<(), SandboxError> {
        let (listener, address) = server::bind(service, port).await?;
        self.bound.push(Bound {
            service,
            listener,
            address,
            handler,
        });
        Ok(())
    }
}

#[expect(clippy::expect_used, reason = "a literal that the parser's own tests hold")]
fn fallback_region() -> Region {
    Region::parse("us-east-1").expect("us-east-1 is a region")
}
