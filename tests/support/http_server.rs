//! A server on loopback with scripted answers, good ones and bad ones, over http or https. Written by hand on threads, since no library would send
//! most of the bad ones. The path of a request says how it is answered, see [`answer`].

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// How long a test waits for the server to see something.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Nobody listens on its port once it is dropped; a connection ends when the client ends it.
pub(crate) struct HttpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Received>,
    connections: usize,
    open: usize,
}

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query as they stood in the request.
    pub(crate) target: String,
    /// In order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// The value of a header that is there once at most.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} is there twice");
        value.map(|(_, value)| value.as_str())
    }

    /// A number in the query, such as `bytes` in `/large?bytes=10`.
    fn number(&self, key: &str) -> usize {
        self.query(key)
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    /// The text after the key, up to the end of the query, so that it may be a URL.
    fn query(&self, key: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.strip_prefix(key)?.strip_prefix('=')
    }
}

impl HttpServer {
    /// Over http, on a port of the system's choice of 127.0.0.1.
    pub(crate) fn start() -> Self {
        Self::run(None)
    }

    /// Over https.
    pub(crate) fn start_tls(authority: &CertificateAuthority, names: &[&str]) -> Self {
        Self::run(Some(authority.server(names)))
    }

    fn run(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let shared = Arc::new(Shared::default());
        let for_thread = shared.clone();
        let listening = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if for_thread.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, tls) = (for_thread.clone(), tls.clone());
                thread::spawn(move || {
                    shared.note(|seen| {
                        seen.connections += 1;
                        seen.open += 1;
                    });
                    // A client that goes away in the middle is what many tests are about.
                    let _ = converse(stream, tls, &shared);
                    shared.note(|seen| seen.open -= 1);
                });
            }
        });
        Self {
            address,
            shared,
            listening: Some(listening),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests up to now.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.note(|seen| seen.requests.clone())
    }

    /// The newest request.
    pub(crate) fn last(&self) -> Received {
        self.requests().pop().expect("there was a request")
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.note(|seen| seen.connections)
    }

    /// Waits until as many requests have come.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait(|seen| seen.requests.len() >= count, "the requests to come");
    }

    /// Waits until all clients have gone.
    pub(crate) fn wait_until_closed(&self) {
        self.wait(|seen| seen.open == 0, "the connections to close");
    }

    fn wait(&self, done: impl Fn(&Seen) -> bool, what: &str) {
        let seen = self.shared.seen.lock().expect("no thread panics with it");
        let (_seen, timeout) = self
            .shared
            .changed
            .wait_timeout_while(seen, PATIENCE, |seen| !done(seen))
            .expect("no thread panics with it");
        assert!(!timeout.timed_out(), "waited too long for {what}");
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread, which waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

impl Shared {
    fn note<T>(&self, note: impl FnOnce(&mut Seen) -> T) -> T {
        let noted = note(&mut self.seen.lock().expect("no thread panics with it"));
        self.changed.notify_all();
        noted
    }
}

/// Who vouches for servers in tests.
pub(crate) struct CertificateAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl CertificateAuthority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("the issuer can be made");
        Self { issuer }
    }

    /// For the variable `SSL_CERT_FILE`, so that a program trusts it.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.issuer.der().clone())
            .expect("the certificate is one");
        roots
    }

    fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(names).expect("the names are valid");
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("it can be signed");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key fits");
        Arc::new(config)
    }
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

fn converse(stream: TcpStream, tls: Option<Arc<ServerConfig>>, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            Box::new(StreamOwned::new(connection, stream))
        }
    };
    let mut stream = BufReader::new(stream);
    loop {
        let request = match receive(&mut stream) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) => {
                // What no request is, such as the first bytes of https, is answered as other servers do.
                stream
                    .get_mut()
                    .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
                stream.get_mut().flush()?;
                return Err(error);
            }
        };
        shared.note(|seen| seen.requests.push(request.clone()));
        if !answer(&request, stream.get_mut())? {
            return Ok(());
        }
    }
}

fn receive(stream: &mut impl BufRead) -> io::Result<Option<Received>> {
    let mut request = Received::default();
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    request.method = words.next().unwrap_or_default();
    request.target = words.next().unwrap_or_default();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if let Some(length) = request.header("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        stream.take(length).read_to_end(&mut request.body)?;
    } else if request.header("transfer-encoding") == Some("chunked") {
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            stream.take(length).read_to_end(&mut request.body)?;
            line.clear();
            stream.read_line(&mut line)?;
            if length == 0 {
                break;
            }
        }
    }
    Ok(Some(request))
}

