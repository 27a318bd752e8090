//! One file from one address.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::IpAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use ureq::{
    Agent, Body, Timeout,
    http::{HeaderMap, Response, StatusCode, Uri, header},
};

use super::{
    CancelToken,
    limits::{ThroughputGuard, TransferLimits},
    partial_file::{PartialFile, ResumeInfo},
};
use crate::format;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// What is wrong with a mirror. Each message continues a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is no connection to it.
    #[error("cannot be reached ({0})")]
    Unreachable(String),
    /// It does not give the file.
    #[error("answers {0}")]
    Status(StatusCode),
    /// It said nothing for this long.
    #[error("has sent nothing for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    /// It sent hardly anything.
    #[error("has sent only {} in {} s", format::bytes(*got), stretch.as_secs_f32())]
    TooSlow {
        /// Bytes that arrived…
        got: u64,
        /// …in so long.
        stretch: Duration,
    },
    /// The connection ended early.
    #[error("broke off after {} of {}", format::bytes(*got), of.map_or("an unknown size".to_owned(), format::bytes))]
    Interrupted {
        /// Bytes that had arrived.
        got: u64,
        /// Bytes of the file.
        of: Option<u64>,
    },
    /// What it offers is larger than the file can be.
    #[error("offers more than {}", format::bytes(*.0))]
    TooLarge(u64),
    /// What it offers is not the file.
    #[error("offers something else: {0}")]
    NotTheOriginal(String),
}

/// Why a file did not arrive.
#[derive(Debug)]
pub(super) enum MirrorError {
    /// The mirror is at fault: another may do better.
    Mirror(TransferError),
    /// This machine is at fault.
    Local {
        path: PathBuf,
        error: std::io::Error,
    },
    /// It was told to end.
    Cancelled,
}

/// A file to be received.
pub(super) struct Transfer<'a> {
    pub(super) url: &'a str,
    pub(super) part: &'a PartialFile,
    /// The most bytes that it may have.
    pub(super) limit: u64,
    pub(super) patience: TransferLimits,
    pub(super) stop: &'a CancelToken,
}

