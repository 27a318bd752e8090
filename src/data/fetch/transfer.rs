//! The transfer of one file from one URL.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    net::IpAddr,
    path::PathBuf,
    time::Instant,
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

/// Size of the buffer for reading, in bytes.
const CHUNK_SIZE: usize = 1 << 16;

/// Why a mirror was given up. Each message follows the name of the mirror.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// No connection could be made.
    #[error("cannot be reached ({0})")]
    Unreachable(String),
    /// The connection ended early.
    #[error(
        "closed the connection after {} of {}",
        format::bytes(*received),
        total.map_or("an unknown size".to_owned(), format::bytes)
    )]
    Interrupted { received: u64, total: Option<u64> },
    /// The response is not the file, is too large, or is too slow.
    #[error("{0}")]
    Invalid(String),
}

/// Why a file was not downloaded from a mirror.
#[derive(Debug)]
pub(super) enum TransferError {
    /// Because of the mirror: another may work.
    Mirror(MirrorError),
    /// Because of this machine: a file or folder cannot be read or written.
    Local { path: PathBuf, error: io::Error },
    /// The download was cancelled.
    Cancelled,
}

impl From<MirrorError> for TransferError {
    fn from(error: MirrorError) -> Self {
        Self::Mirror(error)
    }
}

pub(super) struct Transfer<'a> {
    pub(super) part: &'a PartialFile,
    /// The most bytes of the file.
    pub(super) max_size: u64,
    pub(super) limits: TransferLimits,
    pub(super) cancel: &'a CancelToken,
}

