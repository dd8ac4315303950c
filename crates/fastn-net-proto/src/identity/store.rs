//! Key storage shared with the Rust programs: files and environment variables.
//!
//! - the one key of a program: `FASTN_SECRET_KEY` (hex), else the file `.fastn.secret-key`, else `.fastn.id52`
//! - named keys in a folder: `{name}.private-key` (hex) or `{name}.id52`, never both
//! - one key in any file: [`read_file`], [`save_file`]
//! - several keys in the environment: `FASTN_SECRET_KEYS`, or the file that `FASTN_SECRET_KEYS_FILE` names
//!
//! An `.id52` file means that the secret is in the system's keyring. The embedding program reads the keyring: service `fastn`,
//! account the ID52. The entry is 64 hex digits as its password, or 32 bytes as its secret.
//!
//! These functions block on the file system, for a few regular files of at most 64 KiB each. Any other file type or size is
//! `ERR_KEY_STORE`, and so is a link to a missing file. A byte order mark at the start of a file is skipped.

mod environment;
mod file;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use environment::Environment;

use super::{PublicKey, SecretKey};
use crate::error::{Code, Error, Result};

/// A key that was found, and its place.
#[derive(Clone, Debug)]
pub struct Found {
    /// The secret, or the public key to look up in the keyring.
    pub key: Key,
    /// For messages: a path, or the name of an environment variable.
    pub place: String,
}

/// Result of a key look-up.
#[derive(Clone, Debug)]
pub enum Key {
    /// The secret itself.
    Secret(SecretKey),
    /// The secret of this public key is in the system's keyring.
    InKeyring(PublicKey),
}

/// Looks for the one key of a program: in `FASTN_SECRET_KEY`, then in `.fastn.secret-key` and `.fastn.id52` in `folder`. For an `.id52`
/// file, searches the environment's several keys before it names the keyring.
///
/// # Errors
///
/// `ERR_KEY_STORE` when a place holds no valid key, or the two files hold different keys.
pub fn find_one(folder: &Path, environment: &Environment) -> Result<Option<Found>> {
    if let Some(found) = environment.one()? {
        return Ok(Some(found));
    }
    let files = Files::of_one(folder);
    let secret = files.read_secret()?;
    let public = files.read_public()?;
    if let (Some(secret), Some(public)) = (&secret, &public)
        && secret.public() != *public
    {
        return Err(failed(format!(
            "{} and {} are of different keys: remove the one that is not meant",
            files.secret.display(),
            files.public.display()
        )));
    }
    files.found(secret, public, environment)
}

/// Looks for a named key: first in the environment's several keys, in the line with exactly the prefix `name`. Then in
/// `{name}.private-key` or `{name}.id52` in `folder`. For an `.id52` file, searches the environment's several keys before it names the
/// keyring.
///
/// # Errors
///
/// `ERR_INVALID_ARGUMENT` when `name` is not a plain file name. A plain file name has no `/`, `\`, `:` or control character and no
/// white space around it, and is not empty, `.` or `..`. `ERR_KEY_STORE` when both files exist, or when one holds no
/// valid key.
pub fn find_named(folder: &Path, name: &str, environment: &Environment) -> Result<Option<Found>> {
    let files = Files::of_name(folder, name)?;
    if let Some(found) = environment.named(name)? {
        return Ok(Some(found));
    }
    let secret = files.read_secret()?;
    let public = files.read_public()?;
    if secret.is_some() && public.is_some() {
        return Err(failed(format!(
            "{} and {} are both there, and only one may be: remove one",
            files.secret.display(),
            files.public.display()
        )));
    }
    files.found(secret, public, environment)
}

/// Looks for the secret of a public key in the environment's several keys: in the line with a prefix of its ID52.
///
/// # Errors
///
/// `ERR_KEY_STORE` when that line holds another key, when several lines match, or when the lines cannot be read.
pub fn find_id52(public: &PublicKey, environment: &Environment) -> Result<Option<Found>> {
    environment.of(public)
}

/// Writes the secret to `.fastn.secret-key`, or to `{name}.private-key`, in `folder`, which is created if it does not exist. The file is
/// readable by its owner only (mode 0600), and is created atomically.
///
/// # Errors
///
/// `ERR_INVALID_ARGUMENT` when `name` is not a plain file name. `ERR_KEY_STORE` when a key exists, which is never overwritten, or the
/// file cannot be written.
pub fn save_secret(folder: &Path, name: Option<&str>, secret: &SecretKey) -> Result<PathBuf> {
    let files = Files::of(folder, name)?;
    // No line end: the Rust programs do not trim it everywhere.
    files.create(&files.secret, &secret.to_hex())
}

