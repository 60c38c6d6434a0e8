//! `wasi:sockets` as guests see it: connections over TCP to what the tool's access names, look-ups of the names in it, and nothing else. What may be
//! reached is decided in `permissions/tcp`; this asks there before anything leaves the host, and notes what was used and refused.
//!
//! A connection goes to an address, so a name must be looked up first, by the same call: the addresses that it gave then are the ones that may
//! be connected to.

mod lookup;
mod rules;

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, HostNetwork, IpAddressFamily, Network,
};
use wasmtime_wasi::p2::bindings::sockets::{ip_name_lookup, tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{SocketError, SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsCtxView;

use self::rules::Rules;
use super::descriptors::{Descriptors, Reserved};
use super::guest::GuestState;
use crate::permissions::reach::Reach;

/// The most sockets that one call may make, whether or not it closes them.
const MAX_SOCKETS: usize = 64;

/// The sockets of one guest.
pub(super) struct GuestSockets {
    rules: Arc<Rules>,
    descriptors: Descriptors,
    reserved: Reserved,
    lookups: usize,
}

impl GuestSockets {
    /// Prepares a guest's context: sockets can be made, and each use of one is asked about here.
    pub(super) fn new(
        wasi: &mut WasiCtxBuilder,
        plugin: &Arc<str>,
        reach: &Reach,
        descriptors: Descriptors,
    ) -> Self {
        let rules = Arc::new(Rules::new(plugin, reach));
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
