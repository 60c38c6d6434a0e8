//! `wasi:sockets` as guests see it: connections over TCP to what the tool's access names, look-ups of the names in it, and nothing else. What may be
//! reached is decided in `permissions/tcp`; this asks there before anything leaves the host, and notes what was used and refused.
//!
//! A connection goes to an address, so a name must be looked up first, by the same call: the addresses that it gave then are the ones that may
//! be connected to.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::vec;

use futures::FutureExt;
use tokio::sync::Semaphore;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, HostNetwork, IpAddress, IpAddressFamily, Network,
};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{
    DynPollable, Pollable, SocketError, SocketResult, TcpSocket, UdpSocket, subscribe,
};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsCtxView};
use wasmtime_wasi::{WasiCtxBuilder, async_trait};

use super::descriptors::{Descriptors, Reserved};
use super::run::GuestState;
use crate::permissions::access::ToolAccess;
use crate::permissions::reach::Reach;
use crate::permissions::tcp;
use crate::permissions::usage::{Denial, Usage};
use crate::text::{escape, shorten};

/// The most sockets that one call may make, whether or not it closes them.
const MAX_SOCKETS: usize = 64;

/// The most look-ups in one call.
const MAX_LOOKUPS: usize = 64;

/// The most look-ups of all guests at once. The system answers each on a thread of its own, and may take its time.
const LOOKUPS_AT_ONCE: usize = 16;

/// The sockets of one guest.
pub(super) struct GuestSockets {
    rules: Arc<Rules>,
    descriptors: Descriptors,
    reserved: Reserved,
    lookups: usize,
}

/// What decides over a guest's connections, shared with wasmtime-wasi.
struct Rules {
    access: Arc<ToolAccess>,
    usage: Usage,
    /// The addresses that look-ups gave, each with its name.
    found: Mutex<Vec<(String, IpAddr)>>,
}

impl GuestSockets {
    /// Prepares a guest's context: sockets can be made, and each use of one is asked about here.
    pub(super) fn new(wasi: &mut WasiCtxBuilder, reach: &Reach, descriptors: Descriptors) -> Self {
        let rules = Arc::new(Rules {
            access: reach.access.clone(),
            usage: reach.usage.clone(),
            found: Mutex::default(),
        });
        wasi.allow_tcp(true);
        wasi.allow_udp(false);
        wasi.allow_ip_name_lookup(false);
        let check = rules.clone();
        wasi.socket_addr_check(move |address, purpose| {
            let allowed = check.allows(address, purpose);
            Box::pin(std::future::ready(allowed)) as Pin<Box<_>>
        });
        Self {
            rules,
            descriptors,
            reserved: Reserved::default(),
            lookups: 0,
        }
    }
}

impl Rules {
    fn allows(&self, address: SocketAddr, purpose: SocketAddrUse) -> bool {
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
        if let Some(entry) = tcp::may_connect(&self.access, &found, address) {
            self.usage.host(&entry);
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

    fn deny(&self, what: String, remedy: Option<String>) {
        self.usage.denied(Denial { what, remedy });
    }

    fn found(&self) -> MutexGuard<'_, Vec<(String, IpAddr)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses of a name, those left out that may not be used. They can be connected to from then on.
    async fn look_up(self: Arc<Self>, name: String) -> Result<Vec<IpAddr>, ErrorCode> {
        let addresses = match tcp::own_addresses(&name) {
            Some(own) => own.to_vec(),
            None => ask_system(name.clone()).await?,
        };
        self.keep(&name, addresses)
    }

    /// Of a name's addresses those that may be used.
    fn keep(&self, name: &str, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, ErrorCode> {
        let (usable, refused): (Vec<IpAddr>, Vec<IpAddr>) = addresses
            .into_iter()
            .map(|address| address.to_canonical())
            .partition(|address| tcp::may_be_at(&self.access, name, *address));
        if let (true, Some(address)) = (usable.is_empty(), refused.first()) {
            self.deny(
                format!(
                    "{name} is at {address}, which is not a public address and was not named when granting"
                ),
                None,
            );
            return Err(ErrorCode::AccessDenied);
        }
        let mut found = self.found();
        for address in &usable {
            let entry = (name.to_owned(), *address);
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

/// A look-up that a guest is waiting for, or whose addresses it is taking one by one.
enum Lookup {
    /// It goes on by itself, so that a guest which does not wait for it keeps no other from its turn. It ends with the guest.
    AtWork(AbortOnDropJoinHandle<Result<Vec<IpAddr>, ErrorCode>>),
    Answered(Result<vec::IntoIter<IpAddr>, ErrorCode>),
}

impl From<Result<Vec<IpAddr>, ErrorCode>> for Lookup {
    fn from(answer: Result<Vec<IpAddr>, ErrorCode>) -> Self {
        Self::Answered(answer.map(Vec::into_iter))
    }
}

#[async_trait]
impl Pollable for Lookup {
    async fn ready(&mut self) {
        if let Self::AtWork(task) = self {
            *self = task.await.into();
        }
    }
}

/// What the linked functions see of a guest's state.
struct SocketsView<'a> {
    sockets: &'a mut GuestSockets,
    wasi: WasiSocketsCtxView<'a>,
}

/// Names [`SocketsView`] for the linker.
struct Sockets;

impl HasData for Sockets {
    type Data<'a> = SocketsView<'a>;
}

/// Puts these functions in the place of wasmtime-wasi's own. The linker must allow shadowing.
pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let view = GuestState::own_sockets;
    tcp_create_socket::add_to_linker::<GuestState, Sockets>(linker, view)?;
    udp_create_socket::add_to_linker::<GuestState, Sockets>(linker, view)?;
    ip_name_lookup::add_to_linker::<GuestState, Sockets>(linker, view)
}

impl GuestState {
    fn own_sockets(&mut self) -> SocketsView<'_> {
        SocketsView {
            sockets: &mut self.sockets,
            wasi: WasiSocketsCtxView {
                ctx: self.wasi.sockets(),
                table: &mut self.table,
            },
        }
    }
}

impl network::Host for SocketsView<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.wasi.convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.wasi.network_error_code(error)
    }
}

impl HostNetwork for SocketsView<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        HostNetwork::drop(&mut self.wasi, network)
    }
}

