//! The tables of a results file, and migrations from older versions.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::StoreErrorKind;
use crate::fs::check_regular_or_missing;

/// Application id of the database: "CREL".
const APPLICATION: i64 = 0x4352_454c;

/// How long to wait for another process that writes to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);

/// The migration from each version to the next, the first from an empty file to version 1. A
/// released migration never changes: a new version is a new entry.
const MIGRATIONS: [&str; 1] = [include_str!("schema_1.sql")];

/// Opens a file and migrates it to the current version. An empty file is only given tables if
/// `create`, and a database of another program is not changed.
pub(super) fn connect(file: &Path, create: bool) -> Result<Connection, StoreErrorKind> {
    check_files(file)?;
    let file = &absolute(file);
    // Opening a database for writing can change it, since its log is written back.
    if let Err(kind @ (StoreErrorKind::Foreign | StoreErrorKind::Newer { .. })) = inspect(file) {
        return Err(kind);
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let mut connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    harden(&connection)?;
    if !create && version(&connection, newest_version())? == 0 {
        return Err(StoreErrorKind::Empty);
    }
    migrate(&mut connection, &MIGRATIONS)?;
    Ok(connection)
}

/// An absolute path, which `SQLite` does not mistake for a special name such as `:memory:`.
fn absolute(file: &Path) -> PathBuf {
    // Nor for a URI, without SQLITE_OPEN_URI.
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

fn newest_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Opens a file without changing it, and returns its version.
fn inspect(file: &Path) -> Result<(Connection, i64), StoreErrorKind> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    harden(&connection)?;
    let found = version(&connection, newest_version())?;
    Ok((connection, found))
}

/// Opens a file of the current version for reading only.
pub(super) fn connect_to_read(file: &Path) -> Result<Connection, StoreErrorKind> {
    check_files(file)?;
    let supported = newest_version();
    match inspect(&absolute(file))? {
        (connection, found) if found == supported => Ok(connection),
        (_, 0) => Err(StoreErrorKind::Empty),
        (_, found) => Err(StoreErrorKind::Older {
            version: found,
            supported,
        }),
    }
}

/// Refuses a database, or a file that `SQLite` keeps beside it, that is not a regular file: `SQLite` would
/// wait for a named pipe.
fn check_files(file: &Path) -> Result<(), StoreErrorKind> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        // What cannot be examined, `SQLite` cannot open either, and reports why.
        if let Err(error) = check_regular_or_missing(Path::new(&path))
            && error.kind() == io::ErrorKind::InvalidInput
        {
            return Err(StoreErrorKind::NoFile);
        }
    }
    Ok(())
}

/// Disables triggers, views and everything else that a file could execute.
fn harden(connection: &Connection) -> Result<(), rusqlite::Error> {
    for (switch, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(switch, on)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreErrorKind> {
    let supported = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if version(connection, supported)? < supported {
        // Write-ahead logging allows others to read during a commit.
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        // Another process may have migrated it first: only the lock is conclusive.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction, supported)?;
        for migration in migrations.iter().skip(found as usize) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", supported)?;
        transaction.commit()?;
    }
    // Commits are rare and small: they may wait for the disk.
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(())
}

/// The version of a file, 0 if it is empty.
fn version(connection: &Connection, supported: i64) -> Result<i64, StoreErrorKind> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, found) = (number("application_id")?, number("user_version")?);
    if application == APPLICATION && found > 0 {
        return if found > supported {
            Err(StoreErrorKind::Newer {
                version: found,
                supported,
            })
        } else {
            Ok(found)
        };
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && found == 0 && tables == 0 {
        Ok(0)
    } else {
        Err(StoreErrorKind::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results_file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.sqlite");
        (folder, file)
    }

    fn open(file: &Path) -> Connection {
        Connection::open(file).unwrap()
    }

    #[test]
    fn an_older_file_is_migrated_and_keeps_its_rows() {
        let (_folder, file) = results_file();
        let add = "INSERT INTO failures
                       (key, data, spec, lambda, learning_rate, data_name, program, device, reason, finished)
                   VALUES (printf('%064d', 1), printf('%064d', 2), '{}', 0, 1e-3, 'MNIST', 'cre-lab', 'CPU', 'why', 7)";
        let older = [
            "CREATE TABLE old (a INTEGER) STRICT; INSERT INTO old VALUES (5);",
            MIGRATIONS[0],
        ];
        migrate(&mut open(&file), &older[..1]).unwrap();
        let mut connection = open(&file);
        migrate(&mut connection, &older).unwrap();
        connection.execute(add, []).unwrap();
        migrate(&mut connection, &older).unwrap();
        let kept: i64 = connection
            .query_row("SELECT a + finished FROM old, failures", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(kept, 12);
        assert_eq!(version(&connection, 2).unwrap(), 2);
        let mode: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn a_failed_migration_does_not_change_the_file() {
        let (_folder, file) = results_file();
        let broken = [
            MIGRATIONS[0],
            "CREATE TABLE more (a INTEGER) STRICT; NONSENSE;",
        ];
        migrate(&mut open(&file), &broken[..1]).unwrap();
        let mut connection = open(&file);
        assert!(matches!(
            migrate(&mut connection, &broken),
            Err(StoreErrorKind::Sqlite(_))
        ));
        drop(connection);
        let connection = open(&file);
        assert_eq!(version(&connection, 1).unwrap(), 1);
        assert!(connection.prepare("SELECT a FROM more").is_err());
    }

    #[test]
    fn reading_does_not_change_the_file() {
        let (folder, file) = results_file();
        drop(connect(&file, true).unwrap());
        let before = std::fs::read(&file).unwrap();
        let reader = connect_to_read(&file).unwrap();
        assert!(reader.execute("DELETE FROM runs", []).is_err());
        // Another process may write meanwhile.
        let writer = connect(&file, false).unwrap();
        writer.pragma_update(None, "user_version", 1).unwrap();
        drop((reader, writer));
        assert_eq!(std::fs::read(&file).unwrap().len(), before.len());

        let empty = folder.path().join("empty.sqlite");
        std::fs::write(&empty, b"").unwrap();
        assert!(matches!(
            connect_to_read(&empty),
            Err(StoreErrorKind::Empty)
        ));
        assert!(matches!(connect(&empty, false), Err(StoreErrorKind::Empty)));
        assert!(connect_to_read(&folder.path().join("none")).is_err());
        assert_eq!(std::fs::read(&empty).unwrap(), b"");
    }

    #[test]
    fn newer_and_foreign_files_are_refused_unchanged() {
        let (folder, file) = results_file();
        drop(connect(&file, true).unwrap());
        open(&file).pragma_update(None, "user_version", 99).unwrap();
        let error = connect(&file, true).unwrap_err().to_string();
        assert_eq!(
            error,
            "has format 99; this version of the program supports formats up to 1"
        );

        let foreign = folder.path().join("foreign.sqlite");
        open(&foreign)
            .execute_batch("CREATE TABLE bookmarks (url TEXT)")
            .unwrap();
        let before = std::fs::read(&foreign).unwrap();
        assert!(matches!(
            connect(&foreign, true),
            Err(StoreErrorKind::Foreign)
        ));
        assert_eq!(std::fs::read(&foreign).unwrap(), before);

        let text = folder.path().join("text.sqlite");
        std::fs::write(
            &text,
            "This is not a database, but longer than a header. ".repeat(30),
        )
        .unwrap();
        assert!(matches!(
            connect(&text, true),
            Err(StoreErrorKind::Sqlite(_))
        ));
    }
}
