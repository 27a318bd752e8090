//! Downloads with the real client, from servers on this machine that behave and misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "common/server.rs"]
mod server;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "common/small_set.rs"]
mod small_set;

use std::{
    fs,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, SystemTime},
};

use cre_lab::data::{
    BundledSet, DatasetLocator,
    catalogue::CatalogueEntry,
    fetch::{self, CancelToken, FetchError, Progress, Stage, TransferLimits},
    locator::Availability,
};
use server::{Reply, Request, Server};
use small_set::{cifar_files, entry, gzip, idx_files, locator};

/// Longer than any silence that this machine causes by itself.
const PATIENCE: TransferLimits = TransferLimits {
    max_silence: Duration::from_mins(1),
    ..fetch::PATIENCE
};
const TAG: &str = "\"v1\"";

/// The file that is asked for, with gzip.
fn packed(request: &Request) -> Option<Vec<u8>> {
    let name = request.path.strip_suffix(".gz")?;
    let files = idx_files();
    let (_, content) = files.iter().find(|(file, _)| *file == name)?;
    Some(gzip(content))
}

/// Answers as a good server does.
fn good(request: &Request) -> Reply {
    packed(request).map_or_else(Reply::missing, |file| Reply::part(request, &file, TAG))
}

/// Good but for the images to learn from, which come as `bad` makes of the whole file.
fn but_for_images(bad: impl Fn(&Request, &[u8]) -> Reply + Send + Sync + 'static) -> Server {
    Server::new(move |request| match packed(request) {
        Some(file) if request.path.starts_with("train-images") => bad(request, &file),
        _ => good(request),
    })
}

fn mnist(mirrors: &[&Server]) -> CatalogueEntry<'static> {
    let addresses: Vec<&str> = mirrors.iter().map(|server| server.address()).collect();
    entry(BundledSet::Mnist, &idx_files(), &addresses)
}

fn run(
    full: &CatalogueEntry<'_>,
    folder: &Path,
    patience: TransferLimits,
) -> Result<(), FetchError> {
    fetch::fetch(full, folder, patience, &CancelToken::default(), &mut |_| {})
}

/// Stops as soon as some bytes of the first file have arrived.
fn interrupt(full: &CatalogueEntry<'_>, folder: &Path) -> u64 {
    let stop = CancelToken::default();
    let mut tell = |progress: &Progress| {
        if progress.received > 0 {
            stop.cancel();
        }
    };
    match fetch::fetch(full, folder, PATIENCE, &stop, &mut tell) {
        Err(FetchError::Cancelled { kept }) => kept,
        other => panic!("not stopped: {other:?}"),
    }
}

/// Names of what lies in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn is_whole(folder: &Path) {
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

fn ranges(server: &Server) -> Vec<Option<(u64, String)>> {
    let images = server.log().into_iter();
    images
        .filter(|request| request.path.starts_with("train-images"))
        .map(|request| request.range)
        .collect()
}

#[test]
fn a_set_is_downloaded_found_and_read() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::new(good);
    let full = mnist(&[&server]);
    let shelf: DatasetLocator = locator(vec![full], home.path());
    assert_eq!(shelf.availability(BundledSet::Mnist), Availability::Missing);

    let mut told = Vec::new();
    let folder = fetch::fetch_dataset(
        &shelf,
        BundledSet::Mnist,
        &CancelToken::default(),
        &mut |p| {
            told.push(p.clone());
        },
    )
    .unwrap();
    is_whole(&folder);
    let last = told.last().unwrap();
    assert_eq!((last.stage, last.received), (Stage::Checking, last.total));
    assert!(
        told.windows(2)
            .all(|pair| pair[0].received <= pair[1].received)
    );
    assert!(server.address().contains(&last.host));

    assert_eq!(
        shelf.availability(BundledSet::Mnist),
        Availability::Found(folder.clone())
    );
    let dataset = shelf.load(BundledSet::Mnist).unwrap();
    assert_eq!([dataset.train.len(), dataset.test.len()], full.images);

    let asked = server.log().len();
    run(&full, &folder, PATIENCE).unwrap();
    assert_eq!(server.log().len(), asked, "nothing is downloaded twice");
}

