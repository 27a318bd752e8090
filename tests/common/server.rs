//! A small HTTP server on this machine, which does as a test tells it.

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

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The path, without the slash at its beginning.
    pub path: String,
    /// First byte that is wanted, and the version that it must belong to.
    pub range: Option<(u64, String)>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status line without the version: "200 OK".
    pub status: &'static str,
    /// Further header lines.
    pub headers: Vec<String>,
    /// The body, announced in full.
    pub body: Vec<u8>,
    /// Bytes of it that are sent at once.
    pub sent: usize,
    /// What comes after them.
    pub then: Then,
}

/// What comes after the bytes that are sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The end of the connection.
    End,
    /// Nothing.
    Silence,
    /// The rest, a byte every hundredth of a second.
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

    /// The version `tag` of a file, or the part of it that is asked for.
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

    /// A part, whatever version was asked for.
    pub fn range(from: u64, body: &[u8], tag: &str) -> Self {
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        let headers = vec![format!("ETag: {tag}"), format!("Content-Range: {range}")];
        Self {
            status: "206 Partial Content",
            headers,
            ..Self::whole(&body[usize::try_from(from).unwrap()..])
        }
    }

    /// Only the first `sent` bytes, then the end.
    pub fn cut(self, sent: usize) -> Self {
        Self { sent, ..self }
    }

    /// Only the first `sent` bytes, then silence.
    pub fn stalled(self, sent: usize) -> Self {
        Self {
            sent,
            then: Then::Silence,
            ..self
        }
    }

    /// The first `sent` bytes, then hardly anything.
    pub fn trickling(self, sent: usize) -> Self {
        Self {
            sent,
            then: Then::Trickle,
            ..self
        }
    }
}

/// Runs until it is dropped.
pub struct Server {
    address: String,
    log: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Answers every request with what `answer` gives for it.
    pub fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (heard, end, answer) = (log.clone(), over.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (heard, end, answer) = (heard.clone(), end.clone(), answer.clone());
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    let Some(request) = read(&stream) else { return };
                    heard.lock().unwrap().push(request.clone());
                    serve(&stream, &answer(&request), &end);
                });
            }
        });
        Self { address, log, over }
    }

    /// Its address, with a slash at the end.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Everything it was asked for, in order.
    pub fn log(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
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
    for (number, line) in BufReader::new(stream).lines().enumerate() {
        let line = line.ok()?;
        if number == 0 {
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

/// A client that goes away early is none of the server's business.
fn serve(mut stream: &TcpStream, reply: &Reply, over: &AtomicBool) {
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
    while reply.then != Then::End && !over.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(10));
        if reply.then == Then::Trickle {
            let Some(byte) = rest.next() else { return };
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    }
}
