//! Attempts over the network without HTTP.

use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};

use toolbay_sdk::prelude::*;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{ErrorCode, IpAddress};

use crate::Outcome;

/// Connects over TCP and reads what it is sent.
#[tool]
pub fn connect_raw(address: &str) -> Outcome {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        TcpStream::connect(address)?.read_to_string(&mut text)?;
        Ok(text)
    };
    read().into()
}

/// Waits for connections over TCP.
#[tool]
pub fn listen(address: &str) -> Outcome {
    TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .map(|address| address.to_string())
        .into()
}

/// Sends a datagram.
#[tool]
pub fn udp(address: &str) -> Outcome {
    UdpSocket::bind("0.0.0.0:0")
        .and_then(|socket| socket.send_to(b"x", address))
        .map(|count| count.to_string())
        .into()
}

/// Looks up the addresses of a name.
#[tool]
pub fn look_up(name: &str) -> Outcome {
    let look_up = || -> Result<Vec<String>, ErrorCode> {
        let stream = resolve_addresses(&instance_network(), name)?;
        let mut addresses = Vec::new();
        loop {
            match stream.resolve_next_address() {
                Ok(Some(IpAddress::Ipv4((a, b, c, d)))) => {
                    addresses.push(format!("{a}.{b}.{c}.{d}"));
                }
                Ok(Some(IpAddress::Ipv6(segments))) => addresses.push(format!("{segments:?}")),
                Ok(None) => return Ok(addresses),
                Err(ErrorCode::WouldBlock) => stream.subscribe().block(),
                Err(code) => return Err(code),
            }
        }
    };
    match look_up() {
        Ok(addresses) => Outcome::found(addresses),
        Err(code) => Outcome::refused(code.name()),
    }
}
