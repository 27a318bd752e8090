//! Downloads from local servers that respond correctly, wrongly, slowly or not at all.

use crate::common::small_set;
use std::{fs, path::Path, sync::mpsc, thread, time::Duration};

use crate::common::server::{Reply, Request, Server};
use crate::common::small_set::{cifar_files, entry, gzip, idx_files, locator};
use cre_lab::data::{
    BundledSet, DatasetLocator,
    catalogue::CatalogueEntry,
    fetch::{self, CancelToken, FetchError, Progress, Stage, TransferLimits},
    locator::Availability,
};

/// Tolerates the longest delay of a busy machine.
const LIMITS: TransferLimits = TransferLimits {
    max_silence: Duration::from_mins(1),
    ..TransferLimits::DEFAULT
};
const TAG: &str = "\"v1\"";

/// The requested file with gzip.
fn packed(request: &Request) -> Option<Vec<u8>> {
    let name = request.path.strip_suffix(".gz")?;
    let files = idx_files();
    let (_, content) = files.iter().find(|(file, _)| *file == name)?;
    Some(gzip(content))
}

/// The reply of a correct server.
fn correct(request: &Request) -> Reply {
    packed(request).map_or_else(Reply::missing, |file| Reply::part(request, &file, TAG))
}

/// A server that replies correctly, but with `reply` to requests of the training images, which are
/// the first file of a download.
fn with_images(reply: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> Server {
    Server::new(move |request| match packed(request) {
        Some(file) if request.path.starts_with("train-images") => reply(request, &file),
        _ => correct(request),
    })
}

/// The reply to a first request stalls, so that the download can be cancelled before its end.
fn stall_first(request: &Request, reply: Reply) -> Reply {
    if request.range.is_none() {
        reply.stalled(15_000)
    } else {
        reply
    }
}

/// A server that sends the training images completely only when a download is resumed.
fn with_stalled_images() -> Server {
    with_images(|request, file| stall_first(request, Reply::part(request, file, TAG)))
}

fn mnist(mirrors: &[&Server]) -> CatalogueEntry<'static> {
    let addresses: Vec<&str> = mirrors.iter().map(|server| server.address()).collect();
    entry(BundledSet::Mnist, &idx_files(), &addresses)
}

fn fetch(
    entry: &CatalogueEntry<'_>,
    folder: &Path,
    limits: TransferLimits,
) -> Result<(), FetchError> {
    fetch::fetch(entry, folder, limits, &CancelToken::default(), &mut |_| {})
}

/// The message of a download that fails.
#[track_caller]
fn fetch_error(entry: &CatalogueEntry<'_>, folder: &Path, limits: TransferLimits) -> String {
    fetch(entry, folder, limits).unwrap_err().to_string()
}

/// Cancels a download when bytes have been received, and returns their number.
fn interrupt(entry: &CatalogueEntry<'_>, folder: &Path) -> u64 {
    let cancel = CancelToken::default();
    let mut on_progress = |progress: &Progress| {
        if progress.received > 0 {
            cancel.cancel();
        }
    };
    match fetch::fetch(entry, folder, LIMITS, &cancel, &mut on_progress) {
        Err(FetchError::Cancelled { kept }) => kept,
        other => panic!("not cancelled: {other:?}"),
    }
}

/// Names of the entries of a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn assert_complete(folder: &Path) {
    let mut expected: Vec<String> = idx_files()
        .iter()
        .map(|(name, _)| format!("{name}.gz"))
        .collect();
    expected.sort();
    assert_eq!(names(folder), expected);
    for (name, content) in idx_files() {
        assert_eq!(
            fs::read(folder.join(format!("{name}.gz"))).unwrap(),
            gzip(&content)
        );
    }
}

/// The ranges of the requests for the training images.
fn ranges(server: &Server) -> Vec<Option<(u64, String)>> {
    let requests = server.log().into_iter();
    requests
        .filter(|request| request.path.starts_with("train-images"))
        .map(|request| request.range)
        .collect()
}