#[test]
fn a_mirror_without_the_file_is_left_for_the_next() {
    let home = tempfile::tempdir().unwrap();
    let (bad, better) = (Server::new(|_| Reply::missing()), Server::new(good));
    run(&mnist(&[&bad, &better]), home.path(), PATIENCE).unwrap();
    is_whole(home.path());
    assert_eq!(
        bad.log().len(),
        1,
        "it is not asked for the other files first"
    );

    let home = tempfile::tempdir().unwrap();
    let message = run(&mnist(&[&bad]), home.path(), PATIENCE)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains(" answers 404 Not Found; try again later"),
        "{message}"
    );
}

#[test]
fn a_truncated_file_is_left_for_the_next_mirror() {
    let home = tempfile::tempdir().unwrap();
    // Without a name of the version there is nothing to resume.
    let bad = but_for_images(|_, file| Reply::whole(file).cut(20_000));
    let better = Server::new(good);
    run(&mnist(&[&bad, &better]), home.path(), PATIENCE).unwrap();
    is_whole(home.path());
    let message = {
        let home = tempfile::tempdir().unwrap();
        run(&mnist(&[&bad]), home.path(), PATIENCE)
            .unwrap_err()
            .to_string()
    };
    assert!(message.contains(" broke off after 20 kB of "), "{message}");
}

#[test]
fn a_connection_that_breaks_off_is_taken_up_again() {
    let home = tempfile::tempdir().unwrap();
    let server = but_for_images(|request, file| {
        let reply = Reply::part(request, file, TAG);
        let sent = reply.sent.min(12_000);
        reply.cut(sent)
    });
    run(&mnist(&[&server]), home.path(), PATIENCE).unwrap();
    is_whole(home.path());
    let tag = || TAG.to_owned();
    assert_eq!(
        ranges(&server),
        [None, Some((12_000, tag())), Some((24_000, tag()))]
    );
}

#[test]
fn other_content_is_never_put_in_place() {
    let home = tempfile::tempdir().unwrap();
    let bad = but_for_images(|_, file| {
        let mut other = idx_files()[0].1.clone();
        other[5_000] ^= 1;
        assert_ne!(gzip(&other), file);
        Reply::whole(&gzip(&other))
    });
    let message = run(&mnist(&[&bad]), home.path(), PATIENCE)
        .unwrap_err()
        .to_string();
    let wrong = "offers something else: train-images-idx3-ubyte differs from the original";
    assert!(message.contains(wrong), "{message}");
    assert_eq!(names(home.path()), [""; 0]);

    let login = Server::new(|_| Reply::whole(b"<html>Please log in</html>"));
    let better = Server::new(good);
    run(&mnist(&[&bad, &login, &better]), home.path(), PATIENCE).unwrap();
    is_whole(home.path());
}

#[test]
fn a_silent_mirror_is_left_after_a_while() {
    let home = tempfile::tempdir().unwrap();
    let patience = TransferLimits {
        max_silence: Duration::from_millis(500),
        ..PATIENCE
    };
    let silent = but_for_images(|_, file| Reply::whole(file).stalled(1_000));
    let message = run(&mnist(&[&silent]), home.path(), patience)
        .unwrap_err()
        .to_string();
    assert!(message.contains(" has sent nothing for 0.5 s"), "{message}");

    let better = Server::new(good);
    run(&mnist(&[&silent, &better]), home.path(), patience).unwrap();
    is_whole(home.path());
}

