//! Requests as a guest's `wasi:http` hands them over, against a real server on loopback.

#[expect(dead_code, reason = "it has more than is used here")]
#[path = "../../../../tests/support/http_server.rs"]
mod http_server;

use std::net::IpAddr;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{Full, StreamBody};
use ipnet::IpNet;
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;
use zeroize::Zeroizing;

use self::http_server::{CertificateAuthority, HttpServer};
use super::resolve::Resolver;
use super::*;
use crate::permissions::access::ToolAccess;
use crate::permissions::network::NetworkAccess;
use crate::permissions::reach::SecretValue;
use crate::permissions::usage::{Denial, Usage};

const SECRET: &str = "s3cr3t-t0ken/+=";

/// What a guest would be given, put together from parts.
struct Guest {
    access: ToolAccess,
    secrets: Vec<SecretValue>,
    names: Vec<(&'static str, Vec<&'static str>)>,
    authority: Option<CertificateAuthority>,
}

impl Guest {
    fn with(patterns: &[&str]) -> Self {
        let network = NetworkAccess {
            patterns: patterns
                .iter()
                .map(|pattern| pattern.parse().unwrap())
                .collect(),
            ..NetworkAccess::default()
        };
        Self {
            access: ToolAccess {
                network,
                ..ToolAccess::default()
            },
            secrets: Vec::new(),
            names: vec![("localhost", vec!["127.0.0.1"])],
            authority: None,
        }
    }

    /// May make any request to this machine's port, under the name `localhost`.
    fn of(server: &HttpServer) -> Self {
        Self::with(&[&format!("http://localhost:{}", server.port())])
    }

    fn name(mut self, name: &'static str, addresses: &[&'static str]) -> Self {
        self.names.push((name, addresses.to_vec()));
        self
    }

    fn address(mut self, net: &str) -> Self {
        self.access
            .network
            .addresses
            .push(net.parse::<IpNet>().unwrap());
        self
    }

    fn secret(mut self, host: &str) -> Self {
        self.secrets.push(SecretValue {
            name: "token".into(),
            host: host.into(),
            header: "Authorization".into(),
            format: "Bearer {}".into(),
            value: Zeroizing::new(SECRET.to_owned()),
        });
        self
    }

    fn start(self) -> Running {
        let names = self.names;
        let resolver = Resolver::Fixed(Box::new(move |asked| {
            let (_, addresses) = names.iter().find(|(name, _)| *name == asked)?;
            Some(
                addresses
                    .iter()
                    .map(|address| address.parse().unwrap())
                    .collect(),
            )
        }));
        let roots = self
            .authority
            .map_or_else(rustls::RootCertStore::empty, |authority| authority.roots());
        Running::new(
            self.access,
            self.secrets,
            HttpClient::for_tests(resolver, roots),
        )
    }
}

/// A guest that makes requests.
struct Running {
    hooks: Hooks,
    usage: Usage,
}

type Sent = Result<(Response<WasiBody>, AbortOnDropJoinHandle<()>), Error>;

impl Running {
    fn new(access: ToolAccess, secrets: Vec<SecretValue>, client: HttpClient) -> Self {
        let usage = Usage::default();
        let reach = Reach {
            access: Arc::new(access),
            scope: "".into(),
            principal: "local".into(),
            secrets: secrets.into(),
            usage: usage.clone(),
            retry: None,
        };
        let requests = Requests::new(&"notes".into(), &Arc::new(client), &reach);
        let hooks = Hooks {
            requests: Arc::new(requests),
            bodies: 0,
        };
        Self { hooks, usage }
    }

    /// As the library calls it: the exchange runs as a task, and so does what reads the body.
    fn begin(
        &mut self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> AbortOnDropJoinHandle<Sent> {
        let sending = self
            .hooks
            .send_request(request, Some(options), Box::new(async { Ok(()) }));
        wasmtime_wasi::runtime::spawn(async move {
            let (response, driver) = Box::into_pin(sending).await?;
            let driver = wasmtime_wasi::runtime::spawn(async move {
                let _ = Box::into_pin(driver).await;
            });
            Ok((response, driver))
        })
    }

    async fn send(
        &mut self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Read, Error> {
        let (response, _driver) = self.begin(request, options).await?;
        let (head, mut body) = response.into_parts();
        let mut read = Read {
            status: head.status,
            headers: head.headers,
            body: Vec::new(),
            trailers: None,
            end: Ok(()),
        };
        while let Some(frame) = body.frame().await {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => read.body.extend_from_slice(&data),
                Ok(Err(frame)) => read.trailers = frame.into_trailers().ok(),
                Err(error) => {
                    read.end = Err(error);
                    break;
                }
            }
        }
        Ok(read)
    }

    async fn get(&mut self, url: &str) -> Result<Read, Error> {
        self.send(request("GET", url, ""), RequestOptions::default())
            .await
    }

    fn hosts(&self) -> Vec<String> {
        self.usage.snapshot().hosts
    }

    fn denials(&self) -> Vec<Denial> {
        self.usage.snapshot().denials
    }

    /// The one denial, as two lines.
    fn denial(&self) -> String {
        let denials = self.denials();
        let [Denial { what, remedy }] = denials.as_slice() else {
            panic!("{denials:?}");
        };
        format!("{what}\n{}", remedy.as_deref().unwrap_or("(nothing)"))
    }
}

/// A response, read to its end.
#[derive(Debug)]
struct Read {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
    /// How the body ended.
    end: Result<(), Error>,
}

impl Read {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn request(method: &str, url: &str, body: &'static str) -> Request<WasiBody> {
    let body = Full::new(Bytes::from_static(body.as_bytes()));
    Request::builder()
        .method(method.parse::<Method>().unwrap())
        .uri(url)
        .body(boxed(body.map_err(|never| match never {})))
        .unwrap()
}

fn boxed(body: impl Body<Data = Bytes, Error = Error> + Send + 'static) -> WasiBody {
    body.boxed_unsync()
}

fn millis(milliseconds: u64) -> Option<Duration> {
    Some(Duration::from_millis(milliseconds))
}

/// The error as `wasi:http` words it.
fn error<T>(result: Result<T, Error>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

fn url(server: &HttpServer, path: &str) -> String {
    format!("http://localhost:{}{path}", server.port())
}

mod answers;
mod permissions;
mod secrets;
mod stand_ins;
mod times;
