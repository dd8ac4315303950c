//! Key storage, except for the keyring, which TypeScript reads.

use std::path::Path;

use fastn_net::{
    PublicKey, SecretKey,
    identity::store::{self, Environment as Variables, Found, Key},
};
use napi::{Env, bindgen_prelude::Uint8Array};
use napi_derive::napi;

use crate::bridge::Environment;

/// Environment variables with keys; null for one that is not set.
#[napi(object, use_nullable = true)]
#[allow(clippy::struct_field_names, reason = "the variables' own names")]
pub struct BindingKeyVariables {
    /// `FASTN_SECRET_KEY`.
    pub secret_key: Option<String>,
    /// `FASTN_SECRET_KEYS`.
    pub secret_keys: Option<String>,
    /// `FASTN_SECRET_KEYS_FILE`.
    pub secret_keys_file: Option<String>,
}

/// The key that was found. All fields are null if there is none.
#[napi(object, use_nullable = true)]
pub struct BindingFoundKey {
    /// The secret key, 32 bytes.
    pub secret: Option<Uint8Array>,
    /// The ID52 of a key with its secret in the keyring.
    pub in_keyring: Option<String>,
    /// Its place: a path, or the name of an environment variable. Empty if no key was found.
    pub place: String,
}

/// Looks for a key: by ID52 in the environment, else by name, else the one key of a program. Blocks on small files.
#[napi(catch_unwind)]
pub fn key_store_find(
    env: Env,
    folder: String,
    name: Option<String>,
    id52: Option<String>,
    variables: BindingKeyVariables,
) -> Option<BindingFoundKey> {
    let variables = Variables {
        secret_key: variables.secret_key,
        secret_keys: variables.secret_keys,
        secret_keys_file: variables.secret_keys_file,
    };
    let find = |_: &Environment| {
        let folder = Path::new(&folder);
        let found = match (id52, name) {
            (Some(id52), _) => store::find_id52(&PublicKey::parse(&id52)?, &variables)?,
            (None, Some(name)) => store::find_named(folder, &name, &variables)?,
            (None, None) => store::find_one(folder, &variables)?,
        };
        Ok(found.into())
    };
    Environment::with(&env, |e| e.value(find))
}

/// Stores a secret key in a new file and returns its path. Fails if the file exists.
#[napi(catch_unwind)]
pub fn key_store_save(env: Env, folder: String, name: Option<String>, secret: &[u8]) -> Option<String> {
    let save =
        |_: &Environment| store::save_secret(Path::new(&folder), name.as_deref(), &SecretKey::from_bytes(secret)?);
    Environment::with(&env, |e| e.value(save)).map(|path| path.display().to_string())
}

/// Stores the ID52 of a key in the keyring in a new file and returns its path. Fails if the file exists.
#[napi(catch_unwind)]
pub fn key_store_save_public(env: Env, folder: String, name: Option<String>, public: &[u8]) -> Option<String> {
    let save =
        |_: &Environment| store::save_public(Path::new(&folder), name.as_deref(), &PublicKey::from_bytes(public)?);
    Environment::with(&env, |e| e.value(save)).map(|path| path.display().to_string())
}

/// Reads the key in this file, or saves the given one in it if it does not exist. Returns the key of the file. Blocks on small
/// files.
#[napi(catch_unwind)]
pub fn key_store_file(env: Env, path: String, secret: &[u8]) -> Option<Uint8Array> {
    let path = Path::new(&path);
    let read_or_create = |_: &Environment| {
        let bytes = |key: SecretKey| key.to_bytes().to_vec().into();
        if let Some(found) = store::read_file(path)? {
            return Ok(bytes(found));
        }
        let secret = SecretKey::from_bytes(secret)?;
        match store::save_file(path, &secret) {
            Ok(()) => Ok(bytes(secret)),
            // Another program may have saved its key in the meantime.
            Err(error) => store::read_file(path)?.map(bytes).ok_or(error),
        }
    };
    Environment::with(&env, |e| e.value(read_or_create))
}

impl From<Option<Found>> for BindingFoundKey {
    fn from(found: Option<Found>) -> Self {
        let Some(Found { key, place }) = found else {
            return Self { secret: None, in_keyring: None, place: String::new() };
        };
        match key {
            Key::Secret(secret) => Self { secret: Some(secret.to_bytes().to_vec().into()), in_keyring: None, place },
            Key::InKeyring(public) => Self { secret: None, in_keyring: Some(public.to_string()), place },
        }
    }
}