#[test]
fn a_mirror_that_trickles_is_left_after_a_while() {
    let home = tempfile::tempdir().unwrap();
    let patience = TransferLimits {
        window: Duration::from_millis(500),
        min_bytes: 2_000,
        ..PATIENCE
    };
    let slow = but_for_images(|_, file| Reply::whole(file).trickling(1_000));
    let message = run(&mnist(&[&slow]), home.path(), patience)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains(" has sent only 1.") && message.contains(" kB in 0.5 s"),
        "{message}"
    );
    assert_eq!(ranges(&slow).len(), 1, "it is not asked again");

    let better = Server::new(good);
    run(&mnist(&[&slow, &better]), home.path(), patience).unwrap();
    is_whole(home.path());
}

#[test]
fn a_download_goes_on_where_it_was_stopped() {
    let home = tempfile::tempdir().unwrap();
    let server = but_for_images(|request, file| {
        let reply = Reply::part(request, file, TAG);
        // Silence, so that the end cannot come before the stop.
        if request.range.is_none() {
            reply.stalled(15_000)
        } else {
            reply
        }
    });
    let other = Server::new(|_| Reply::missing());
    let full = mnist(&[&server]);
    let kept = interrupt(&full, home.path());
    assert!(kept > 0);
    assert_eq!(fetch::kept_bytes(&full, home.path()), kept);

    // The mirror with the beginning comes first, wherever it stands.
    let full = mnist(&[&other, &server]);
    run(&full, home.path(), PATIENCE).unwrap();
    is_whole(home.path());
    assert_eq!(ranges(&server), [None, Some((kept, TAG.to_owned()))]);
    assert_eq!(fetch::kept_bytes(&full, home.path()), 0);
}

#[test]
fn the_rest_of_another_version_is_not_glued_on() {
    for looks_at_condition in [true, false] {
        let home = tempfile::tempdir().unwrap();
        let old: Vec<u8> = vec![7; 30_000];
        let first =
            Server::new(move |request| Reply::part(request, &old, "\"v0\"").stalled(10_000));
        interrupt(&mnist(&[&first]), home.path());

        // The same address, but another version of the file.
        let port = first.address().to_owned();
        drop(first);
        let second = but_for_images(move |request, file| match &request.range {
            Some((from, _)) if !looks_at_condition => Reply::range(*from, file, TAG),
            _ => Reply::part(request, file, TAG),
        });
        rename_parts(home.path(), &port, second.address());
        run(&mnist(&[&second]), home.path(), PATIENCE).unwrap();
        is_whole(home.path());
        assert!(ranges(&second)[0].is_some(), "it was asked to go on");
    }
}

/// Makes what came from one address look as if it came from another.
fn rename_parts(folder: &Path, from: &str, to: &str) {
    let name = "train-images-idx3-ubyte.gz";
    let hash = |address: &str| {
        cre_lab::data::digest::sha256(format!("{address}{name}").as_bytes())[..8].to_owned()
    };
    let path =
        |address: &str, ending: &str| folder.join(format!("{name}.{}.{ending}", hash(address)));
    fs::rename(path(from, "part"), path(to, "part")).unwrap();
    let note = fs::read_to_string(path(from, "part.json")).unwrap();
    fs::remove_file(path(from, "part.json")).unwrap();
    fs::write(path(to, "part.json"), note.replace(from, to)).unwrap();
}

#[test]
fn a_server_that_knows_no_ranges_sends_it_all_again() {
    let home = tempfile::tempdir().unwrap();
    let server = but_for_images(|request, file| {
        let whole = Request::default();
        let reply = Reply::part(&whole, file, TAG);
        if request.range.is_none() {
            reply.stalled(15_000)
        } else {
            reply
        }
    });
    let full = mnist(&[&server]);
    let kept = interrupt(&full, home.path());
    run(&full, home.path(), PATIENCE).unwrap();
    is_whole(home.path());
    assert_eq!(ranges(&server), [None, Some((kept, TAG.to_owned()))]);
}

