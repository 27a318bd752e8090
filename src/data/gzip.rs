//! Reading files that may be compressed with gzip, and compressing.

use std::{
    io::{self, Cursor, Read, Seek as _, SeekFrom},
    path::Path,
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

use crate::fs::open_regular;

const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The most bytes that one byte of gzip can expand to.
pub(super) const MAX_EXPANSION: u64 = 1032;

/// Returns the uncompressed bytes of `from`, and whether it is gzip according to its first two bytes.
pub(super) fn open<'r>(mut from: impl Read + 'r) -> io::Result<(Box<dyn Read + 'r>, bool)> {
    let start = read_start(&mut from)?;
    let is_gzip = start == MAGIC;
    let whole = Cursor::new(start).chain(from);
    let stream: Box<dyn Read + 'r> = if is_gzip {
        Box::new(MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    };
    Ok((stream, is_gzip))
}

/// Uncompressed size of the file at `path`, in bytes. For gzip, this is the declared size of its last
/// member modulo 2³².
pub(super) fn uncompressed_size(path: &Path) -> io::Result<u64> {
    let mut file = open_regular(path)?;
    if read_start(&mut file)? != MAGIC {
        return Ok(file.metadata()?.len());
    }
    let mut end = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut end)?;
    Ok(u32::from_le_bytes(end).into())
}

fn read_start(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    from.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Compresses what `write` writes. The same content always gives the same bytes, because the header
/// contains no name and no time.
pub(super) fn compress(
    write: impl FnOnce(&mut GzEncoder<Vec<u8>>) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    write(&mut encoder)?;
    encoder.finish()
}