impl Transfer<'_> {
    /// Receives what is missing of the file; `tell` hears how many bytes there are, and of how
    /// many.
    pub(super) fn receive(
        &self,
        tell: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), MirrorError> {
        let agent = self.agent();
        self.stop.attach(&agent);
        if let Some(note) = self.part.resume_info(self.url) {
            if self.part.length() == note.total {
                return Ok(());
            }
            let response = self.ask(&agent, Some(&note))?;
            if self.goes_on(&response, &note) {
                let file = self.part.append().map_err(|error| self.local(error))?;
                return self.take(response, file, self.part.length(), Some(note.total), tell);
            }
            if response.status() == StatusCode::OK {
                return self.take_whole(response, tell);
            }
            // A beginning that the server does not continue is of no use.
            self.part.remove();
        }
        let response = self.ask(&agent, None)?;
        self.take_whole(response, tell)
    }

    fn agent(&self) -> Agent {
        let patience = Some(self.patience.max_silence);
        let uri: Option<Uri> = self.url.parse().ok();
        let mut config = Agent::config_builder()
            .user_agent(concat!("cre-lab/", env!("CARGO_PKG_VERSION")))
            // Sizes and positions are those of the file as it lies there.
            .accept_encoding("identity")
            .http_status_as_error(false)
            // No redirection leaves the protection of the first address.
            .https_only(uri.as_ref().and_then(Uri::scheme_str) == Some("https"))
            .timeout_resolve(patience)
            .timeout_connect(patience)
            .timeout_recv_response(patience)
            .timeout_per_read(patience)
            .timeout_per_write(patience);
        if uri.is_some_and(|uri| is_loopback(&uri)) {
            config = config.proxy(None);
        }
        config.build().new_agent()
    }

    fn ask(
        &self,
        agent: &Agent,
        resume: Option<&ResumeInfo>,
    ) -> Result<Response<Body>, MirrorError> {
        let mut request = agent.get(self.url);
        if let Some(note) = resume {
            request = request
                .header(header::RANGE, format!("bytes={}-", self.part.length()))
                .header(header::IF_RANGE, &note.validator);
        }
        request.call().map_err(|error| {
            if self.stop.is_cancelled() {
                return MirrorError::Cancelled;
            }
            MirrorError::Mirror(match error {
                ureq::Error::Timeout(Timeout::RecvResponse | Timeout::PerRead) => {
                    TransferError::Stalled(self.patience.max_silence)
                }
                ureq::Error::Timeout(_) => TransferError::Unreachable("no answer".to_owned()),
                ureq::Error::Io(error) => TransferError::Unreachable(error.to_string()),
                error => TransferError::Unreachable(error.to_string()),
            })
        })
    }

    /// Whether a response holds what follows the bytes that are there, of the same version of the
    /// file.
    fn goes_on(&self, response: &Response<Body>, note: &ResumeInfo) -> bool {
        let wanted = format!(
            "bytes {}-{}/{}",
            self.part.length(),
            note.total - 1,
            note.total
        );
        // Some servers serve ranges without having looked at the condition.
        let same = validator(response.headers()).is_none_or(|found| found == note.validator);
        response.status() == StatusCode::PARTIAL_CONTENT
            && text(response.headers(), header::CONTENT_RANGE) == Some(&wanted)
            && same
    }

    /// Takes in a file from its first byte.
    fn take_whole(
        &self,
        response: Response<Body>,
        tell: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), MirrorError> {
        if response.status() != StatusCode::OK {
            return Err(MirrorError::Mirror(TransferError::Status(
                response.status(),
            )));
        }
        let total = response.body().content_length();
        if total.is_some_and(|total| total > self.limit) {
            return Err(MirrorError::Mirror(TransferError::TooLarge(self.limit)));
        }
        let note = validator(response.headers())
            .zip(total)
            .map(|(validator, total)| ResumeInfo {
                url: self.url.to_owned(),
                validator: validator.to_owned(),
                total,
            });
        let file = self.part.create(note.as_ref());
        let file = file.map_err(|error| self.local(error))?;
        self.take(response, file, 0, total, tell)
    }

    fn take(
        &self,
        response: Response<Body>,
        mut file: File,
        mut got: u64,
        of: Option<u64>,
        tell: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), MirrorError> {
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; CHUNK];
        let mut pace = ThroughputGuard::new(self.patience, Instant::now());
        loop {
            tell(got, of);
            if self.stop.is_cancelled() {
                return Err(MirrorError::Cancelled);
            }
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(_) if self.stop.is_cancelled() => return Err(MirrorError::Cancelled),
                Err(error) => {
                    return Err(MirrorError::Mirror(match ureq::Error::from(error) {
                        ureq::Error::Timeout(_) => {
                            TransferError::Stalled(self.patience.max_silence)
                        }
                        _ => TransferError::Interrupted { got, of },
                    }));
                }
            };
            got += read as u64;
            if got > self.limit {
                self.part.remove();
                return Err(MirrorError::Mirror(TransferError::TooLarge(self.limit)));
            }
            file.write_all(&buffer[..read])
                .map_err(|error| self.local(error))?;
            let slow = pace.count(read as u64, Instant::now());
            if let Some(few) = slow
                && of != Some(got)
            {
                return Err(MirrorError::Mirror(TransferError::TooSlow {
                    got: few,
                    stretch: self.patience.window,
                }));
            }
        }
        // A connection that was cut may look like one that has ended.
        if self.stop.is_cancelled() {
            return Err(MirrorError::Cancelled);
        }
        if of.is_some_and(|of| got < of) {
            return Err(MirrorError::Mirror(TransferError::Interrupted { got, of }));
        }
        file.sync_all().map_err(|error| self.local(error))
    }

    fn local(&self, error: std::io::Error) -> MirrorError {
        MirrorError::Local {
            path: self.part.path().to_owned(),
            error,
        }
    }
}

/// What names a version of a file for `If-Range`: a strong `ETag`, or else `Last-Modified`.
fn validator(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::ETAG)
        .filter(|tag| tag.starts_with('"'))
        .or_else(|| text(headers, header::LAST_MODIFIED))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether an address is on this machine, which no proxy leads to.
fn is_loopback(uri: &Uri) -> bool {
    uri.host().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}
