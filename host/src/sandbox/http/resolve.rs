//! Names to addresses, by the system's own resolver. Knows nothing of who may reach what.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime_wasi_http::Error;

/// The longest that a look-up is waited for.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// How many look-ups go on at once. Each holds a thread until the system has given up, which may be long after the guest has.
const MAX_LOOKUPS: usize = 16;

/// How many addresses of a name are looked at.
const MAX_ADDRESSES: usize = 16;

/// Where names are looked up.
pub(super) enum Resolver {
    /// As every other program of this machine does it.
    System(Arc<Semaphore>),
    /// By a function, for tests.
    #[cfg(test)]
    Fixed(Box<LookUp>),
}

/// A name's addresses, where there is such a name.
#[cfg(test)]
pub(super) type LookUp = dyn Fn(&str) -> Option<Vec<IpAddr>> + Send + Sync;

impl Resolver {
    pub(super) fn system() -> Self {
        Self::System(Arc::new(Semaphore::new(MAX_LOOKUPS)))
    }

    /// The addresses of the name, at least one.
    pub(super) async fn addresses(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, Error> {
        let deadline = deadline.min(Instant::now() + LOOKUP_TIMEOUT);
        let found = match self {
            Self::System(lookups) => {
                tokio::time::timeout_at(deadline, look_up(name, lookups.clone()))
                    .await
                    .map_err(|_| Error::DnsTimeout)?
            }
            #[cfg(test)]
            Self::Fixed(look_up) => look_up(name).ok_or_else(|| io::ErrorKind::NotFound.into()),
        };
        match found {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            Ok(_) => Err(dns_error("no address")),
            Err(error) => {
                tracing::debug!(%name, %error, "a name could not be looked up");
                Err(dns_error("not found"))
            }
        }
    }
}

fn dns_error(what: &str) -> Error {
    Error::DnsError {
        rcode: Some(what.to_owned()),
        info_code: None,
    }
}

async fn look_up(name: &str, lookups: Arc<Semaphore>) -> io::Result<Vec<IpAddr>> {
    let permit = lookups
        .acquire_owned()
        .await
        .map_err(|_| io::ErrorKind::Interrupted)?;
    let name = name.to_owned();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let found = (name.as_str(), 0).to_socket_addrs()?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.map(|address| address.ip()) {
            if addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    })
    .await
    .map_err(io::Error::other)?
}