#[test]
fn a_file_that_is_unpacked_on_the_way_is_kept_plain() {
    let home = tempfile::tempdir().unwrap();
    let server = but_for_images(|_, file| Reply {
        headers: vec!["Content-Encoding: gzip".to_owned()],
        ..Reply::whole(file)
    });
    run(&mnist(&[&server]), home.path(), PATIENCE).unwrap();
    let (name, content) = &idx_files()[0];
    assert_eq!(&fs::read(home.path().join(name)).unwrap(), content);
    assert_eq!(names(home.path()).len(), 4);
}

#[test]
fn more_than_a_file_can_be_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let announced = but_for_images(|_, _| Reply::whole(&vec![0; 3 << 20]).cut(0));
    let endless = but_for_images(|_, _| Reply {
        // Without a length that counts, the body ends with the connection.
        headers: vec!["Content-Encoding: gzip".to_owned()],
        ..Reply::whole(&gzip(&vec![0; 3 << 20]))
    });
    for server in [announced, endless] {
        let message = run(&mnist(&[&server]), home.path(), PATIENCE)
            .unwrap_err()
            .to_string();
        assert!(message.contains(" offers more than 1."), "{message}");
        assert_eq!(names(home.path()), [""; 0]);
    }
}

/// A device that is always full takes the place of the file that is downloaded to.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_the_next_mirror_is_not_blamed() {
    let home = tempfile::tempdir().unwrap();
    let server = but_for_images(|request, file| {
        let reply = Reply::part(request, file, TAG);
        if request.range.is_none() {
            reply.stalled(15_000)
        } else {
            reply
        }
    });
    let other = Server::new(good);
    interrupt(&mnist(&[&server]), home.path());
    let name = names(home.path()).into_iter().find(|name| {
        name.rsplit_once('.')
            .is_some_and(|(_, ending)| ending == "part")
    });
    let part = home.path().join(name.unwrap());
    fs::remove_file(&part).unwrap();
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();

    let full = Server::new(good);
    rename_parts(home.path(), server.address(), full.address());
    let message = run(&mnist(&[&full, &other]), home.path(), PATIENCE)
        .unwrap_err()
        .to_string();
    assert!(message.contains("train-images-idx3-ubyte.gz."), "{message}");
    assert!(
        message.ends_with(" cannot be written: No space left on device (os error 28)"),
        "{message}"
    );
    assert_eq!(other.log(), []);
}

#[test]
fn a_stop_ends_the_wait_for_a_silent_mirror() {
    let home = tempfile::tempdir().unwrap();
    let server = but_for_images(|_, file| Reply::whole(file).stalled(1_000));
    let (stop, full) = (CancelToken::default(), mnist(&[&server]));
    let (heard, arrives) = mpsc::channel();
    let stopped = thread::scope(|scope| {
        let download = scope.spawn(|| {
            fetch::fetch(&full, home.path(), PATIENCE, &stop, &mut |progress| {
                if progress.received == 1_000 {
                    let _ = heard.send(());
                }
            })
        });
        arrives.recv().unwrap();
        // Somebody else has to wait until the first is done.
        let second = run(&full, home.path(), PATIENCE);
        assert!(
            matches!(second, Err(FetchError::Busy(BundledSet::Mnist))),
            "{second:?}"
        );
        stop.cancel();
        download.join().unwrap()
    });
    assert!(
        matches!(stopped, Err(FetchError::Cancelled { kept: 1_000 })),
        "{stopped:?}"
    );
}

#[test]
fn without_a_connection_the_message_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let gone = Server::new(good);
    let full = mnist(&[&gone]);
    let address = gone.address().to_owned();
    drop(gone);
    // The listener may take a moment to go.
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    while std::net::TcpStream::connect(host).is_ok() {
        thread::sleep(Duration::from_millis(10));
    }
    let message = run(&full, home.path(), PATIENCE).unwrap_err().to_string();
    assert!(
        message.starts_with("MNIST in full cannot be downloaded: 127.0.0.1:"),
        "{message}"
    );
    let advice = format!(
        "; connect to the internet and try again, or put its files into {}",
        home.path().display()
    );
    assert!(
        message.contains(" cannot be reached (") && message.ends_with(&advice),
        "{message}"
    );
}

