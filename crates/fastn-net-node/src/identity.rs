//! Keys and tickets as bytes and text. Stateless.

use fastn_net::{PeerAddress, Protocol, PublicKey, SecretKey};
use napi::{Env, bindgen_prelude::Uint8Array};
use napi_derive::napi;

use crate::{bridge::Environment, peer::BindingPeer};

/// A new secret key, 32 bytes.
#[napi(catch_unwind)]
#[must_use]
pub fn secret_key_generate() -> Uint8Array {
    SecretKey::generate().to_bytes().to_vec().into()
}

/// A secret key from 64 hex digits, 32 bytes.
#[napi(catch_unwind)]
pub fn secret_key_parse(env: Env, text: String) -> Option<Uint8Array> {
    let parse = |_: &Environment| Ok(SecretKey::from_hex(&text)?.to_bytes().to_vec().into());
    Environment::with(&env, |e| e.value(parse))
}

/// The public key of a secret key, 32 bytes; null for an invalid key.
#[napi(catch_unwind)]
pub fn secret_key_public(env: Env, secret: &[u8]) -> Option<Uint8Array> {
    let public = |_: &Environment| Ok(SecretKey::from_bytes(secret)?.public().as_bytes().to_vec().into());
    Environment::with(&env, |e| e.value(public))
}

/// A signature, 64 bytes.
#[napi(catch_unwind)]
pub fn secret_key_sign(env: Env, secret: &[u8], message: &[u8]) -> Option<Uint8Array> {
    let sign = |_: &Environment| Ok(SecretKey::from_bytes(secret)?.sign(message).to_vec().into());
    Environment::with(&env, |e| e.value(sign))
}

/// A public key from ID52, hex or z-base-32, 32 bytes.
#[napi(catch_unwind)]
pub fn public_key_parse(env: Env, text: String) -> Option<Uint8Array> {
    let parse = |_: &Environment| Ok(PublicKey::parse(&text)?.as_bytes().to_vec().into());
    Environment::with(&env, |e| e.value(parse))
}

/// Whether the bytes are a public key.
#[napi(catch_unwind)]
#[must_use]
pub fn public_key_check(bytes: &[u8]) -> bool {
    PublicKey::from_bytes(bytes).is_ok()
}

/// A public key as ID52.
#[napi(catch_unwind)]
pub fn public_key_id52(env: Env, bytes: &[u8]) -> Option<String> {
    Environment::with(&env, |e| e.value(|_| Ok(PublicKey::from_bytes(bytes)?.to_string())))
}

/// Whether the signature is valid for this message and key.
#[napi(catch_unwind)]
#[must_use]
pub fn public_key_verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    PublicKey::from_bytes(public).is_ok_and(|public| public.verify(message, signature))
}

/// A peer from its ticket, iroh's `endpoint…` form.
#[napi(catch_unwind)]
pub fn ticket_parse(env: Env, text: String) -> Option<BindingPeer> {
    Environment::with(&env, |e| e.value(|_| Ok((&PeerAddress::from_ticket(&text)?).into())))
}

/// A protocol's canonical text, as a header carries it, without the newline.
#[napi(catch_unwind)]
pub fn protocol_header(env: Env, json: String) -> Option<String> {
    let header = |_: &Environment| Ok(Protocol::from_json(json.as_bytes())?.to_json());
    Environment::with(&env, |e| e.value(header))
}