/// Writes the ID52 of a key with its secret in the system's keyring, to `.fastn.id52` or `{name}.id52`. Otherwise the same as
/// [`save_secret`].
///
/// # Errors
///
/// As [`save_secret`].
pub fn save_public(folder: &Path, name: Option<&str>, public: &PublicKey) -> Result<PathBuf> {
    let files = Files::of(folder, name)?;
    files.create(&files.public, &public.to_string())
}

/// Reads the secret key in this file, 64 hex digits. `None` if there is no such file.
///
/// # Errors
///
/// `ERR_KEY_STORE` when the file holds no key.
pub fn read_file(path: &Path) -> Result<Option<SecretKey>> {
    file::read(path, SecretKey::from_hex)
}

/// Writes the secret to this file, like [`save_secret`], but creates no folder: a mistyped path must not create folders.
///
/// # Errors
///
/// `ERR_KEY_STORE` when the file exists, which is never overwritten, its folder does not exist, or it cannot be written.
pub fn save_file(path: &Path, secret: &SecretKey) -> Result<()> {
    file::create(path, &secret.to_hex()).map_err(|error| unwritten(path, error))
}

/// The two files that can hold one key.
struct Files {
    secret: PathBuf,
    public: PathBuf,
}

impl Files {
    fn of(folder: &Path, name: Option<&str>) -> Result<Self> {
        name.map_or_else(|| Ok(Self::of_one(folder)), |name| Self::of_name(folder, name))
    }

    fn of_one(folder: &Path) -> Self {
        Self { secret: folder.join(".fastn.secret-key"), public: folder.join(".fastn.id52") }
    }

    fn of_name(folder: &Path, name: &str) -> Result<Self> {
        // A name comes from configuration and must not lead out of the folder.
        let is_separator = |character: char| matches!(character, '/' | '\\' | ':') || character.is_control();
        if matches!(name, "" | "." | "..") || name.trim() != name || name.contains(is_separator) {
            return Err(Error::new(
                Code::InvalidArgument,
                format!(
                    "{name:?} cannot be the name of a key: give a plain file name without / \\ : and control characters, \
                     without white space around it, and not . or .."
                ),
            ));
        }
        let file = |ending: &str| folder.join(format!("{name}.{ending}"));
        Ok(Self { secret: file("private-key"), public: file("id52") })
    }

    fn read_secret(&self) -> Result<Option<SecretKey>> {
        file::read(&self.secret, SecretKey::from_hex)
    }

    fn read_public(&self) -> Result<Option<PublicKey>> {
        file::read(&self.public, PublicKey::parse)
    }

    fn found(
        &self,
        secret: Option<SecretKey>,
        public: Option<PublicKey>,
        environment: &Environment,
    ) -> Result<Option<Found>> {
        if let Some(secret) = secret {
            return Ok(Some(Found { key: Key::Secret(secret), place: self.secret.display().to_string() }));
        }
        let Some(public) = public else { return Ok(None) };
        let in_keyring = Found { key: Key::InKeyring(public), place: self.public.display().to_string() };
        Ok(Some(environment.of(&public)?.unwrap_or(in_keyring)))
    }

    fn create(&self, path: &Path, text: &str) -> Result<PathBuf> {
        for existing in [&self.secret, &self.public] {
            if existing.symlink_metadata().is_ok() {
                return Err(file::dangling_link(existing).map_or_else(|| exists(existing), failed));
            }
        }
        file::create_with_folder(path, text).map_err(|error| unwritten(path, error))?;
        Ok(path.to_owned())
    }
}

fn unwritten(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => {
            failed(format!("{} could not be written ({error}): choose a folder that can be written to", path.display()))
                .with_source(error)
        }
    }
}

fn exists(path: &Path) -> Error {
    failed(format!(
        "{} is there already and a key is never overwritten: use it, move it away or choose another name",
        path.display()
    ))
}

fn failed(what: impl Into<String>) -> Error {
    Error::new(Code::KeyStore, what)
}

#[cfg(test)]
mod tests;