#[test]
fn a_set_is_downloaded_found_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(correct);
    let entry = mnist(&[&server]);
    let locator = locator(vec![entry], folder.path());
    assert_eq!(
        locator.availability(BundledSet::Mnist),
        Availability::Missing
    );

    let mut reports = Vec::new();
    let folder = fetch::fetch_dataset(
        &locator,
        BundledSet::Mnist,
        &CancelToken::default(),
        &mut |progress| reports.push(progress.clone()),
    )
    .unwrap();
    assert_complete(&folder);
    let last = reports.last().unwrap();
    assert_eq!((last.stage, last.received), (Stage::Checking, last.total));
    assert!(
        reports
            .windows(2)
            .all(|pair| pair[0].received <= pair[1].received)
    );
    assert!(server.address().contains(&last.host));

    assert_eq!(
        locator.availability(BundledSet::Mnist),
        Availability::Found(folder.clone())
    );
    let dataset = locator.load(BundledSet::Mnist).unwrap();
    assert_eq!([dataset.train.len(), dataset.test.len()], entry.images);

    let requests = server.log().len();
    fetch(&entry, &folder, LIMITS).unwrap();
    assert_eq!(server.log().len(), requests, "nothing is downloaded twice");
}

#[test]
fn after_a_mirror_without_the_file_the_next_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Server::new(|_| Reply::missing()), Server::new(correct));
    fetch(&mnist(&[&first, &second]), folder.path(), LIMITS).unwrap();
    assert_complete(folder.path());
    assert_eq!(
        first.log().len(),
        1,
        "the other files are requested from the other mirror"
    );

    let folder = tempfile::tempdir().unwrap();
    let message = fetch_error(&mnist(&[&first]), folder.path(), LIMITS);
    assert!(
        message.contains(" responded with 404 Not Found; try again later"),
        "{message}"
    );
}

#[test]
fn after_a_truncated_file_the_next_mirror_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    // Without a version, the transfer cannot be resumed.
    let first = with_images(|_, file| Reply::whole(file).cut(20_000));
    let second = Server::new(correct);
    fetch(&mnist(&[&first, &second]), folder.path(), LIMITS).unwrap();
    assert_complete(folder.path());
    let message = {
        let folder = tempfile::tempdir().unwrap();
        fetch_error(&mnist(&[&first]), folder.path(), LIMITS)
    };
    assert!(
        message.contains(" closed the connection after 20 kB of "),
        "{message}"
    );
}

#[test]
fn an_interrupted_transfer_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_images(|request, file| {
        let reply = Reply::part(request, file, TAG);
        let sent = reply.sent.min(12_000);
        reply.cut(sent)
    });
    fetch(&mnist(&[&server]), folder.path(), LIMITS).unwrap();
    assert_complete(folder.path());
    let tag = || TAG.to_owned();
    assert_eq!(
        ranges(&server),
        [None, Some((12_000, tag())), Some((24_000, tag()))]
    );
}

#[test]
fn different_content_is_never_installed() {
    let folder = tempfile::tempdir().unwrap();
    let first = with_images(|_, file| {
        let mut other = idx_files()[0].1.clone();
        other[5_000] ^= 1;
        assert_ne!(gzip(&other), file);
        Reply::whole(&gzip(&other))
    });
    let message = fetch_error(&mnist(&[&first]), folder.path(), LIMITS);
    let reason = "sent another file: train-images-idx3-ubyte differs from the original";
    assert!(message.contains(reason), "{message}");
    assert_eq!(names(folder.path()), [""; 0]);

    let login = Server::new(|_| Reply::whole(b"<html>Please log in</html>"));
    let second = Server::new(correct);
    fetch(&mnist(&[&first, &login, &second]), folder.path(), LIMITS).unwrap();
    assert_complete(folder.path());
}

