//! From a target to a connection: looks the name up once, has every address checked, and connects to one that passed. Decides nothing
//! about addresses itself.

use std::io;
use std::net::{IpAddr, SocketAddr};

#[cfg(test)]
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use toolbay_manifest::{Host, Scheme};
use wasmtime_wasi_http::Error;

use super::resolve::Resolver;
use crate::config::StandIn;
use crate::permissions::network::{NetworkAccess, Refusal, Target};
use crate::tls;

/// What all guests' requests share.
pub(in crate::sandbox) struct HttpClient {
    resolver: Resolver,
    roots: Roots,
    tls: OnceCell<TlsConnector>,
    /// Servers of a test's own.
    stand_ins: Vec<StandIn>,
}

/// Whom servers' certificates must come from.
enum Roots {
    /// Whom the platform trusts. Read at the first request over https, which takes some milliseconds.
    Platform,
    #[cfg(test)]
    Given(RootCertStore),
}

/// A connection to a checked address.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Transport>,
    pub(super) peer: IpAddr,
}

/// Bytes to and from a server, encrypted or not.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Why there is no connection.
pub(super) enum NoConnection {
    Refused(Refusal),
    Failed(Error),
}

impl From<Error> for NoConnection {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl HttpClient {
    pub(in crate::sandbox) fn new(stand_ins: Vec<StandIn>) -> Self {
        Self {
            resolver: Resolver::system(),
            roots: Roots::Platform,
            tls: OnceCell::new(),
            stand_ins,
        }
    }

    #[cfg(test)]
    pub(super) fn for_tests(resolver: Resolver, roots: RootCertStore) -> Self {
        Self {
            resolver,
            roots: Roots::Given(roots),
            tls: OnceCell::new(),
            stand_ins: Vec::new(),
        }
    }

    /// Connects, and for https agrees on keys with a server that proves to be the target's host.
    pub(super) async fn connect(
        &self,
        target: &Target,
        access: &NetworkAccess,
        deadline: Instant,
    ) -> Result<Connection, NoConnection> {
        if let Some(stand_in) = self.stand_in(target) {
            return stand_in.connect(target, access, deadline).await;
        }
        let addresses = self.checked_addresses(target, access, deadline).await?;
        let (stream, peer) = dial(&addresses, target.port, deadline).await?;
        let stream: Box<dyn Transport> = match target.scheme {
            Scheme::Http => Box::new(stream),
            Scheme::Https => {
                let encrypting = self.encrypt(target, stream);
                let stream = tokio::time::timeout_at(deadline, encrypting)
                    .await
                    .map_err(|_| Error::ConnectionTimeout)??;
                Box::new(stream)
            }
        };
        Ok(Connection { stream, peer })
    }

    fn stand_in(&self, target: &Target) -> Option<&StandIn> {
        self.stand_ins
            .iter()
            .find(|stand_in| stand_in.stands_for(target.scheme, &target.host, target.port))
    }

    /// The addresses that may be dialled, at least one.
    async fn checked_addresses(
        &self,
        target: &Target,
        access: &NetworkAccess,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, NoConnection> {
        let addresses = match &target.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolver.addresses(name, deadline).await?,
        };
        let mut allowed = Vec::with_capacity(addresses.len());
        let mut refused = None;
        for address in addresses {
            match access.check_address(target, address) {
                Ok(()) => allowed.push(address),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        match refused {
            Some(refusal) if allowed.is_empty() => Err(NoConnection::Refused(refusal)),
            _ => Ok(allowed),
        }
    }

    async fn encrypt(
        &self,
        target: &Target,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
        let name = match &target.host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) => {
                ServerName::try_from(name.clone()).map_err(|_| Error::TlsCertificateError)?
            }
        };
        let tls = self
            .tls
            .get_or_try_init(|| self.roots.connector())
            .await?
            .clone();
        tls.connect(name, stream).await.map_err(|error| {
            tracing::info!(%target, %error, "the server could not be connected to over https");
            tls_error(&error)
        })
    }
}

impl StandIn {
    /// Connects to this server in the target's place, in plain text. A name is not looked up, so it has no address that could be refused.
    async fn connect(
        &self,
        target: &Target,
        access: &NetworkAccess,
        deadline: Instant,
    ) -> Result<Connection, NoConnection> {
        // An address of no machine: what is withheld from the network is to be withheld from the test too.
        let mut peer = IpAddr::from([192, 0, 2, 1]);
        if let Host::Address(address) = target.host {
            access
                .check_address(target, address)
                .map_err(NoConnection::Refused)?;
            peer = address;
        }
        let (stream, _) = dial(&[self.address.ip()], self.address.port(), deadline).await?;
        let stream = Box::new(stream);
        Ok(Connection { stream, peer })
    }
}

impl Roots {
    async fn connector(&self) -> Result<TlsConnector, Error> {
        let roots = match self {
            Self::Platform => tokio::task::spawn_blocking(tls::platform_roots)
                .await
                .map_err(|_| Error::ConfigurationError)?
                .map_err(|_| Error::ConfigurationError)?,
            #[cfg(test)]
            Self::Given(roots) => roots.clone(),
        };
        tls::connector(roots).map_err(|_| Error::ConfigurationError)
    }
}

/// Connects to the first address that answers. Each has its share of the time, so that one that never answers leaves some to the others.
async fn dial(
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> Result<(TcpStream, IpAddr), Error> {
    let mut failure = Error::DestinationNotFound;
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        let connecting = TcpStream::connect(SocketAddr::new(*address, port));
        failure = match tokio::time::timeout(share, connecting).await {
            Ok(Ok(stream)) => {
                // Requests are written whole, so waiting for more to send only delays them.
                let _ = stream.set_nodelay(true);
                return Ok((stream, *address));
            }
            Ok(Err(error)) => connect_error(&error),
            Err(_) => Error::ConnectionTimeout,
        };
    }
    Err(failure)
}

fn connect_error(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Error::DestinationIpUnroutable
        }
        _ => Error::DestinationUnavailable,
    }
}

fn tls_error(error: &io::Error) -> Error {
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(_)) => Error::TlsCertificateError,
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: Some(format!("{alert:?}")),
        },
        Some(_) => Error::TlsProtocolError,
        None => Error::ConnectionTerminated,
    }
}
