//! Opens regular files only, and writes files completely or not at all.
//!
//! - A new or replaced file is written under a temporary name in its folder and then renamed, so that a
//!   reader finds the old content or the new, never a part of it. A replaced file keeps its permissions.
//! - [`Existing`] says whether an existing file may be replaced. One that is read-only never is.
//! - Symbolic links stay; the file they point to is written.
//! - Character devices, named pipes and open descriptors (`/dev/stdout`) are written directly. Folders,
//!   block devices and sockets are refused.
//!
//! Errors do not name the temporary file. They continue a sentence such as “cannot write PATH: ”.

use std::{
    ffi::OsStr,
    fs::{self, File, FileType, Metadata, OpenOptions, TryLockError},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempPath;

/// Opens a regular file for reading; symbolic links are followed.
///
/// Anything else is refused before it is opened: a named pipe would wait until some process writes to
/// it, and a device may have no end.
///
/// # Errors
/// When it cannot be opened or is not a regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    check_regular(path)?;
    File::open(path)
}

/// Checks that `path` leads to a regular file, without opening it.
///
/// # Errors
/// When nothing is there or it is something else.
pub fn check_regular(path: &Path) -> io::Result<()> {
    let is_regular = fs::metadata(path)?.is_file();
    let irregular = || invalid("it is not a regular file");
    is_regular.then_some(()).ok_or_else(irregular)
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

/// Checks that `path` leads to a regular file or to nothing yet.
///
/// # Errors
/// When it is something else.
pub fn check_regular_or_missing(path: &Path) -> io::Result<()> {
    match check_regular(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        checked => checked,
    }
}

/// Prefix of temporary names…
const PREFIX: &str = ".cre-lab-";
/// …and the number of random letters and digits that follow.
const RANDOM: usize = 6;
/// How often a temporary file is created that another process removes at once.
const MOST_ATTEMPTS: usize = 100;
/// The most symbolic links that are followed, as on Linux.
const MOST_LINKS: usize = 40;

/// What happens to a regular file that exists at a path to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and writing fails with [`io::ErrorKind::AlreadyExists`].
    Keep,
    /// It is replaced.
    Replace,
}

/// Checks whether `path` can be written, without changing anything. The folder need not exist yet.
///
/// # Errors
/// When an existing file is to be kept or is read-only, or when `path` names no file that can be
/// written.
pub fn check_output(path: &Path, existing: Existing) -> io::Result<()> {
    destination(path, existing).map(drop)
}

/// Which of the files `names` exist in `folder`, as a clause such as “run already holds a.png and 2 more
/// files”; `None` if there is none.
pub fn first_existing<'a>(
    folder: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let exists = |name: &&str| {
        let checked = check_output(&folder.join(name), Existing::Keep);
        checked.is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
    };
    let mut found = names.into_iter().filter(exists);
    let first = found.next()?;
    let more = match found.count() {
        0 => String::new(),
        1 => " and 1 more file".to_owned(),
        count => format!(" and {count} more files"),
    };
    Some(format!("{} already holds {first}{more}", folder.display()))
}

/// Writes a file, completely or not at all.
///
/// # Errors
/// As for [`check_output`], and when the bytes cannot be written; a file at `path` is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> io::Result<()> {
    let mut file = OutputFile::create(path, existing)?;
    file.write_all(bytes)?;
    file.finish()
}

/// Renames `from`, which nothing else needs, to `to` in the same file system.
///
/// # Errors
/// As for [`check_output`], and when the file cannot be renamed.
pub fn rename_output(from: &Path, to: &Path, existing: Existing) -> io::Result<()> {
    match destination(to, existing)? {
        Destination::File { path, .. } => fs::rename(from, path),
        Destination::Stream => Err(invalid("it is not a regular file")),
    }
}

/// Removes the regular file at `path`, if there is one; a symbolic link stays, and its target is removed.
///
/// # Errors
/// When the file is read-only or cannot be removed, or `path` names no file.
pub fn remove_output(path: &Path) -> io::Result<()> {
    match destination(path, Existing::Replace)? {
        Destination::File { path, replaced } if replaced.is_some() => fs::remove_file(path),
        Destination::File { .. } | Destination::Stream => Ok(()),
    }
}