#[test]
fn a_silent_mirror_is_abandoned() {
    let folder = tempfile::tempdir().unwrap();
    let limits = TransferLimits {
        max_silence: Duration::from_millis(500),
        ..LIMITS
    };
    let silent = with_images(|_, file| Reply::whole(file).stalled(1_000));
    let message = fetch_error(&mnist(&[&silent]), folder.path(), limits);
    assert!(message.contains(" sent no data for 0.5 s"), "{message}");

    let second = Server::new(correct);
    fetch(&mnist(&[&silent, &second]), folder.path(), limits).unwrap();
    assert_complete(folder.path());
}

#[test]
fn a_slow_mirror_is_abandoned() {
    let folder = tempfile::tempdir().unwrap();
    let limits = TransferLimits {
        window: Duration::from_millis(500),
        min_bytes: 2_000,
        ..LIMITS
    };
    let slow = with_images(|_, file| Reply::whole(file).trickling(1_000));
    let message = fetch_error(&mnist(&[&slow]), folder.path(), limits);
    assert!(
        message.contains(" sent only 1.") && message.contains(" kB in 0.5 s"),
        "{message}"
    );
    assert_eq!(ranges(&slow).len(), 1, "the slow mirror is not tried again");

    let second = Server::new(correct);
    fetch(&mnist(&[&slow, &second]), folder.path(), limits).unwrap();
    assert_complete(folder.path());
}

#[test]
fn a_cancelled_download_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_stalled_images();
    let other = Server::new(|_| Reply::missing());
    let entry = mnist(&[&server]);
    let kept = interrupt(&entry, folder.path());
    assert!(kept > 0);
    assert_eq!(fetch::kept_bytes(&entry, folder.path()), kept);

    // The mirror of the partial file is tried first.
    let entry = mnist(&[&other, &server]);
    fetch(&entry, folder.path(), LIMITS).unwrap();
    assert_complete(folder.path());
    assert_eq!(ranges(&server), [None, Some((kept, TAG.to_owned()))]);
    assert_eq!(fetch::kept_bytes(&entry, folder.path()), 0);
}

#[test]
fn the_rest_of_another_version_is_not_appended() {
    for checks_version in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let old: Vec<u8> = vec![7; 30_000];
        let first =
            Server::new(move |request| Reply::part(request, &old, "\"v0\"").stalled(10_000));
        interrupt(&mnist(&[&first]), folder.path());

        // The same address, but another version of the file.
        let old_address = first.address().to_owned();
        drop(first);
        let second = with_images(move |request, file| match &request.range {
            Some((from, _)) if !checks_version => Reply::range(*from, file, TAG),
            _ => Reply::part(request, file, TAG),
        });
        rename_parts(folder.path(), &old_address, second.address());
        fetch(&mnist(&[&second]), folder.path(), LIMITS).unwrap();
        assert_complete(folder.path());
        assert!(ranges(&second)[0].is_some(), "a range was requested");
    }
}

/// Makes a partial file from one address appear to be from another.
fn rename_parts(folder: &Path, from: &str, to: &str) {
    let name = "train-images-idx3-ubyte.gz";
    let hash = |address: &str| {
        cre_lab::data::digest::sha256(format!("{address}{name}").as_bytes())[..8].to_owned()
    };
    let path = |address: &str, extension: &str| {
        folder.join(format!("{name}.{}.{extension}", hash(address)))
    };
    fs::rename(path(from, "part"), path(to, "part")).unwrap();
    let info = fs::read_to_string(path(from, "part.json")).unwrap();
    fs::remove_file(path(from, "part.json")).unwrap();
    fs::write(path(to, "part.json"), info.replace(from, to)).unwrap();
}

#[test]
fn without_ranges_the_whole_file_is_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_images(|request, file| {
        let without_range = Request::default();
        stall_first(request, Reply::part(&without_range, file, TAG))
    });
    let entry = mnist(&[&server]);
    let kept = interrupt(&entry, folder.path());
    fetch(&entry, folder.path(), LIMITS).unwrap();
    assert_complete(folder.path());
    assert_eq!(ranges(&server), [None, Some((kept, TAG.to_owned()))]);
}

