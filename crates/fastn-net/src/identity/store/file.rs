//! Small files: one text each, read with tolerance, written once.

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::Path,
};

use super::failed;
use crate::error::{Error, Result};

/// What the file's text parses to, white space around it aside; `None` when there is no such file.
pub(super) fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    parse(text.trim()).map(Some).map_err(|error| {
        failed(format!(
            "{} does not hold what it should ({}): correct it, or move it away",
            path.display(),
            error.message()
        ))
        .with_source(error)
    })
}

/// The file's text; `None` when there is no such file.
pub(super) fn read_text(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

/// Makes a file that was not there, whole or not at all, for its owner only. `AlreadyExists` when it was there.
pub(super) fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Written under another name and then linked: nobody reads half a key, and a link, unlike a rename, replaces nothing.
    let draft = path.with_added_extension(format!("{:016x}", RandomState::new().hash_one(0)));
    let result = write_new(&draft, text).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => write_new(path, text), // a file system without links
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    result.and(removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = open_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    failed(format!("{} could not be read ({error}): is it a text file that this user may read?", path.display()))
        .with_source(error)
}
