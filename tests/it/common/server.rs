//! A small local HTTP server whose replies are defined by a test.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Path without the leading slash.
    pub path: String,
    /// First byte requested, and the version it must be of (`If-Range`).
    pub range: Option<(u64, String)>,
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status line without the version: "200 OK".
    pub status: &'static str,
    /// Further header lines.
    pub headers: Vec<String>,
    /// The body, announced in full.
    pub body: Vec<u8>,
    /// Number of its bytes that are sent immediately.
    pub sent: usize,
    /// What follows them.
    pub then: Then,
}

/// What follows the bytes that are sent immediately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The connection is closed.
    End,
    /// Nothing is sent.
    Silence,
    /// The rest is sent, one byte every 10 ms.
    Trickle,
}

impl Reply {
    /// The whole of `body`.
    pub fn whole(body: &[u8]) -> Self {
        Self {
            status: "200 OK",
            headers: Vec::new(),
            body: body.to_vec(),
            sent: body.len(),
            then: Then::End,
        }
    }

    /// No such file.
    pub fn missing() -> Self {
        Self {
            status: "404 Not Found",
            ..Self::whole(b"nothing here")
        }
    }

    /// The version `tag` of a file, or the requested range if it is of that version.
    pub fn part(request: &Request, body: &[u8], tag: &str) -> Self {
        let etag = format!("ETag: {tag}");
        match &request.range {
            Some((from, version)) if version == tag => Self::range(*from, body, tag),
            _ => Self {
                headers: vec![etag, "Accept-Ranges: bytes".to_owned()],
                ..Self::whole(body)
            },
        }
    }

    /// A range, regardless of the requested version.
    pub fn range(from: u64, body: &[u8], tag: &str) -> Self {
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        let headers = vec![format!("ETag: {tag}"), format!("Content-Range: {range}")];
        Self {
            status: "206 Partial Content",
            headers,
            ..Self::whole(&body[usize::try_from(from).unwrap()..])
        }
    }

    /// The first `sent` bytes, then the end.
    pub fn cut(self, sent: usize) -> Self {
        Self { sent, ..self }
    }

    /// The first `sent` bytes, then silence.
    pub fn stalled(self, sent: usize) -> Self {
        Self {
            sent,
            then: Then::Silence,
            ..self
        }
    }

    /// The first `sent` bytes, then one byte every 10 ms.
    pub fn trickling(self, sent: usize) -> Self {
        Self {
            sent,
            then: Then::Trickle,
            ..self
        }
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    address: String,
    log: Arc<Mutex<Vec<Request>>>,
    is_stopped: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server that replies to each request with the result of `reply`.
    pub fn new(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (requests, stop, reply) = (log.clone(), is_stopped.clone(), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (requests, stop, reply) = (requests.clone(), stop.clone(), reply.clone());
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    let Some(request) = read(&stream) else { return };
                    requests.lock().unwrap().push(request.clone());
                    send(&stream, &reply(&request), &stop);
                });
            }
        });
        Self {
            address,
            log,
            is_stopped,
        }
    }

    /// Address with a trailing slash.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All requests so far.
    pub fn log(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, which then stops.
        let host = self
            .address
            .trim_start_matches("http://")
            .trim_end_matches('/');
        let _ = TcpStream::connect(host);
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut request = Request::default();
    let (mut first_byte, mut version) = (None, String::new());
    for (index, line) in BufReader::new(stream).lines().enumerate() {
        let line = line.ok()?;
        if index == 0 {
            let path = line.split(' ').nth(1)?;
            path.trim_start_matches('/').clone_into(&mut request.path);
        } else if line.is_empty() {
            request.range = first_byte.map(|first| (first, version));
            return Some(request);
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_lowercase().as_str() {
                "range" => {
                    let first = value.trim_start_matches("bytes=").trim_end_matches('-');
                    first_byte = first.parse().ok();
                }
                "if-range" => value.clone_into(&mut version),
                _ => {}
            }
        }
    }
    None
}

/// Sends a reply, and ignores clients that close the connection early.
fn send(mut stream: &TcpStream, reply: &Reply, is_stopped: &AtomicBool) {
    let mut head = format!(
        "HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for header in &reply.headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes());
    let (first, rest) = reply.body.split_at(reply.sent);
    let _ = stream.write_all(first);
    let mut rest = rest.iter();
    while reply.then != Then::End && !is_stopped.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(10));
        if reply.then == Then::Trickle {
            let Some(byte) = rest.next() else { return };
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    }
}