#[test]
fn a_file_uncompressed_by_the_transfer_is_installed_uncompressed() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_images(|_, file| Reply {
        headers: vec!["Content-Encoding: gzip".to_owned()],
        ..Reply::whole(file)
    });
    fetch(&mnist(&[&server]), folder.path(), LIMITS).unwrap();
    let (name, content) = &idx_files()[0];
    assert_eq!(&fs::read(folder.path().join(name)).unwrap(), content);
    assert_eq!(names(folder.path()).len(), 4);
}

#[test]
fn a_file_above_the_maximum_size_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let announced = with_images(|_, _| Reply::whole(&vec![0; 3 << 20]).cut(0));
    let endless = with_images(|_, _| Reply {
        // The length of the uncompressed body is unknown.
        headers: vec!["Content-Encoding: gzip".to_owned()],
        ..Reply::whole(&gzip(&vec![0; 3 << 20]))
    });
    for server in [announced, endless] {
        let message = fetch_error(&mnist(&[&server]), folder.path(), LIMITS);
        assert!(
            message.contains(" offered a file of more than 1."),
            "{message}"
        );
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

/// The partial file is replaced by a device without space.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_and_no_other_mirror_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_stalled_images();
    let other = Server::new(correct);
    interrupt(&mnist(&[&server]), folder.path());
    let mut names = names(folder.path()).into_iter();
    let name = names.find(|name| Path::new(name).extension().is_some_and(|e| e == "part"));
    let part = folder.path().join(name.unwrap());
    fs::remove_file(&part).unwrap();
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();

    let first = Server::new(correct);
    rename_parts(folder.path(), server.address(), first.address());
    let message = fetch_error(&mnist(&[&first, &other]), folder.path(), LIMITS);
    assert!(
        message.starts_with("cannot write ") && message.contains("train-images-idx3-ubyte.gz."),
        "{message}"
    );
    assert!(
        message.ends_with(": No space left on device (os error 28)"),
        "{message}"
    );
    assert_eq!(other.log(), []);
}

#[test]
fn cancelling_does_not_wait_for_a_silent_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_images(|_, file| Reply::whole(file).stalled(1_000));
    let (cancel, entry) = (CancelToken::default(), mnist(&[&server]));
    let (sender, receiver) = mpsc::channel();
    let result = thread::scope(|scope| {
        let download = scope.spawn(|| {
            fetch::fetch(&entry, folder.path(), LIMITS, &cancel, &mut |progress| {
                if progress.received == 1_000 {
                    let _ = sender.send(());
                }
            })
        });
        receiver.recv().unwrap();
        let second = fetch(&entry, folder.path(), LIMITS);
        assert!(
            matches!(second, Err(FetchError::Busy(BundledSet::Mnist))),
            "{second:?}"
        );
        cancel.cancel();
        download.join().unwrap()
    });
    assert!(
        matches!(result, Err(FetchError::Cancelled { kept: 1_000 })),
        "{result:?}"
    );
}

#[test]
fn without_a_connection_the_message_gives_advice() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(correct);
    let entry = mnist(&[&server]);
    let address = server.address().to_owned();
    drop(server);
    // The listener closes a moment later.
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    while std::net::TcpStream::connect(host).is_ok() {
        thread::sleep(Duration::from_millis(10));
    }
    let message = fetch_error(&entry, folder.path(), LIMITS);
    assert!(
        message.starts_with("MNIST cannot be downloaded: 127.0.0.1:"),
        "{message}"
    );
    let advice = format!(
        "; connect to the internet and try again, or put its files into {}",
        folder.path().display()
    );
    assert!(
        message.contains(" cannot be reached (") && message.ends_with(&advice),
        "{message}"
    );
}

/// An archive with these entries and a symbolic link.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in entries {
        let mut header = tar::Header::new_gnu();
        // Set directly: the library rejects names outside the folder.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    builder
        .append_link(
            &mut link,
            "cifar-10-batches-bin/test_batch.bin",
            "/etc/passwd",
        )
        .unwrap();
    gzip(&builder.into_inner().unwrap())
}