impl Transfer<'_> {
    /// Receives the part of the file that is missing. `on_received` is called with the number of bytes
    /// received and the size of the file, if known.
    pub(super) fn receive(
        &self,
        on_received: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), TransferError> {
        let agent = self.agent();
        self.cancel.attach(&agent);
        if let Some(info) = self.part.resume_info() {
            let received = self.part.length();
            if received == info.total {
                return Ok(());
            }
            let response = self.request(&agent, Some(&info))?;
            if self.continues(&response, &info) {
                let file = self.part.append().map_err(|error| self.local(error))?;
                let total = Some(info.total);
                return self.receive_body(response, file, received, total, on_received);
            }
            if response.status() == StatusCode::OK {
                return self.receive_whole(response, on_received);
            }
            // The server cannot continue from the received part.
            self.part.remove();
        }
        let response = self.request(&agent, None)?;
        self.receive_whole(response, on_received)
    }

    fn agent(&self) -> Agent {
        let timeout = Some(self.limits.max_silence);
        let uri: Option<Uri> = self.part.url.parse().ok();
        let mut config = Agent::config_builder()
            .user_agent(concat!("cre-lab/", env!("CARGO_PKG_VERSION")))
            // Sizes and ranges refer to the file as it is stored.
            .accept_encoding("identity")
            .http_status_as_error(false)
            // A redirection must not lead from HTTPS to HTTP.
            .https_only(uri.as_ref().and_then(Uri::scheme_str) == Some("https"))
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .timeout_per_write(timeout);
        if uri.is_some_and(|uri| is_loopback(&uri)) {
            config = config.proxy(None);
        }
        config.build().new_agent()
    }

    fn request(
        &self,
        agent: &Agent,
        resume: Option<&ResumeInfo>,
    ) -> Result<Response<Body>, TransferError> {
        let mut request = agent.get(&self.part.url);
        if let Some(info) = resume {
            request = request
                .header(header::RANGE, format!("bytes={}-", self.part.length()))
                .header(header::IF_RANGE, &info.validator);
        }
        request.call().map_err(|error| {
            if self.cancel.is_cancelled() {
                return TransferError::Cancelled;
            }
            let error = match error {
                ureq::Error::Timeout(Timeout::RecvResponse | Timeout::PerRead) => self.stalled(),
                ureq::Error::Timeout(_) => MirrorError::Unreachable("no response".to_owned()),
                ureq::Error::Io(error) => MirrorError::Unreachable(error.to_string()),
                error => MirrorError::Unreachable(error.to_string()),
            };
            error.into()
        })
    }

    /// Whether a response contains what follows the received part, of the same version of the file.
    fn continues(&self, response: &Response<Body>, info: &ResumeInfo) -> bool {
        let length = self.part.length();
        let expected_range = format!("bytes {length}-{}/{}", info.total - 1, info.total);
        // Some servers send ranges without checking `If-Range`.
        let is_same_version =
            validator(response.headers()).is_none_or(|validator| validator == info.validator);
        response.status() == StatusCode::PARTIAL_CONTENT
            && text(response.headers(), header::CONTENT_RANGE) == Some(&expected_range)
            && is_same_version
    }

    /// Receives a file from its first byte.
    fn receive_whole(
        &self,
        response: Response<Body>,
        on_received: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), TransferError> {
        if response.status() != StatusCode::OK {
            let reason = format!("responded with {}", response.status());
            return Err(MirrorError::Invalid(reason).into());
        }
        let total = response.body().content_length();
        if total.is_some_and(|total| total > self.max_size) {
            return Err(self.too_large().into());
        }
        let info = validator(response.headers())
            .zip(total)
            .map(|(validator, total)| ResumeInfo {
                url: self.part.url.clone(),
                validator: validator.to_owned(),
                total,
            });
        let file = self.part.create(info.as_ref());
        let file = file.map_err(|error| self.local(error))?;
        self.receive_body(response, file, 0, total, on_received)
    }

    /// Appends the body of a response to `file`, which has `received` of `total` bytes.
    fn receive_body(
        &self,
        response: Response<Body>,
        mut file: File,
        mut received: u64,
        total: Option<u64>,
        on_received: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), TransferError> {
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; CHUNK_SIZE];
        let mut throughput = ThroughputGuard::new(self.limits, Instant::now());
        loop {
            on_received(received, total);
            if self.cancel.is_cancelled() {
                return Err(TransferError::Cancelled);
            }
            let length = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(_) if self.cancel.is_cancelled() => return Err(TransferError::Cancelled),
                Err(error) => {
                    let error = match ureq::Error::from(error) {
                        ureq::Error::Timeout(_) => self.stalled(),
                        _ => MirrorError::Interrupted { received, total },
                    };
                    return Err(error.into());
                }
            };
            received += length as u64;
            if received > self.max_size {
                self.part.remove();
                return Err(self.too_large().into());
            }
            file.write_all(&buffer[..length])
                .map_err(|error| self.local(error))?;
            if let Some(too_few) = throughput.add(length as u64, Instant::now())
                && total != Some(received)
            {
                let (received, seconds) =
                    (format::bytes(too_few), self.limits.window.as_secs_f32());
                let reason = format!("sent only {received} in {seconds} s");
                return Err(MirrorError::Invalid(reason).into());
            }
        }
        // Shutting down a connection may look like its regular end.
        if self.cancel.is_cancelled() {
            return Err(TransferError::Cancelled);
        }
        if total.is_some_and(|total| received < total) {
            return Err(MirrorError::Interrupted { received, total }.into());
        }
        file.sync_all().map_err(|error| self.local(error))
    }

    fn stalled(&self) -> MirrorError {
        let seconds = self.limits.max_silence.as_secs_f32();
        MirrorError::Invalid(format!("sent no data for {seconds} s"))
    }

    fn too_large(&self) -> MirrorError {
        let limit = format::bytes(self.max_size);
        MirrorError::Invalid(format!("offered a file of more than {limit}"))
    }

    fn local(&self, error: io::Error) -> TransferError {
        let path = self.part.path.clone();
        TransferError::Local { path, error }
    }
}

/// Identifier of a version of a file for `If-Range`: a strong `ETag`, or else `Last-Modified`.
fn validator(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::ETAG)
        .filter(|tag| tag.starts_with('"'))
        .or_else(|| text(headers, header::LAST_MODIFIED))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether an address is on this machine, so that a proxy must not be used.
fn is_loopback(uri: &Uri) -> bool {
    uri.host().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}