/// Removes what processes that were killed have left in `folder`: files under temporary names that no
/// process holds locked, or, in file systems without locks, that have not been written to for a day. What
/// cannot be removed stays.
pub fn remove_left_over(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // Neither looks behind a link.
        if is_temporary(&entry.file_name()) && entry.metadata().is_ok_and(|found| found.is_file()) {
            let Ok(file) = OpenOptions::new().read(true).open(&path) else {
                continue;
            };
            let is_left_over = match file.try_lock() {
                // Held until the file is removed, so that its name is not given to a new file meanwhile.
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(_)) => is_older_than_a_day(&file),
            };
            if is_left_over {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn is_older_than_a_day(file: &File) -> bool {
    let written = file.metadata().and_then(|found| found.modified());
    let idle = written.map(|written| written.elapsed());
    matches!(idle, Ok(Ok(idle)) if idle >= Duration::from_hours(24))
}

fn is_temporary(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    random.is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// A file being written. Dropped before [`Self::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct OutputFile {
    file: BufWriter<File>,
    /// The temporary file and the name it gets at the end; none where a device or pipe is written
    /// directly.
    renamed: Option<(TempPath, PathBuf, Existing)>,
    /// The first failed write: encoders write their last bytes while they are dropped, where they
    /// cannot return an error.
    failure: Option<io::Error>,
}

impl OutputFile {
    /// Opens the file that will be at `path`.
    ///
    /// # Errors
    /// As for [`check_output`], and when the folder cannot be written to.
    pub fn create(path: &Path, existing: Existing) -> io::Result<Self> {
        let (file, renamed) = match destination(path, existing)? {
            Destination::Stream => (OpenOptions::new().append(true).open(path)?, None),
            Destination::File { path, replaced } => {
                let (file, temporary) = temporary(folder_of(&path))?;
                if let Some(replaced) = replaced {
                    take_over(&file, &replaced)?;
                }
                let renamed = (temporary, path, existing);
                (file, Some(renamed))
            }
        };
        let (file, failure) = (BufWriter::new(file), None);
        Ok(Self {
            file,
            renamed,
            failure,
        })
    }

    /// Writes what is left and gives the file its name.
    ///
    /// # Errors
    /// When any byte could not be written, or a file that is to be kept has appeared meanwhile; what is at
    /// the path is then as it was.
    pub fn finish(self) -> io::Result<()> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let file = self.file.into_inner().map_err(io::Error::from)?;
        let Some((mut temporary, path, existing)) = self.renamed else {
            return Ok(());
        };
        file.sync_all()?;
        if existing == Existing::Keep {
            temporary = match temporary.persist_noclobber(&path) {
                Ok(()) => return Ok(()),
                Err(error) if path.symlink_metadata().is_ok() => {
                    return Err(match error.error.kind() {
                        io::ErrorKind::AlreadyExists => already_exists(),
                        _ => error.error,
                    });
                }
                // Not every file system can do both in one operation.
                Err(error) => error.path,
            };
        }
        temporary.persist(path).map_err(|error| error.error)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failure = Some(io::Error::new(error.kind(), error.to_string()));
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Where the bytes of an output go.
enum Destination {
    /// Into a regular file without links to follow, which may exist.
    File {
        path: PathBuf,
        replaced: Option<Metadata>,
    },
    /// Directly into a device, a pipe or an open descriptor.
    Stream,
}

fn destination(path: &Path, existing: Existing) -> io::Result<Destination> {
    if !has_file_name(path) {
        return Err(invalid("it does not name a file"));
    }
    let found = match fs::metadata(path) {
        Ok(found) if !found.is_file() => return stream(found.file_type()),
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(resolved) = resolve_links(path)? else {
        return Ok(Destination::Stream);
    };
    if let Some(found) = &found {
        if existing == Existing::Keep {
            return Err(already_exists());
        }
        check_writable(&resolved, found)?;
    }
    Ok(Destination::File {
        path: resolved,
        replaced: found,
    })
}

/// Whether the last component of `path` can be that of a file: `..`, `/` and `run/` are not.
pub fn has_file_name(path: &Path) -> bool {
    let last = path.as_os_str().as_encoded_bytes().last();
    let is_separator = |byte: &u8| std::path::is_separator(char::from(*byte));
    path.file_name().is_some() && !last.is_some_and(is_separator)
}

/// What exists and is no regular file: written directly where that makes sense.
fn stream(found: FileType) -> io::Result<Destination> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if found.is_char_device() || found.is_fifo() {
            return Ok(Destination::Stream);
        } else if found.is_block_device() {
            return Err(invalid("it is a block device"));
        } else if found.is_socket() {
            return Err(invalid("it is a socket"));
        }
    }
    let folder = found.is_dir().then_some("it is a folder");
    Err(invalid(folder.unwrap_or("it is not a regular file")))
}

/// The path that the symbolic links at `path` lead to, which need not exist; `None` if they lead to an open
/// descriptor, whose file has no name to be relied on.
fn resolve_links(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if holds_descriptors(folder_of(&path)) {
            return Ok(None);
        }
        if !is_link {
            return Ok(Some(path));
        }
        let target = fs::read_link(&path)?;
        path = folder_of(&path).join(target);
    }
    Err(io::Error::other("it leads through too many symbolic links"))
}

/// Whether `folder` is one of those in which the system shows open files: `/dev/fd`, `/proc/self/fd`.
fn holds_descriptors(folder: &Path) -> bool {
    fs::canonicalize(folder)
        .is_ok_and(|folder| folder.starts_with("/proc") || folder.starts_with("/dev/fd"))
}

/// Renaming needs no right to write to the file that is replaced: it is asked for here. The superuser may
/// write to every file, so that the permissions count as well.
fn check_writable(path: &Path, found: &Metadata) -> io::Result<()> {
    if !found.permissions().readonly() {
        match OpenOptions::new().write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            opened => return opened.map(drop),
        }
    }
    let reason = "it is read-only; choose another name, or make it writable first";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, reason))
}