impl tcp_create_socket::Host for SocketsView<'_> {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let sockets = &mut *self.sockets;
        let has_room = sockets.reserved.count() < MAX_SOCKETS
            && sockets.descriptors.reserve(1, &mut sockets.reserved);
        if !has_room {
            let what =
                format!("it may make no more sockets; the most in one call are {MAX_SOCKETS}");
            sockets.rules.deny(what, None);
            return Err(ErrorCode::NewSocketLimit.into());
        }
        self.wasi.create_tcp_socket(family)
    }
}

impl udp_create_socket::Host for SocketsView<'_> {
    async fn create_udp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        let what = "it tried to use UDP, which no plugin can".to_owned();
        self.sockets.rules.deny(what, None);
        Err(ErrorCode::AccessDenied.into())
    }
}

impl ip_name_lookup::Host for SocketsView<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> SocketResult<Resource<ResolveAddressStream>> {
        self.wasi.table.get(&network)?;
        let lookup = self.lookup(&name)?;
        // The table knows things by their number alone; the type that the bindings name is one that only wasmtime-wasi can make.
        let lookup = self.wasi.table.push(lookup)?;
        Ok(Resource::new_own(lookup.rep()))
    }
}

impl SocketsView<'_> {
    fn lookup(&mut self, name: &str) -> Result<Lookup, SocketError> {
        // An address is its own answer. Connecting to it is another question.
        if let Some(address) = tcp::literal(name) {
            return Ok(Ok(vec![address]).into());
        }
        let rules = &self.sockets.rules;
        let host = tcp::host_name(name).ok_or(ErrorCode::InvalidArgument)?;
        if !tcp::may_look_up(&rules.access, &host) {
            let shown = shorten(&escape(&host), 100);
            rules.deny(
                format!("looking up the name {shown} is not among its tcp permissions"),
                Some(format!("tcp = [\"{shown}:PORT\"]")),
            );
            return Err(ErrorCode::AccessDenied.into());
        }
        if self.sockets.lookups == MAX_LOOKUPS {
            rules.deny(
                format!("it may look up no more names; the most in one call are {MAX_LOOKUPS}"),
                None,
            );
            return Err(ErrorCode::TemporaryResolverFailure.into());
        }
        self.sockets.lookups += 1;
        Ok(Lookup::AtWork(spawn(
            self.sockets.rules.clone().look_up(host),
        )))
    }
}

impl HostResolveAddressStream for SocketsView<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> SocketResult<Option<IpAddress>> {
        let lookup = Resource::<Lookup>::new_borrow(stream.rep());
        let lookup = self.wasi.table.get_mut(&lookup)?;
        if let Lookup::AtWork(task) = lookup {
            let Some(answer) = task.now_or_never() else {
                return Err(ErrorCode::WouldBlock.into());
            };
            *lookup = answer.into();
        }
        match lookup {
            Lookup::Answered(Ok(addresses)) => Ok(addresses.next().map(IpAddress::from)),
            Lookup::Answered(Err(code)) => Err((*code).into()),
            Lookup::AtWork(_) => Err(ErrorCode::WouldBlock.into()),
        }
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let lookup = Resource::<Lookup>::new_borrow(stream.rep());
        subscribe(self.wasi.table, lookup)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.wasi
            .table
            .delete(Resource::<Lookup>::new_own(stream.rep()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
