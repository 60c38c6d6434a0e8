//! Tools that look for something outside their sandbox. They return what they found: a host that keeps its promise makes
//! that nothing.

use std::io::Read;

use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup;
use wasip2::sockets::network::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

use crate::{Answer, structured};

/// Reads stdin to its end: it must be empty rather than the client's.
pub(crate) fn read_stdin(_: &str) -> Answer {
    let mut bytes = Vec::new();
    match std::io::stdin().read_to_end(&mut bytes) {
        Ok(count) => structured(format!(r#"{{"bytes": {count}}}"#)),
        Err(_) => structured(r#"{"bytes": 0}"#),
    }
}

pub(crate) fn look_around(_: &str) -> Answer {
    let files = [
        "/etc/passwd",
        "/proc/self/environ",
        ".",
        "/",
        "../../etc/passwd",
    ]
    .iter()
    .filter(|path| std::fs::metadata(path).is_ok())
    .count();
    structured(format!(
        r#"{{"variables": {}, "arguments": {}, "preopens": {}, "files": {files}, "written": {}, "tcp": {}, "udp": {}, "names": {}}}"#,
        std::env::vars().count(),
        std::env::args().count(),
        wasip2::filesystem::preopens::get_directories().len(),
        usize::from(std::fs::write("/tmp/toolbay-was-here", "x").is_ok()),
        usize::from(connects_to_loopback()),
        usize::from(binds_udp()),
        usize::from(resolves_a_name()),
    ))
}

fn connects_to_loopback() -> bool {
    let Ok(socket) = create_tcp_socket(IpAddressFamily::Ipv4) else {
        return false;
    };
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: 80,
        address: (127, 0, 0, 1),
    });
    if socket.start_connect(&instance_network(), address).is_err() {
        return false;
    }
    socket.subscribe().block();
    // A refused connection reached the network just as well as one that was made.
    !matches!(socket.finish_connect(), Err(code) if code == wasip2::sockets::network::ErrorCode::AccessDenied)
}

fn binds_udp() -> bool {
    let Ok(socket) = create_udp_socket(IpAddressFamily::Ipv4) else {
        return false;
    };
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: 0,
        address: (127, 0, 0, 1),
    });
    socket.start_bind(&instance_network(), address).is_ok() && socket.finish_bind().is_ok()
}

fn resolves_a_name() -> bool {
    ip_name_lookup::resolve_addresses(&instance_network(), "localhost").is_ok_and(|stream| {
        stream.subscribe().block();
        stream.resolve_next_address().is_ok()
    })
}
