//! Small text files: lenient reads, and writes that never overwrite.

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::{self, Read, Write},
    path::Path,
};

use super::failed;
use crate::error::{Error, Result};

/// Limit in bytes of a file that is read: keys and lines of keys are short.
const MAX_BYTES: u64 = 64 * 1024;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Parses the file's text, without surrounding white space. `None` when there is no such file.
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

/// The text of a regular file of at most 64 KiB, without a byte order mark; `None` when there is no such file. A link to a missing file
/// is an error. Blocks on the disk only.
pub(super) fn read_text(path: &Path) -> Result<Option<String>> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) => {
            if let Some(file) = no_folder(path) {
                return Err(failed(format!("{} is not a folder: give the folder of the key", file.display())));
            }
            if let Some(found) = dangling_link(path) {
                return Err(failed(found));
            }
            return if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(unreadable(path, error)) };
        }
    };
    let metadata = file.metadata().map_err(|error| unreadable(path, error))?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "not a regular file" };
        return Err(failed(format!("{} could not be read (it is {what}): a key is in a text file", path.display())));
    }
    let mut text = String::new();
    // One byte more than allowed: the file can grow, and some files do not report their size.
    if metadata.len() <= MAX_BYTES {
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| unreadable(path, error))?;
    }
    if metadata.len() > MAX_BYTES || text.len() as u64 > MAX_BYTES {
        return Err(failed(format!("{} is larger than 64 KiB: is it the right file?", path.display())));
    }
    // Some editors write it at the start of a file.
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(Some(text))
}

/// Opens a file for reading. Does not block on a FIFO without a writer, and does not acquire a controlling terminal.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path)
}

/// The nearest ancestor of the path that exists and is not a folder. Some systems report it like a missing file.
fn no_folder(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|folder| folder.metadata().is_ok_and(|metadata| !metadata.is_dir()))
}

/// Describes a link to a missing target: the path itself, or a part of it.
pub(super) fn dangling_link(path: &Path) -> Option<String> {
    path.ancestors().find_map(|part| {
        let target = part.read_link().ok()?;
        let is_missing = part.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        is_missing.then(|| {
            let (link, target) = (part.display(), target.display());
            format!("{link} is a link to {target}, which is not there: remove the link, or restore its target")
        })
    })
}

/// Creates a new file atomically, for its owner only. `AlreadyExists` when it exists, `NotFound` when its folder does not.
pub(super) fn create(path: &Path, text: &str) -> io::Result<()> {
    check_folder(path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        let missing = format!("the folder {} does not exist, and only the key file is made", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, missing));
    }
    write_whole(path, text)
}

/// Like [`create`], but also creates a missing folder.
pub(super) fn create_with_folder(path: &Path, text: &str) -> io::Result<()> {
    check_folder(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write_whole(path, text)
}

/// Fails when something other than a folder is at the place of the file's folder.
fn check_folder(path: &Path) -> io::Result<()> {
    // Checked first: creating the folder would fail with `AlreadyExists`, as if the key existed.
    if let Some(file) = no_folder(path) {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, format!("{} is not a folder", file.display())));
    }
    dangling_link(path).map_or(Ok(()), |found| Err(io::Error::new(io::ErrorKind::NotFound, found)))
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    // Written under another name and then linked: no reader sees half a key. A link, unlike a rename, replaces nothing.
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

#[cfg(test)]
mod tests;
