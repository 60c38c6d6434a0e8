//! A server on loopback that a test answers for. It speaks as much HTTP/1.1 as the host does: one request a connection, its body with a length or in chunks.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::message::{Request, Response};

/// Whoever is connected and says nothing is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A larger body is none that a test means.
const MAX_BODY: u64 = 256 << 20;

/// The longest line of a request's head.
const MAX_LINE: u64 = 64 << 10;

type Answer = Box<dyn FnMut(Request) -> Response + Send>;

pub(super) struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    /// What it answers for, or `*` for all that no other does.
    origin: String,
    answer: Mutex<Answer>,
    requests: Mutex<Vec<Request>>,
    complaints: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

impl Server {
    #[track_caller]
    pub(super) fn start(
        origin: String,
        answer: impl FnMut(Request) -> Response + Send + 'static,
    ) -> Self {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = match bound {
            Ok(bound) => bound,
            Err(error) => panic!("no server can be started on this machine: {error}"),
        };
        let shared = Arc::new(Shared {
            origin: origin.trim_end_matches('/').to_owned(),
            answer: Mutex::new(Box::new(answer)),
            requests: Mutex::default(),
            complaints: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let for_thread = shared.clone();
        let listening = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if for_thread.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = for_thread.clone();
                // A guest that goes away in the middle is none of the test's concern.
                thread::spawn(move || drop(shared.converse(&stream)));
            }
        });
        Self {
            shared,
            address,
            listening: Some(listening),
        }
    }

    /// One that gets what no other does, and complains about it.
    #[track_caller]
    pub(super) fn for_everybody() -> Self {
        Self::start("*".to_owned(), |_| Response::status(502))
    }

    /// What the host is told of it.
    pub(super) fn connect(&self) -> String {
        format!("{}=http://{}", self.shared.origin, self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        locked(&self.shared.requests).clone()
    }

    /// What went wrong since the last question.
    pub(super) fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.shared.complaints))
    }
}

impl Drop for Server {
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
    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = self.read(&mut BufReader::new(stream))?;
        let is_head = request.method == "HEAD";
        let response = self.answer(request);
        thread::sleep(response.delay);
        write(stream, &response, is_head)
    }

    fn answer(&self, request: Request) -> Response {
        let asked = format!("{} {}", request.method, request.url);
        if self.origin == "*" {
            let host = request.header("host").unwrap_or_default();
            self.complain(format!(
                "it asked for {asked}, and the test answers for no such origin\nhint: .http(\"https://{host}\", |request| …)"
            ));
        }
        locked(&self.requests).push(request.clone());
        let mut answer = locked(&self.answer);
        // A panic there must not leave the guest waiting.
        let answered = catch_unwind(AssertUnwindSafe(|| answer(request)));
        answered.unwrap_or_else(|panic| {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or(panic.downcast_ref::<&str>().copied());
            let said = said.unwrap_or("(something that is no text)");
            self.complain(format!("the test's answer to {asked} panicked: {said}"));
            Response::status(500)
        })
    }

    fn complain(&self, complaint: String) {
        locked(&self.complaints).push(complaint);
    }

    fn read(&self, stream: &mut impl BufRead) -> io::Result<Request> {
        let first = line(stream)?;
        let mut parts = first.split(' ');
        let (Some(method), Some(target)) = (parts.next(), parts.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut headers = Vec::new();
        loop {
            let line = line(stream)?;
            match line.split_once(':') {
                _ if line.is_empty() => break,
                Some((name, value)) => {
                    headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                }
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        let mut request = Request {
            method: method.to_owned(),
            url: String::new(),
            headers,
            body: Vec::new(),
        };
        let origin = match self.origin.as_str() {
            "*" => format!("https://{}", request.header("host").unwrap_or_default()),
            origin => origin.to_owned(),
        };
        request.url = format!("{origin}{target}");
        let length = request.header("content-length");
        let chunked = request.header("transfer-encoding") == Some("chunked");
        request.body = match length.and_then(|length| length.parse().ok()) {
            _ if chunked => chunks(stream)?,
            Some(length) => exactly(stream, length)?,
            None => Vec::new(),
        };
        Ok(request)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line of the head, without its end.
fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.take(MAX_LINE).read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(text) => Ok(text.to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn exactly(stream: &mut impl BufRead, length: u64) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let read = stream.take(length.min(MAX_BODY)).read_to_end(&mut body)?;
    match u64::try_from(read) {
        Ok(read) if read == length => Ok(body),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?;
        let size = size.split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        body.extend(exactly(stream, size)?);
        // After the last chunk there may be trailers, up to an empty line.
        while !line(stream)?.is_empty() {}
        if size == 0 {
            return Ok(body);
        }
    }
}

fn write(mut stream: &TcpStream, response: &Response, is_head: bool) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} -\r\n", response.status);
    for (name, value) in &response.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !matches!(response.status, 100..200 | 204 | 304) {
        head += &format!("Content-Length: {}\r\n", response.body.len());
    }
    head += "Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes())?;
    if !is_head {
        stream.write_all(&response.body)?;
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn requests_are_read_and_answered() {
        let server = Server::start("https://api.test".to_owned(), |request| {
            Response::text(request.text()).with_header("X-Path", request.path())
        });
        let answer = ask(
            &server,
            "POST /a?b HTTP/1.1\r\nHost: api.test\r\nContent-Length: 4\r\n\r\nmilk",
        );
        insta::assert_snapshot!(answer.replace('\r', ""), @"
        HTTP/1.1 200 -
        Content-Type: text/plain; charset=utf-8
        X-Path: /a
        Content-Length: 4
        Connection: close

        milk
        ");
        let answer = ask(
            &server,
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nmi\r\n3\r\nlk!\r\n0\r\n\r\n",
        );
        assert!(answer.ends_with("\r\n\r\nmilk!"), "{answer}");
        let urls: Vec<_> = server
            .requests()
            .into_iter()
            .map(|asked| asked.url)
            .collect();
        assert_eq!(urls, ["https://api.test/a?b", "https://api.test/"]);
        assert_eq!(server.complaints(), Vec::<String>::new());
    }

    #[test]
    fn a_panic_is_an_answer_and_a_complaint() {
        let server = Server::start("https://api.test".to_owned(), |_| panic!("not this"));
        let answer = ask(&server, "GET / HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert_eq!(
            server.complaints(),
            ["the test's answer to GET https://api.test/ panicked: not this"]
        );
        let everybody = Server::for_everybody();
        ask(&everybody, "GET /x HTTP/1.1\r\nHost: other.test\r\n\r\n");
        insta::assert_snapshot!(everybody.complaints().join("\n"), @r#"
        it asked for GET https://other.test/x, and the test answers for no such origin
        hint: .http("https://other.test", |request| …)
        "#);
    }
}
