-- Runs that are done. A key is the SHA-256 of all that decides the outcome, `data` that of images and labels.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
    data TEXT NOT NULL CHECK (length(data) = 64),
    spec TEXT NOT NULL,                -- JSON
    lambda REAL NOT NULL,              -- as in spec, to the last bit
    learning_rate REAL NOT NULL,
    data_name TEXT NOT NULL,
    channels INTEGER NOT NULL,
    height INTEGER NOT NULL,
    width INTEGER NOT NULL,
    class_names TEXT NOT NULL,         -- JSON
    program TEXT NOT NULL,
    device TEXT NOT NULL,
    parameters INTEGER NOT NULL,
    latent_values INTEGER NOT NULL,
    mortal_units INTEGER NOT NULL,
    kept INTEGER NOT NULL,             -- which of its evaluations, from 0, in the order of epochs
    wall_seconds REAL NOT NULL,
    finished INTEGER NOT NULL          -- seconds since 1970-01-01 UTC
) STRICT;

CREATE INDEX runs_by_data ON runs (data);

-- Test metrics before training (epoch 0) and after every epoch.
CREATE TABLE evaluations (
    run INTEGER NOT NULL REFERENCES runs (id),
    epoch INTEGER NOT NULL,
    step INTEGER NOT NULL,
    lambda REAL NOT NULL,
    train_mse REAL,
    train_ce REAL,
    train_accuracy REAL,
    test_mse REAL NOT NULL,
    test_ce REAL NOT NULL,
    test_accuracy REAL NOT NULL,
    dead_units INTEGER NOT NULL,
    images_per_second REAL NOT NULL,
    PRIMARY KEY (run, epoch)
) STRICT, WITHOUT ROWID;

-- How the kept model sees its test images, deflated.
CREATE TABLE portraits (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    portrait BLOB NOT NULL
) STRICT;

-- Runs that would fail again.
CREATE TABLE failures (
    key TEXT NOT NULL PRIMARY KEY CHECK (length(key) = 64),
    data TEXT NOT NULL CHECK (length(data) = 64),
    spec TEXT NOT NULL,
    lambda REAL NOT NULL,
    learning_rate REAL NOT NULL,
    data_name TEXT NOT NULL,
    program TEXT NOT NULL,
    device TEXT NOT NULL,
    reason TEXT NOT NULL,
    finished INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
