//! Files that may or may not be compressed with gzip.

use std::{
    io::{self, Read, Seek as _, SeekFrom},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use crate::fs::open_regular;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes that one byte of gzip can become, at most.
pub(super) const MAX_EXPANSION: u64 = 1032;

/// The uncompressed bytes of `from`, and whether it is gzip, as its first two bytes tell.
pub(super) fn open<'r>(mut from: impl Read + 'r) -> io::Result<(Box<dyn Read + 'r>, bool)> {
    let mut start = Vec::new();
    from.by_ref()
        .take(GZIP_MAGIC.len() as u64)
        .read_to_end(&mut start)?;
    let gzip = start == GZIP_MAGIC;
    let whole = io::Cursor::new(start).chain(from);
    let stream: Box<dyn Read + 'r> = if gzip {
        Box::new(MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    };
    Ok((stream, gzip))
}

/// Uncompressed size of the file at `path`: of gzip what its last four bytes tell, which is the
/// size of its last member modulo 2³².
pub(super) fn uncompressed_size(path: &Path) -> io::Result<u64> {
    let mut file = open_regular(path)?;
    let mut start = Vec::new();
    file.by_ref()
        .take(GZIP_MAGIC.len() as u64)
        .read_to_end(&mut start)?;
    if start != GZIP_MAGIC {
        return Ok(file.metadata()?.len());
    }
    let mut end = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut end)?;
    Ok(u32::from_le_bytes(end).into())
}