/// Answers, and says whether the connection may be used again.
fn answer(request: &Received, stream: &mut Box<dyn Stream>) -> io::Result<bool> {
    let (path, _) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    match path {
        // As a collector of telemetry does it.
        "/v1/traces" => whole(stream, request, "200 OK", "", b""),
        // What was asked, as text.
        "/echo" => {
            let mut text = format!("{} {}\n", request.method, request.target);
            for (name, value) in &request.headers {
                text += &format!("{name}: {value}\n");
            }
            text += &format!("\n{}", String::from_utf8_lossy(&request.body));
            whole(stream, request, "200 OK", "", text.as_bytes())
        }
        // The credentials, in a header and in a body of several chunks and spellings.
        "/echo-credentials" => {
            let value = request.header("authorization").unwrap_or_default();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nx-echo: {value}\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n"
            )?;
            for piece in value.as_bytes().chunks(3) {
                chunk(stream, piece)?;
            }
            let percent: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            chunk(stream, format!("\n{percent}").as_bytes())?;
            write!(stream, "0\r\nx-end: {value}\r\n\r\n")?;
            stream.flush()?;
            Ok(true)
        }
        // 503 for as many times as the path is asked for that the query says, and 200 then.
        "/flaky" => {
            static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
            let mut asked = ASKED.lock().expect("no thread panics with it");
            let before = asked
                .iter()
                .filter(|target| **target == request.target)
                .count();
            asked.push(request.target.clone());
            let fails = request.query("fails").and_then(|query| {
                let (fails, _) = query.split_once('&').unwrap_or((query, ""));
                fails.parse().ok()
            });
            if fails.is_some_and(|fails: usize| before < fails) {
                let after = "retry-after: 0\r\n";
                return whole(stream, request, "503 Service Unavailable", after, b"");
            }
            whole(stream, request, "200 OK", "", b"well")
        }
        "/redirect" => {
            let to = format!("location: {}\r\n", request.query("to").unwrap_or_default());
            whole(stream, request, "302 Found", &to, b"")
        }
        "/upgrade" => {
            write!(
                stream,
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n"
            )?;
            wait_for_the_end(stream)
        }
        "/endless" => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            )?;
            let piece = vec![b'x'; 64 << 10];
            loop {
                chunk(stream, &piece)?;
            }
        }
        "/large" => whole(
            stream,
            request,
            "200 OK",
            "",
            &vec![b'x'; request.number("bytes")],
        ),
        // Announces more than it sends.
        "/announce" => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\nonly this",
                request.number("bytes")
            )?;
            wait_for_the_end(stream)
        }
        "/cut-short" => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"
            )?;
            stream.flush()?;
            Ok(false)
        }
        "/chunked" => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
            )?;
            for piece in ["one ", "two ", "three"] {
                chunk(stream, piece.as_bytes())?;
            }
            write!(stream, "0\r\nx-sum: 13\r\n\r\n")?;
            stream.flush()?;
            Ok(true)
        }
        "/gzip" => whole(
            stream,
            request,
            "200 OK",
            "content-encoding: gzip\r\n",
            &gzip(b"compressed"),
        ),
        "/odd-transfer" => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"
            )?;
            chunk(stream, &gzip(b"compressed"))?;
            write!(stream, "0\r\n\r\n")?;
            stream.flush()?;
            Ok(false)
        }
        "/long-header" => {
            let header = format!("x-long: {}\r\n", "x".repeat(request.number("bytes")));
            whole(stream, request, "200 OK", &header, b"")
        }
        "/many-headers" => {
            let headers: String = (0..request.number("count"))
                .map(|number| format!("x-{number}: x\r\n"))
                .collect();
            whole(stream, request, "200 OK", &headers, b"")
        }
        "/slow-headers" => {
            write!(stream, "HTTP/1.1 200 OK\r\nx-more: ")?;
            wait_for_the_end(stream)
        }
        "/slow-body" => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            )?;
            chunk(stream, b"the first piece")?;
            wait_for_the_end(stream)
        }
        "/silent" => wait_for_the_end(stream),
        "/close" => Ok(false),
        "/nonsense" => {
            write!(stream, "this is no HTTP\r\n\r\n")?;
            stream.flush()?;
            Ok(false)
        }
        _ => whole(stream, request, "404 Not Found", "", b"nothing here"),
    }
}

fn whole(
    stream: &mut Box<dyn Stream>,
    request: &Received,
    status: &str,
    headers: &str,
    body: &[u8],
) -> io::Result<bool> {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    if request.method != "HEAD" {
        bytes.extend_from_slice(body);
    }
    stream.write_all(&bytes)?;
    stream.flush()?;
    Ok(true)
}

fn chunk(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> io::Result<()> {
    write!(stream, "{:x}\r\n", bytes.len())?;
    stream.write_all(bytes)?;
    stream.write_all(b"\r\n")?;
    stream.flush()
}

/// Says nothing more until the client has gone.
fn wait_for_the_end(stream: &mut Box<dyn Stream>) -> io::Result<bool> {
    stream.flush()?;
    io::copy(stream, &mut io::sink())?;
    Ok(false)
}

/// The bytes as gzip (RFC 1952), stored and not compressed.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("the text is short");
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(bytes);
    let sum = bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(sum & 1)))
        })
    });
    packed.extend((!sum).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}