#[test]
fn only_the_files_of_the_set_are_extracted_from_an_archive() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a/b");
    let files = cifar_files();
    let paths: Vec<String> = files
        .iter()
        .map(|(name, _)| format!("cifar-10-batches-bin/{name}"))
        .collect();
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("../evil", b"out"),
        ("../../data_batch_9.bin", b"out"),
        ("cifar-10-batches-bin/._data_batch_1.bin", b"metadata"),
        ("cifar-10-batches-bin/readme.html", b"<html>"),
    ];
    let batches = paths.iter().zip(&files);
    entries.extend(batches.map(|(path, (_, content))| (path.as_str(), content.as_slice())));
    // Only the first entry of a name is used.
    entries.push(("/tmp/data_batch_1.bin", b"another"));
    let whole = archive(&entries);
    let server = Server::new(move |request| Reply::part(request, &whole, TAG));
    let entry = entry(BundledSet::Cifar10, &files, &[server.address()]);
    fetch(&entry, &folder, LIMITS).unwrap();
    let expected: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&folder), expected);
    for (name, content) in &files {
        assert_eq!(&fs::read(folder.join(name)).unwrap(), content);
    }
    assert_eq!(names(root.path()), ["a"], "nothing is written elsewhere");
    assert_eq!(names(&root.path().join("a")), ["b"]);
    let locator = DatasetLocator::new(small_set::leak(vec![entry]), vec![folder], None);
    let dataset = locator.load(BundledSet::Cifar10).unwrap();
    assert_eq!([dataset.train.len(), dataset.test.len()], [10, 2]);
}

#[test]
fn temporary_files_of_killed_processes_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let create = |name: &str| fs::File::create(folder.path().join(name)).unwrap();
    create(".cre-lab-killed");
    let in_use = create(".cre-lab-in0Use");
    in_use.lock().unwrap();
    let server = Server::new(correct);
    fetch(&mnist(&[&server]), folder.path(), LIMITS).unwrap();
    let names = names(folder.path());
    assert!(!names.contains(&".cre-lab-killed".to_owned()), "{names:?}");
    assert!(names.contains(&".cre-lab-in0Use".to_owned()), "{names:?}");
    assert_eq!(names.len(), 5);
}

#[test]
fn nothing_is_installed_from_an_archive_with_a_missing_or_changed_file() {
    let files = cifar_files();
    let archive_with = |change: &dyn Fn(usize, &mut Vec<u8>)| {
        let changed: Vec<(&str, Vec<u8>)> = files
            .iter()
            .enumerate()
            .map(|(index, (name, content))| {
                let mut content = content.clone();
                change(index, &mut content);
                (*name, content)
            })
            .collect();
        let entries: Vec<(&str, &[u8])> = changed
            .iter()
            .filter(|(_, content)| !content.is_empty())
            .map(|(name, content)| (*name, content.as_slice()))
            .collect();
        archive(&entries)
    };
    let damaged = {
        let mut whole = archive_with(&|_, _| {});
        let middle = whole.len() / 2;
        whole.truncate(middle);
        whole
    };
    for (whole, reason) in [
        (
            archive_with(&|index, content| {
                content.truncate(if index == 2 { 0 } else { content.len() });
            }),
            "lacks data_batch_3.bin",
        ),
        (
            archive_with(&|index, content| content[9] ^= u8::from(index == 5)),
            "test_batch.bin differs from the original",
        ),
        (
            archive_with(&|_, content| content.push(0)),
            "data_batch_1.bin has more than the 6146 bytes",
        ),
        (b"not an archive".to_vec(), "the archive"),
        (damaged, "cannot be read"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(move |_| Reply::whole(&whole));
        let entry = entry(BundledSet::Cifar10, &files, &[server.address()]);
        let message = fetch_error(&entry, folder.path(), LIMITS);
        assert!(message.contains(reason), "{message}");
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
