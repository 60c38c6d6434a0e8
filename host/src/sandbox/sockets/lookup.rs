//! Look-ups of names: asked for by a guest, answered while it waits or does something else.

use std::net::IpAddr;
use std::vec;

use futures::FutureExt;
use toolbay_manifest::Host;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, Pollable, SocketError, SocketResult, subscribe};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};

use super::SocketsView;
use crate::permissions::tcp;
use crate::text::{escape, shorten};

/// The most look-ups in one call.
pub(super) const MAX_LOOKUPS: usize = 64;

/// A look-up that a guest is waiting for, or whose addresses it is taking one by one.
pub(super) enum Lookup {
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
        let rules = &self.sockets.rules;
        let shown = shorten(&escape(name), 100);
        let host = match tcp::wanted(name) {
            // An address is its own answer. Connecting to it is another question.
            Ok(Host::Address(address)) => return Ok(Ok(vec![address]).into()),
            Ok(host) => host,
            Err(why) => {
                rules.deny(format!("looking up `{shown}`: it {why}"), None);
                return Err(ErrorCode::InvalidArgument.into());
            }
        };
        if !tcp::may_look_up(&rules.access, &host) {
            rules.deny(
                format!("looking up the name {shown} is not among its tcp permissions"),
                Some(format!("tcp = [\"{host}:PORT\"]")),
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
