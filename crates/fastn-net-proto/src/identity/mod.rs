//! Identity: a key pair, its text forms, and key storage.
//!
//! - `public_key`: [`PublicKey`], a peer's name
//! - `secret_key`: [`SecretKey`], which proves that name and stays secret
//! - `id52`: the text form that people see
//! - [`store`]: files and environment variables; the embedding program reads the system's keyring

mod id52;
mod public_key;
mod secret_key;
pub mod store;

pub use public_key::PublicKey;
pub use secret_key::SecretKey;
