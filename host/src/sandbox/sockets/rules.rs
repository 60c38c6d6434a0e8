//! What decides over a guest's connections and look-ups. The questions themselves are answered in `permissions/tcp`; this remembers what names were
//! found to be, and notes what was used and refused.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use toolbay_manifest::Host;
use wasmtime_wasi::p2::bindings::sockets::network::ErrorCode;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::permissions::access::ToolAccess;
use crate::permissions::reach::Reach;
use crate::permissions::tcp::{self, Found};
use crate::permissions::usage::{Denial, Usage};

/// The most look-ups of all guests at once. The system answers each on a thread of its own, and may take its time.
const LOOKUPS_AT_ONCE: usize = 16;

/// What decides over a guest's connections, shared with wasmtime-wasi.
pub(super) struct Rules {
    plugin: Arc<str>,
    pub(super) access: Arc<ToolAccess>,
    usage: Usage,
    /// The addresses that look-ups gave, each with its name.
    found: Mutex<Vec<Found>>,
}

impl Rules {
    pub(super) fn new(plugin: &Arc<str>, reach: &Reach) -> Self {
        Self {
            plugin: plugin.clone(),
            access: reach.access.clone(),
            usage: reach.usage.clone(),
            found: Mutex::default(),
        }
    }

    /// Whether a guest may use an address for this.
    pub(super) fn allows(&self, address: SocketAddr, purpose: SocketAddrUse) -> bool {
        match purpose {
            SocketAddrUse::TcpConnect => self.allows_connection(address),
            // Every connection begins at some port of this machine's, which the system chooses.
            SocketAddrUse::TcpBind => {
                let left_open = address.ip().is_unspecified() && address.port() == 0;
                if !left_open {
                    self.deny_serving(address);
                }
                left_open
            }
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => {
                self.deny_serving(address);
                false
            }
            SocketAddrUse::UdpBind | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => false,
        }
    }

    fn allows_connection(&self, address: SocketAddr) -> bool {
        let found = self.found();
        if let Some(entry) = tcp::connection(&self.access, &found, address) {
            self.usage.host(&entry);
            self.usage.wrote();
            return true;
        }
        let name = found
            .iter()
            .find(|(_, at)| *at == address.ip().to_canonical())
            .map_or_else(
                || SocketAddr::new(address.ip().to_canonical(), address.port()).to_string(),
                |(name, _)| format!("{name}:{}", address.port()),
            );
        drop(found);
        self.deny(
            format!("a connection to {name} is not among its tcp permissions"),
            Some(format!("tcp = [\"{name}\"]")),
        );
        false
    }

    fn deny_serving(&self, address: SocketAddr) {
        self.deny(
            format!("it tried to take connections at {address}; plugins cannot be servers"),
            None,
        );
    }

    pub(super) fn deny(&self, what: String, remedy: Option<String>) {
        self.usage.denied(Denial { what, remedy });
    }

    fn found(&self) -> MutexGuard<'_, Vec<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses of a name, those left out that may not be used. They can be connected to from then on.
    pub(super) async fn look_up(self: Arc<Self>, host: Host) -> Result<Vec<IpAddr>, ErrorCode> {
        let addresses = match tcp::own_addresses(&host) {
            Some(own) => own.to_vec(),
            None => ask_system(host.to_string()).await?,
        };
        self.keep(&host, addresses)
    }

    /// Of a name's addresses those that may be used.
    pub(super) fn keep(
        &self,
        host: &Host,
        addresses: Vec<IpAddr>,
    ) -> Result<Vec<IpAddr>, ErrorCode> {
        let mut usable = Vec::new();
        let mut refusal = None;
        for address in addresses {
            let address = address.to_canonical();
            match tcp::check_address(&self.access, host, address) {
                Ok(()) => usable.push(address),
                Err(refused) => refusal = Some(refused),
            }
        }
        if let (true, Some(refusal)) = (usable.is_empty(), refusal) {
            self.usage.denied(refusal.denial(&self.plugin));
            return Err(ErrorCode::AccessDenied);
        }
        let mut found = self.found();
        for address in &usable {
            let entry = (host.clone(), *address);
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
        Ok(usable)
    }
}

/// Asks the system's resolver, which cannot be interrupted: whoever gives up waiting leaves it at work, so the number at work is bounded.
async fn ask_system(name: String) -> Result<Vec<IpAddr>, ErrorCode> {
    static AT_WORK: LazyLock<Arc<Semaphore>> =
        LazyLock::new(|| Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)));
    let permit = AT_WORK.clone().acquire_owned().await;
    let answer = tokio::task::spawn_blocking(move || {
        let addresses = (name.as_str(), 0).to_socket_addrs();
        drop(permit);
        addresses.map(|addresses| addresses.map(|address| address.ip()).collect::<Vec<_>>())
    })
    .await;
    match answer {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(_) => Err(ErrorCode::NameUnresolvable),
        Err(_) => Err(ErrorCode::Unknown),
    }
}
