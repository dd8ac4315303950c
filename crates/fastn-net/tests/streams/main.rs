//! Streams between two endpoints.

#[path = "../support/mod.rs"]
mod support;

mod acks;
mod ends;
mod listening;
mod transfer;

use std::{
    task::{Context, Waker},
    time::Duration,
};

use fastn_net::{Endpoint, Error, Limits, Protocol, Stream, wire::alpn::Alpn};
use support::{
    LATER, endpoint_with, open_at,
    raw::{Raw, RawStream},
    until, write_all,
};

/// A stream whose peer has read its header, stopped it, and says nothing.
async fn stopped_unacknowledged(limits: Limits) -> (Raw, Endpoint, Stream, iroh::endpoint::Connection, RawStream) {
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let endpoint = endpoint_with(limits).await;
    let address = raw.address();
    let acceptor = async {
        let connection = raw.accept().await;
        let mut other = RawStream::accept(&connection).await;
        other.hears(b"\"Tcp\"\n").await;
        other.recv.stop(0u8.into()).expect("stop");
        (connection, other)
    };
    let (opened, (connection, other)) = tokio::join!(open_at(&endpoint, &address, &Protocol::Tcp, LATER), acceptor);
    let mut stream = opened.expect("stream");
    let mut asked = Context::from_waker(Waker::noop());
    until("the stop has come", || stream.poll_write(&mut asked, b"x").is_pending()).await;
    (raw, endpoint, stream, connection, other)
}

async fn written_until_error(stream: &mut Stream) -> Error {
    loop {
        if let Err(error) = write_all(stream, b"x").await {
            return error;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
