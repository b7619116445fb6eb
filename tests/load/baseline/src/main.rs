//! What a request costs without signing: a plain reverse proxy of the libraries that `signing-proxy` is made of (hyper,
//! hyper-util's pooled client, rustls with aws-lc, one scheduler for each core), with the same buffers and pools.
//!
//! `load-baseline PORT SERVICE CA_FILE`: listens on 127.0.0.1:PORT and sends each request to SERVICE, a URL of scheme, host and
//! port, whose certificate `CA_FILE` vouches for. HTTP/1.1 only. None of our crates is in it, and none of it is in the proxy.

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
type HttpsClient = Client<HttpsConnector<HttpConnector>, Incoming>;

/// The proxy's own values, so that only its work is missing here.
const SERVER_BUFFER: usize = 64 * 1024;
const CLIENT_BUFFER: usize = 32 * 1024;
/// Of `upstream.pool_idle_per_host`, shared out among the threads.
const IDLE_PER_HOST: usize = 256;
/// Of `upstream.pool_idle_timeout`.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Where requests go.
#[derive(Clone, Debug)]
struct Service {
    scheme: Scheme,
    authority: Authority,
    /// The authority as the `Host` field has it.
    host: HeaderValue,
}

impl Service {
    fn parse(url: &str) -> Outcome<Self> {
        let parts = url.parse::<Uri>()?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err("SERVICE is a URL of scheme, host and port".into());
        };
        let host = HeaderValue::from_str(authority.as_str())?;
        Ok(Self {
            scheme,
            authority,
            host,
        })
    }

    /// The request as it is sent.
    fn address(&self, request: &mut Request<Incoming>) -> Result<(), http::Error> {
        let path_and_query = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()?;
        *request.uri_mut() = uri;
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().remove(CONNECTION);
        Ok(())
    }
}

/// A thread that serves clients: a scheduler and connections to the service of its own.
struct Thread {
    runtime: Handle,
    client: HttpsClient,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, service, ca_file] = arguments.as_slice() else {
        return Err("usage: load-baseline PORT SERVICE CA_FILE".into());
    };
    let service = Service::parse(service)?;
    let tls = trusting(ca_file)?;
    let count = available_parallelism()?.get();
    let threads = (0..count)
        .map(|_| start(&tls, IDLE_PER_HOST.div_ceil(count)))
        .collect::<Outcome<Vec<_>>>()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    for thread in threads.iter().cycle() {
        let (stream, _) = listener.accept().await?;
        let stream = stream.into_std()?;
        thread
            .runtime
            .spawn(serve(stream, thread.client.clone(), service.clone()));
    }
    Ok(())
}

fn trusting(ca_file: &str) -> Outcome<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

fn start(tls: &ClientConfig, idle_per_host: usize) -> Outcome<Thread> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new().spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(idle_per_host)
        .http1_max_buf_size(CLIENT_BUFFER)
        .build(HttpsConnector::from((tcp, tls.clone())));
    Ok(Thread {
        runtime: handle,
        client,
    })
}

/// Serves one client until it leaves.
async fn serve(stream: std::net::TcpStream, client: HttpsClient, service: Service) {
    // A client that is gone by now needs no service.
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let forward = service_fn(move |mut request| {
        let addressed = service.address(&mut request);
        let client = client.clone();
        async move {
            addressed?;
            let response = client.request(request).await;
            Ok::<_, http::Error>(response.map_or_else(|_| bad_gateway(), |response| response.map(Either::Left)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(SERVER_BUFFER)
        .serve_connection(TokioIo::new(stream), forward);
    // The end of a connection is its client's own business.
    drop(connection.await);
}

fn bad_gateway() -> Response<Either<Incoming, Empty<Bytes>>> {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
