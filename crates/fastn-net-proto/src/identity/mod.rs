//! Who someone is: a key pair, its text forms, and where keys live.
//!
//! - `public_key`: [`PublicKey`], a peer's name
//! - `secret_key`: [`SecretKey`], which proves that name and is never shown
//! - `id52`: the text form that people see
//! - [`store`]: files and environment; the system's keyring is asked by whoever embeds this crate

mod id52;
mod public_key;
mod secret_key;
pub mod store;

pub use public_key::PublicKey;
pub use secret_key::SecretKey;
