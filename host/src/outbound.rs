//! A request of the host's own over HTTP/1.1, for what the user names an address of: never one of a guest's. Over TLS where the address says https; no proxies, no
//! redirects, and no limits but the one on connecting, which are the caller's.

use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::tls;

/// How long connecting may take, and then once more for TLS.
const CONNECTING: Duration = Duration::from_secs(15);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unanswered(Failure);

/// Sends a request to this address, which goes before the request's own, and gives the beginning of the answer.
///
/// # Errors
///
/// Where there is none.
pub(crate) async fn send<B>(
    url: &Url,
    request: Request<B>,
) -> Result<Response<Incoming>, Unanswered>
where
    B: Body<Data: Send, Error: Into<Failure>> + Send + 'static,
{
    exchange(url, request).await.map_err(Unanswered)
}

async fn exchange<B>(url: &Url, mut request: Request<B>) -> Result<Response<Incoming>, Failure>
where
    B: Body<Data: Send, Error: Into<Failure>> + Send + 'static,
{
    let host = url.host().ok_or("it names no host")?;
    let port = url.port_or_known_default().unwrap_or(443);
    let name = match &host {
        Host::Domain(name) => (*name).to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let named = url
        .port()
        .map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::try_from(named)?);
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("toolbay/", env!("CARGO_PKG_VERSION"))),
    );
    *request.uri_mut() = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
    .parse::<Uri>()?;
    let connecting = TcpStream::connect((name.as_str(), port));
    let stream = tokio::time::timeout(CONNECTING, connecting).await??;
    if url.scheme() == "http" {
        return Ok(converse(stream, request).await?);
    }
    let server = ServerName::try_from(name)?;
    let connecting = connector().await?.connect(server, stream);
    let stream = tokio::time::timeout(CONNECTING, connecting).await??;
    Ok(converse(stream, request).await?)
}

async fn connector() -> Result<&'static TlsConnector, Failure> {
    static CONNECTOR: OnceCell<TlsConnector> = OnceCell::const_new();
    let make = || async {
        let roots = tokio::task::spawn_blocking(tls::platform_roots).await??;
        Ok(tls::connector(roots)?)
    };
    CONNECTOR.get_or_try_init(make).await
}

async fn converse<B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<B>,
) -> hyper::Result<Response<Incoming>>
where
    B: Body<Data: Send, Error: Into<Failure>> + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the response's body, or with the program.
    drop(tokio::spawn(connection));
    sender.send_request(request).await
}