/// Gives `file` the permissions of the file it replaces, and its owner where that is allowed.
fn take_over(file: &File, replaced: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        // Only the superuser can give files away; for all others the owner changes.
        let _ = fchown(file, None, Some(replaced.gid()));
        let _ = fchown(file, Some(replaced.uid()), None);
    }
    file.set_permissions(replaced.permissions())
}

fn already_exists() -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, "it already exists")
}

/// The folder of `path`; that of the process for a bare name.
fn folder_of(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A new file under a temporary name in `folder`, which is removed when the path is dropped. It is locked
/// while it is open, so that [`remove_left_over`] recognises it as in use.
fn temporary(folder: &Path) -> io::Result<(File, TempPath)> {
    for _ in 0..MOST_ATTEMPTS {
        let (file, path) = unlocked_temporary(folder)?;
        let is_taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        // Another process may take a new file for a left-over one before it is locked.
        if !is_taken && path.exists() {
            return Ok((file, path));
        }
    }
    Err(io::Error::other("no temporary file can be locked"))
}

fn unlocked_temporary(folder: &Path) -> io::Result<(File, TempPath)> {
    // The error of `tempfile` names the temporary file: the system's own is kept instead.
    let mut cause = None;
    let mut builder = tempfile::Builder::new();
    let made = builder
        .prefix(PREFIX)
        .rand_bytes(RANDOM)
        .make_in(folder, |path| {
            // Readable as any other file of the user, unlike other temporary files.
            let file = OpenOptions::new().write(true).create_new(true).open(path);
            file.inspect_err(|error| cause = error.raw_os_error())
        });
    match (made, cause) {
        (Ok(file), _) => Ok(file.into_parts()),
        (Err(_), Some(cause)) => Err(io::Error::from_raw_os_error(cause)),
        (Err(error), None) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
        write_whole(path, bytes, Existing::Replace)
    }

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let missing = open_regular(&path).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        check_regular_or_missing(&path).unwrap();
        fs::write(&path, "content").unwrap();
        let content = io::read_to_string(open_regular(&path).unwrap());
        assert_eq!(content.unwrap(), "content");
        for refused in [folder.path(), Path::new("/dev/zero")] {
            assert!(open_regular(refused).is_err(), "{}", refused.display());
            assert!(check_regular_or_missing(refused).is_err());
        }
    }

    #[test]
    fn a_file_appears_when_it_is_finished_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, b"old").unwrap();
        let finish: fn(OutputFile) = |file| file.finish().unwrap();
        for (end, content) in [(drop as fn(OutputFile), b"old"), (finish, b"new")] {
            let mut file = OutputFile::create(&path, Existing::Replace).unwrap();
            file.write_all(b"new").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"old");
            end(file);
            assert_eq!(fs::read(&path).unwrap(), content);
            assert_eq!(count(folder.path()), 1);
        }
    }

    #[test]
    fn a_file_that_is_to_be_kept_is_kept_even_if_it_appears_late() {
        let folder = tempfile::tempdir().unwrap();
        let (old, late) = (folder.path().join("old"), folder.path().join("late"));
        fs::write(&old, "old").unwrap();
        let mut file = OutputFile::create(&late, Existing::Keep).unwrap();
        file.write_all(b"new").unwrap();
        fs::write(&late, "late").unwrap();
        let kept = write_whole(&old, b"new", Existing::Keep);
        for result in [kept, file.finish()] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(error.to_string(), "it already exists");
        }
        assert_eq!(fs::read(&old).unwrap(), b"old");
        assert_eq!(fs::read(&late).unwrap(), b"late");
        assert_eq!(count(folder.path()), 2, "temporary files are gone");
        let new = folder.path().join("new");
        write_whole(&new, b"new", Existing::Keep).unwrap();
        assert_eq!(fs::read(&new).unwrap(), b"new");

        let error = replace(&folder.path().join("no such folder/a"), b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains(PREFIX), "{error}");

        let found = |names: &[&str]| first_existing(folder.path(), names.iter().copied());
        assert_eq!(found(&["none", "nothing"]), None);
        let text = found(&["none", "old", "late", "new"]).unwrap();
        let end = " already holds old and 2 more files";
        assert!(text.ends_with(end), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay_and_read_only_files_are_not_replaced() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let set_mode = |name: &str, mode: u32| {
            fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        let mode = |name: &str| path(name).metadata().unwrap().permissions().mode() & 0o777;
        fs::create_dir(path("store")).unwrap();
        fs::write(path("store/target"), "old").unwrap();
        set_mode("store/target", 0o604);
        symlink("store/target", path("link")).unwrap();
        symlink("link", path("link to link")).unwrap();
        replace(&path("link to link"), b"new").unwrap();
        assert_eq!(fs::read(path("store/target")).unwrap(), b"new");
        assert_eq!(mode("store/target"), 0o604);
        for link in ["link", "link to link"] {
            assert!(path(link).symlink_metadata().unwrap().is_symlink());
        }
        // A link to a file that is not there yet, and one that leads nowhere.
        symlink("store/later", path("early")).unwrap();
        write_whole(&path("early"), b"late", Existing::Keep).unwrap();
        assert_eq!(fs::read(path("store/later")).unwrap(), b"late");
        symlink("circle", path("circle")).unwrap();
        assert!(replace(&path("circle"), b"").is_err());

        remove_output(&path("early")).unwrap();
        assert!(!path("store/later").exists());
        assert!(path("early").symlink_metadata().unwrap().is_symlink());
        remove_output(&path("early")).unwrap();

        set_mode("store/target", 0o444);
        let replaced = replace(&path("link"), b"no");
        for result in [replaced, remove_output(&path("store/target"))] {
            let error = result.unwrap_err().to_string();
            assert!(error.starts_with("it is read-only; "), "{error}");
        }
        assert_eq!(fs::read(path("store/target")).unwrap(), b"new");
        assert_eq!(count(&path("store")), 1, "temporary files are gone");
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_pipes_are_written_and_other_things_refused() {
        use std::{os::unix::fs::FileTypeExt as _, process::Command, thread};

        let folder = tempfile::tempdir().unwrap();
        // A device of its own, where that is allowed; else the system's, which none but the superuser
        // could damage.
        let null = folder.path().join("null");
        let made = Command::new("mknod")
            .arg(&null)
            .args(["c", "1", "3"])
            .output();
        let null = if made.is_ok_and(|made| made.status.success()) && replace(&null, b"").is_ok() {
            null
        } else {
            "/dev/null".into()
        };
        for existing in [Existing::Keep, Existing::Replace] {
            write_whole(&null, b"bytes", existing).unwrap();
        }
        assert!(null.metadata().unwrap().file_type().is_char_device());

        let pipe = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let read = pipe.clone();
        let reader = thread::spawn(move || fs::read(read).unwrap());
        write_whole(&pipe, b"bytes", Existing::Keep).unwrap();
        assert_eq!(reader.join().unwrap(), b"bytes");
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());

        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, reason) in [
            (socket.as_path(), "it is a socket"),
            (folder.path(), "it is a folder"),
            (Path::new(".."), "it does not name a file"),
            (Path::new("/"), "it does not name a file"),
            (&folder.path().join("new/"), "it does not name a file"),
        ] {
            let error = replace(path, b"bytes").unwrap_err();
            assert_eq!(error.to_string(), reason, "{}", path.display());
        }
        assert!(socket.symlink_metadata().unwrap().file_type().is_socket());
    }

    #[test]
    fn only_temporary_files_that_no_process_holds_are_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // As it is after the end of a process that had no time to remove it.
        let killed = temporary(folder.path()).unwrap().1.keep().unwrap();
        let kept = [".cre-lab-download", ".cre-lab-a1B2.3", "a1B2c3", "a.png"];
        for name in kept {
            File::create(path(name)).unwrap();
        }
        fs::create_dir(path(".cre-lab-folder")).unwrap();
        let (open, in_use) = temporary(folder.path()).unwrap();
        remove_left_over(folder.path());
        assert!(!killed.exists());
        assert!(in_use.exists() && kept.into_iter().all(|name| path(name).exists()));
        assert_eq!(count(folder.path()), kept.len() + 2);
        drop(open);
        remove_left_over(folder.path());
        assert!(!in_use.exists(), "it is no longer locked");
        remove_left_over(&path("no such folder"));
    }
}
