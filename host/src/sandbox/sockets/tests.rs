//! What a guest can reach over TCP and what it cannot, seen from the functions that it calls. Nothing leaves this machine: the only addresses that a
//! connection is made to are its own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use ip_name_lookup::HostResolveAddressStream;
use toolbay_manifest::Host;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::p2::bindings::sockets::instance_network::Host as _;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::Host as _;
use wasmtime_wasi::p2::bindings::sockets::network::{
    IpAddress, IpSocketAddress, Ipv4SocketAddress,
};
use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket;
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host as _;
use wasmtime_wasi::p2::bindings::sockets::udp_create_socket::Host as _;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, Pollable};

use super::lookup::{Lookup, MAX_LOOKUPS};
use super::*;
use crate::permissions::access::ToolAccess;
use crate::permissions::usage::Usage;

struct Guest {
    sockets: GuestSockets,
    wasi: WasiCtx,
    table: ResourceTable,
    usage: Usage,
}

impl Guest {
    fn new(tcp: &[&str]) -> Self {
        Self::with(ToolAccess {
            tcp: tcp.iter().map(|entry| entry.parse().unwrap()).collect(),
            ..ToolAccess::default()
        })
    }

    fn with(access: ToolAccess) -> Self {
        let reach = Reach {
            access: Arc::new(access),
            ..Reach::nothing()
        };
        let mut wasi = WasiCtxBuilder::new();
        let sockets = GuestSockets::new(&mut wasi, &"prober".into(), &reach, Descriptors::of(1000));
        Self {
            sockets,
            wasi: wasi.build(),
            table: ResourceTable::new(),
            usage: reach.usage,
        }
    }

    fn view(&mut self) -> SocketsView<'_> {
        SocketsView {
            sockets: &mut self.sockets,
            wasi: WasiSocketsCtxView {
                ctx: self.wasi.sockets(),
                table: &mut self.table,
            },
        }
    }

    fn network(&mut self) -> Resource<Network> {
        self.view().wasi.instance_network().unwrap()
    }

    fn socket(&mut self) -> Resource<TcpSocket> {
        let family = IpAddressFamily::Ipv4;
        code(self.view().create_tcp_socket(family)).unwrap()
    }

    /// Connects and gives the two streams.
    async fn connect(
        &mut self,
        to: SocketAddr,
    ) -> Result<(DynInputStream, DynOutputStream), ErrorCode> {
        let (network, socket) = (self.network(), self.socket());
        let borrowed = || Resource::<TcpSocket>::new_borrow(socket.rep());
        let mut view = self.view();
        code(view.wasi.start_connect(borrowed(), network, wire(to)))?;
        loop {
            match code(view.wasi.finish_connect(borrowed())) {
                Err(ErrorCode::WouldBlock) => {
                    let socket = view.wasi.table.get_mut(&borrowed()).unwrap();
                    socket.ready().await;
                }
                Err(code) => return Err(code),
                Ok((input, output)) => {
                    let table = &mut view.wasi.table;
                    return Ok((table.delete(input).unwrap(), table.delete(output).unwrap()));
                }
            }
        }
    }

    /// The addresses of a name.
    async fn look_up(&mut self, name: &str) -> Result<Vec<IpAddress>, ErrorCode> {
        let network = self.network();
        let stream = code(self.view().resolve_addresses(network, name.to_owned()))?;
        let mut addresses = Vec::new();
        loop {
            let borrowed = Resource::new_borrow(stream.rep());
            match code(self.view().resolve_next_address(borrowed)) {
                Err(ErrorCode::WouldBlock) => {
                    let lookup = Resource::<Lookup>::new_borrow(stream.rep());
                    self.table.get_mut(&lookup).unwrap().ready().await;
                }
                Err(code) => return Err(code),
                Ok(Some(address)) => addresses.push(address),
                Ok(None) => break,
            }
        }
        HostResolveAddressStream::drop(&mut self.view(), stream).unwrap();
        Ok(addresses)
    }

    /// What was refused since the last time: what, and the line to add.
    fn denials(&self) -> Vec<(String, Option<String>)> {
        let denials = self.usage.snapshot().denials;
        denials
            .into_iter()
            .map(|denial| (denial.what, denial.remedy))
            .collect()
    }
}

fn code<T>(result: SocketResult<T>) -> Result<T, ErrorCode> {
    result.map_err(|error| error.downcast().unwrap())
}

