//! SHA-256, and comparing files with their originals.

use std::{
    cmp::Ordering,
    convert::Infallible,
    io::{self, BufReader, Read},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{ContentError, catalogue::OriginalFile, gzip};
use crate::fs::open_regular;

const CHUNK_SIZE: usize = 1 << 16;

/// SHA-256 of `bytes`, in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    sha256_of([bytes])
}

/// SHA-256 of the concatenation of `parts`, in lower-case hexadecimal.
pub(super) fn sha256_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn hex(digest: &[u8]) -> String {
    let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// Compares the file at `path`, plain or gzip, with the original.
///
/// # Errors
/// When the file is not the original.
pub fn verify_file(path: &Path, original: &OriginalFile<'_>) -> Result<(), ContentError> {
    let Ok(result) = verify_file_with(path, original, |_| Ok::<_, Infallible>(()));
    result.map(drop)
}

/// Compares the file at `path`, plain or gzip, with the original, and returns whether it is gzip.
/// `on_chunk` is called with each uncompressed chunk.
///
/// # Errors
/// The outer error is that of `on_chunk`.
pub(super) fn verify_file_with<E>(
    path: &Path,
    original: &OriginalFile<'_>,
    on_chunk: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Result<bool, ContentError>, E> {
    match open_regular(path).and_then(|file| gzip::open(BufReader::new(file))) {
        Ok((content, is_gzip)) => Ok(verify_stream(content, original, on_chunk)?.map(|()| is_gzip)),
        Err(error) => Ok(Err(error.into())),
    }
}

/// Compares the bytes of `from` with the original, calling `on_chunk` with each chunk. At most one
/// byte more than the size of the original is read.
///
/// # Errors
/// The outer error is that of `on_chunk`.
pub(super) fn verify_stream<E>(
    from: impl Read,
    original: &OriginalFile<'_>,
    mut on_chunk: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Result<(), ContentError>, E> {
    let expected = original.bytes;
    let mut from = from.take(expected + 1);
    let mut digest = Sha256::new();
    let mut actual = 0;
    let mut buffer = vec![0; CHUNK_SIZE];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(error.into())),
        };
        let chunk = &buffer[..length];
        actual += length as u64;
        digest.update(chunk);
        on_chunk(chunk)?;
    }
    Ok(match actual.cmp(&expected) {
        Ordering::Less => Err(format!(
            "has {actual} of the {expected} bytes of the original"
        )),
        Ordering::Greater => Err(format!(
            "has more than the {expected} bytes of the original"
        )),
        Ordering::Equal => match hex(&digest.finalize()) {
            sha256 if sha256 == original.sha256 => Ok(()),
            sha256 => Err(format!(
                "differs from the original: its SHA-256 is {sha256}"
            )),
        },
    }
    .map_err(ContentError))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_original_or_the_error_says_how_it_differs() {
        let digest = sha256(b"abc");
        assert_eq!(
            digest,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let original = OriginalFile {
            name: "letters",
            bytes: 3,
            sha256: &digest,
        };
        let mut chunks = Vec::new();
        let Ok(result) = verify_stream(&b"abc"[..], &original, |chunk| {
            chunks.extend_from_slice(chunk);
            Ok::<_, Infallible>(())
        });
        result.unwrap();
        assert_eq!(chunks, b"abc");
        let error = |bytes: &[u8]| {
            let Ok(result) = verify_stream(bytes, &original, |_| Ok::<_, Infallible>(()));
            result.unwrap_err().to_string()
        };
        assert_eq!(error(b"a"), "has 1 of the 3 bytes of the original");
        assert_eq!(
            error(b"abcdef"),
            "has more than the 3 bytes of the original"
        );
        assert!(error(b"abd").starts_with("differs from the original: its SHA-256 is "));
    }
}
