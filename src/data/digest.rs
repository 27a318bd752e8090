//! SHA-256, and whether a file is the original.

use std::{
    io::{self, BufReader, Read},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{catalogue::OriginalFile, gzip};
use crate::fs::open_regular;

/// Why a file is not the original. Each message continues a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// It cannot be opened, read or uncompressed.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is shorter or longer.
    #[error("has {found} than the {expected} bytes of the original", found = Found(*found, *expected))]
    Size {
        /// Bytes that it has uncompressed; one more than expected if it goes on.
        found: u64,
        /// Bytes of the original.
        expected: u64,
    },
    /// Its bytes are others.
    #[error("differs from the original: its SHA-256 is {found}")]
    Content {
        /// Its SHA-256.
        found: String,
    },
}

struct Found(u64, u64);

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(found, expected) = *self;
        if found > expected {
            f.write_str("more")
        } else {
            write!(f, "{found} bytes, fewer")
        }
    }
}

/// Digits of a SHA-256, in lower-case hexadecimal.
pub(super) fn hex(digest: impl AsRef<[u8]>) -> String {
    use std::fmt::Write as _;
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// SHA-256 of bytes, in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

/// Reads `from` to its end, or to one byte more than `original` has, and passes on what it reads.
///
/// # Errors
/// When it is not the original, and any error of `pass`.
pub(super) fn verify_stream(
    from: impl Read,
    original: &OriginalFile<'_>,
    mut pass: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), DigestError> {
    let mut from = from.take(original.bytes + 1);
    let mut digest = Sha256::new();
    let mut found = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let got = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let bytes = &buffer[..got];
        found += got as u64;
        digest.update(bytes);
        pass(bytes)?;
    }
    let expected = original.bytes;
    if found != expected {
        return Err(DigestError::Size { found, expected });
    }
    let found = hex(digest.finalize());
    if found == original.sha256 {
        Ok(())
    } else {
        Err(DigestError::Content { found })
    }
}

/// Compares the file at `path`, plain or gzip, with the original; returns whether it is gzip. `pass`
/// sees its uncompressed bytes and may break off with an error.
///
/// # Errors
/// When it is not the original, and any error of `pass`.
pub fn verify_file(
    path: &Path,
    original: &OriginalFile<'_>,
    pass: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<bool, DigestError> {
    let (content, gzip) = gzip::open(BufReader::new(open_regular(path)?))?;
    verify_stream(content, original, pass)?;
    Ok(gzip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_original_or_is_told_what_is_wrong() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let digest = sha256(b"abc");
        let original = OriginalFile {
            name: "letters",
            bytes: 3,
            sha256: &digest,
        };
        let mut passed = Vec::new();
        verify_stream(&b"abc"[..], &original, |bytes| {
            passed.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
        assert_eq!(passed, b"abc");
        let fault = |bytes: &[u8]| {
            let compared = verify_stream(bytes, &original, |_| Ok(()));
            compared.unwrap_err().to_string()
        };
        assert_eq!(
            fault(b"a"),
            "has 1 bytes, fewer than the 3 bytes of the original"
        );
        assert_eq!(
            fault(b"abcdef"),
            "has more than the 3 bytes of the original"
        );
        assert!(fault(b"abd").starts_with("differs from the original: its SHA-256 is "));
    }
}