/// An archive with these entries.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in entries {
        let mut header = tar::Header::new_gnu();
        // Set by hand: the library refuses names that lead out of the folder.
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
fn an_archive_gives_its_known_files_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("a/b");
    let files = cifar_files();
    let names_in: Vec<String> = files
        .iter()
        .map(|(name, _)| format!("cifar-10-batches-bin/{name}"))
        .collect();
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("../evil", b"out"),
        ("../../data_batch_9.bin", b"out"),
        ("cifar-10-batches-bin/._data_batch_1.bin", b"a fork"),
        ("cifar-10-batches-bin/readme.html", b"<html>"),
    ];
    let batches = names_in.iter().zip(&files);
    entries.extend(batches.map(|(name, (_, content))| (name.as_str(), content.as_slice())));
    // Only the first of a name counts.
    entries.push(("/tmp/data_batch_1.bin", b"another"));
    let whole = archive(&entries);
    let server = Server::new(move |request| Reply::part(request, &whole, TAG));
    let full = entry(BundledSet::Cifar10, &files, &[server.address()]);
    run(&full, &folder, PATIENCE).unwrap();
    let expected: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&folder), expected);
    for (name, content) in &files {
        assert_eq!(&fs::read(folder.join(name)).unwrap(), content);
    }
    assert_eq!(names(home.path()), ["a"], "nothing is written elsewhere");
    assert_eq!(names(&home.path().join("a")), ["b"]);
    let shelf = DatasetLocator::new(small_set::leak(vec![full]), vec![folder], None);
    let dataset = shelf.load(BundledSet::Cifar10).unwrap();
    assert_eq!([dataset.train.len(), dataset.test.len()], [10, 2]);
}

#[test]
fn what_a_killed_process_left_is_removed_after_a_day() {
    let home = tempfile::tempdir().unwrap();
    let left = |name: &str, hours: u64| {
        let file = fs::File::create(home.path().join(name)).unwrap();
        let then = SystemTime::now() - Duration::from_hours(hours);
        file.set_modified(then).unwrap();
    };
    left(".cre-lab-oldOne", 25);
    left(".cre-lab-newOne", 1);
    let server = Server::new(good);
    run(&mnist(&[&server]), home.path(), PATIENCE).unwrap();
    let found = names(home.path());
    assert!(!found.contains(&".cre-lab-oldOne".to_owned()), "{found:?}");
    assert!(found.contains(&".cre-lab-newOne".to_owned()), "{found:?}");
    assert_eq!(found.len(), 5);
}

#[test]
fn an_archive_that_lacks_or_changes_a_file_leaves_nothing_behind() {
    let files = cifar_files();
    let of = |change: &dyn Fn(usize, &mut Vec<u8>)| {
        let changed: Vec<(&str, Vec<u8>)> = files
            .iter()
            .enumerate()
            .map(|(place, (name, content))| {
                let mut content = content.clone();
                change(place, &mut content);
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
        let mut whole = of(&|_, _| {});
        let middle = whole.len() / 2;
        whole.truncate(middle);
        whole
    };
    for (whole, reason) in [
        (
            of(&|place, content| content.truncate(if place == 2 { 0 } else { content.len() })),
            "lacks data_batch_3.bin",
        ),
        (
            of(&|place, content| content[9] ^= u8::from(place == 5)),
            "test_batch.bin differs from the original",
        ),
        (
            of(&|_, content| content.push(0)),
            "data_batch_1.bin has more than the 6146 bytes",
        ),
        (b"no archive".to_vec(), "the archive"),
        (damaged, "cannot be read"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let server = Server::new(move |_| Reply::whole(&whole));
        let full = entry(BundledSet::Cifar10, &files, &[server.address()]);
        let message = run(&full, home.path(), PATIENCE).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
        assert_eq!(names(home.path()), [""; 0]);
    }
}
