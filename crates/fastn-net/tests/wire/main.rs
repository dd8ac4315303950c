//! The bytes of docs/wire.md, exactly, against a peer without this library, on every ALPN.

#[path = "../support/mod.rs"]
mod support;

mod acks;
mod codes;
mod headers;
mod ping;

use iroh::endpoint::Connection;
use support::{incoming, raw::RawStream, read_to_end, write_all};

/// The connection still serves: one exchange of `"Http"`, which `served` takes.
async fn goes_on(connection: &Connection, listener: &fastn_net::Listener) {
    let mut raw = RawStream::start(connection, b"\"Http\"\n").await;
    raw.hears(b"ack\n").await;
    raw.end(b"request").await;
    let mut stream = incoming(listener).await.stream;
    assert_eq!(read_to_end(&mut stream).await.expect("request"), b"request");
    write_all(&mut stream, b"response").await.expect("write");
    stream.finish();
    raw.hears_last(b"response").await;
}