fn wire(address: SocketAddr) -> IpSocketAddress {
    let SocketAddr::V4(address) = address else {
        panic!("the tests speak IPv4")
    };
    let [a, b, c, d] = address.ip().octets();
    IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: address.port(),
        address: (a, b, c, d),
    })
}

/// A server on this machine that says hello to whoever connects.
fn server() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(b"hello");
        }
    });
    address
}

/// One that fails the test if anybody connects, once it is asked.
struct Untouched(TcpListener);

impl Untouched {
    fn new() -> (Self, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        (Self(listener), address)
    }

    fn check(&self) {
        let accepted = self.0.accept().map(|(mut stream, _)| stream.read(&mut [0]));
        assert_eq!(accepted.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[tokio::test]
async fn an_address_that_was_granted() {
    let address = server();
    let mut guest = Guest::new(&[&address.to_string()]);
    let (mut input, _output) = guest.connect(address).await.unwrap();
    assert_eq!(&*input.blocking_read(5).await.unwrap(), b"hello");
    let used = guest.usage.snapshot();
    assert_eq!(used.hosts, [address.to_string()]);
    assert_eq!(used.denials, []);
}

#[tokio::test]
async fn a_name_that_was_granted() {
    let address = server();
    let entry = format!("localhost:{}", address.port());
    let mut guest = Guest::new(&[&entry]);
    // Before it is looked up, nothing is at the name.
    assert_eq!(
        guest.connect(address).await.err(),
        Some(ErrorCode::AccessDenied)
    );
    let found = guest.look_up("LocalHost.").await.unwrap();
    assert!(matches!(
        found.first(),
        Some(IpAddress::Ipv4((127, 0, 0, 1)))
    ));
    let (mut input, _output) = guest.connect(address).await.unwrap();
    assert_eq!(&*input.blocking_read(5).await.unwrap(), b"hello");
    assert_eq!(guest.usage.snapshot().hosts, [entry]);
}

#[tokio::test]
async fn addresses_that_were_not_granted() {
    let (untouched, address) = Untouched::new();
    let other_port = address.port() ^ 1;
    for granted in [
        vec![],
        vec![format!("127.0.0.1:{other_port}")],
        vec![format!("127.0.0.2:{}", address.port())],
        vec![format!("*.localhost:{}", address.port())],
    ] {
        let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
        let mut guest = Guest::new(&granted);
        assert_eq!(
            guest.connect(address).await.err(),
            Some(ErrorCode::AccessDenied)
        );
        let what = format!("a connection to {address} is not among its tcp permissions");
        assert_eq!(
            guest.denials(),
            [(what, Some(format!("tcp = [\"{address}\"]")))]
        );
        assert_eq!(guest.usage.snapshot().hosts, Vec::<String>::new());
    }
    let mut read_only = Guest::with(ToolAccess {
        tcp: vec![address.to_string().parse().unwrap()],
        read_only: true,
        ..ToolAccess::default()
    });
    assert_eq!(
        read_only.connect(address).await.err(),
        Some(ErrorCode::AccessDenied)
    );
    untouched.check();
}

#[tokio::test]
async fn another_port_of_a_name() {
    let (untouched, address) = Untouched::new();
    let mut guest = Guest::new(&[&format!("localhost:{}", address.port() ^ 1)]);
    guest.look_up("localhost").await.unwrap();
    assert_eq!(
        guest.connect(address).await.err(),
        Some(ErrorCode::AccessDenied)
    );
    let name = format!("localhost:{}", address.port());
    assert_eq!(guest.denials()[0].1, Some(format!("tcp = [\"{name}\"]")));
    untouched.check();
}

#[tokio::test]
async fn names_that_were_not_granted() {
    let mut guest = Guest::new(&["db.internal:5432"]);
    for name in ["evil.example", "db.internal.evil.example", "localhost"] {
        assert_eq!(
            guest.look_up(name).await.unwrap_err(),
            ErrorCode::AccessDenied
        );
        let what = format!("looking up the name {name} is not among its tcp permissions");
        let remedy = format!("tcp = [\"{name}:PORT\"]");
        assert!(guest.denials().contains(&(what, Some(remedy))));
    }
    for name in [
        "",
        "a b",
        "2130706433",
        "0x7f.1",
        "münchen.example",
        "*.internal",
        "a\0",
        "http://db.internal",
    ] {
        assert_eq!(
            guest.look_up(name).await.unwrap_err(),
            ErrorCode::InvalidArgument
        );
    }
    let mut nothing = Guest::new(&[]);
    assert_eq!(
        nothing.look_up("localhost").await.unwrap_err(),
        ErrorCode::AccessDenied
    );
    // What is an address already is nobody's secret, and connecting to it another question.
    assert_eq!(nothing.look_up("127.0.0.1").await.unwrap().len(), 1);
    assert_eq!(nothing.look_up("[::1]").await.unwrap().len(), 1);
}

#[tokio::test]
async fn names_of_addresses_that_are_not_public() {
    // Every resolver answers for this machine's own name, or at least refuses it; nobody outside is asked.
    let (untouched, address) = Untouched::new();
    let rules = |addresses: Vec<ipnet::IpNet>| {
        let mut access = ToolAccess {
            tcp: vec![format!("db.internal:{}", address.port()).parse().unwrap()],
            ..ToolAccess::default()
        };
        access.network.addresses = addresses;
        Guest::with(access)
    };
    let found = vec![address.ip(), "93.184.215.14".parse().unwrap()];
    let host: Host = "db.internal".parse().unwrap();
    let mut guest = rules(Vec::new());
    let only_private = guest.sockets.rules.keep(&host, vec![address.ip()]);
    assert_eq!(only_private, Err(ErrorCode::AccessDenied));
    assert_eq!(
        guest.denials(),
        [(
            "db.internal leads to 127.0.0.1, which is no public address".to_owned(),
            Some("toolbay grant prober --address 127.0.0.1".to_owned())
        )]
    );
    // Of several, the ones that may be used are left.
    let kept = guest.sockets.rules.keep(&host, found.clone());
    assert_eq!(kept, Ok(vec![found[1]]));
    assert_eq!(
        guest.connect(address).await.err(),
        Some(ErrorCode::AccessDenied)
    );
    untouched.check();
    let mut named = rules(vec!["127.0.0.0/8".parse().unwrap()]);
    assert_eq!(named.sockets.rules.keep(&host, found.clone()), Ok(found));
    named.connect(address).await.unwrap();
}

#[tokio::test]
async fn a_plugin_is_no_server() {
    let mut guest = Guest::new(&["127.0.0.1:80"]);
    let (network, socket) = (guest.network(), guest.socket());
    let borrowed = || Resource::<TcpSocket>::new_borrow(socket.rep());
    let network = || Resource::<Network>::new_borrow(network.rep());
    let mut view = guest.view();
    for address in ["127.0.0.1:0", "0.0.0.0:8080", "127.0.0.1:80"] {
        let bound = view
            .wasi
            .start_bind(borrowed(), network(), wire(address.parse().unwrap()))
            .await;
        assert_eq!(code(bound), Err(ErrorCode::AccessDenied), "{address}");
    }
    // An address that the system chooses is what every connection begins with; from there it goes nowhere.
    code(
        view.wasi
            .start_bind(borrowed(), network(), wire("0.0.0.0:0".parse().unwrap()))
            .await,
    )
    .unwrap();
    code(view.wasi.finish_bind(borrowed())).unwrap();
    assert_eq!(
        code(view.wasi.start_listen(borrowed()).await),
        Err(ErrorCode::AccessDenied)
    );
    assert!(
        guest
            .denials()
            .iter()
            .all(|(what, remedy)| what.ends_with("plugins cannot be servers") && remedy.is_none())
    );
}

#[tokio::test]
async fn no_udp() {
    let mut guest = Guest::new(&["127.0.0.1:53"]);
    let made = guest.view().create_udp_socket(IpAddressFamily::Ipv4).await;
    assert_eq!(code(made).err(), Some(ErrorCode::AccessDenied));
    assert_eq!(
        guest.denials(),
        [("it tried to use UDP, which no plugin can".to_owned(), None)]
    );
}

#[tokio::test]
async fn sockets_and_lookups_are_bounded() {
    let mut guest = Guest::new(&["localhost:1"]);
    for _ in 0..MAX_SOCKETS {
        let socket = guest.socket();
        guest.table.delete(socket).unwrap();
    }
    let more = guest.view().create_tcp_socket(IpAddressFamily::Ipv6);
    assert_eq!(code(more).err(), Some(ErrorCode::NewSocketLimit));
    for _ in 0..MAX_LOOKUPS {
        guest.look_up("localhost").await.unwrap();
    }
    assert_eq!(
        guest.look_up("localhost").await.unwrap_err(),
        ErrorCode::TemporaryResolverFailure
    );
}
