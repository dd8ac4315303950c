//! Connections that are replaced, and their streams.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use fastn_net::{
    Endpoint, Protocol, SecretKey,
    wire::{
        alpn::Alpn,
        codes::{close as codes, reset},
    },
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use iroh::endpoint::{Connection, ConnectionError};

use super::{
    ask, at, quick,
    support::{
        GENEROUS, USUAL, close, echo, endpoint, endpoint_with, open_at,
        raw::{Raw, RawStream, code},
        soon, until,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_refused_before_a_stream_was_accepted_is_dialled_again() {
    let a = endpoint_with(quick()).await;
    for promise in codes::PROMISES {
        let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
        let address = raw.address();
        // Side by side, because a connection that is replaced at once brings no stream.
        let seen = AtomicUsize::new(0);
        let serve = |connection: Connection| {
            let seen = &seen;
            async move {
                let (send, recv) = connection.accept_bi().await.ok()?;
                let mut stream = RawStream { send, recv };
                stream.hears(b"\"Tcp\"\n").await;
                if seen.fetch_add(1, Ordering::Relaxed) < 3 {
                    connection.close(code(u32::try_from(promise).expect("small")), b"");
                    return None;
                }
                stream.say(b"ack\n").await;
                Some(connection)
            }
        };
        let peer = async {
            let mut serving = FuturesUnordered::new();
            let mut accepting = pin!(raw.accept());
            loop {
                tokio::select! {
                    connection = &mut accepting => {
                        serving.push(serve(connection));
                        accepting.set(raw.accept());
                    }
                    Some(Some(connection)) = serving.next() => return connection,
                }
            }
        };
        let (opened, connection) = tokio::join!(open_at(&a, &address, &Protocol::Tcp, USUAL), peer);
        opened.expect("a stream at last");
        drop(connection);
        raw.close().await;
    }
    close(&[&a]).await;
}

/// A handler that fails before the ack of its stream is sent resets the stream. If the close of a replaced connection overtook the
/// reset, the peer would open the stream again, and a second handler would get it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_arrives_before_the_close_of_a_replaced_connection() {
    for _ in 0..10 {
        let a = endpoint().await;
        let listener = a.listen(None, &[Protocol::Tcp], false).expect("listen");
        // The connection that the smaller key dialled wins.
        let raw = loop {
            let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
            if raw.id() < a.id() {
                break raw;
            }
            raw.close().await;
        };
        let peer = a.peer(&raw.address()).expect("peer");
        let (guard, theirs) = tokio::join!(soon(a.connect(&peer, GENEROUS)), raw.accept());
        let mut stream = RawStream::start(&theirs, b"\"Tcp\"\nhello").await;
        let mut incoming = soon(listener.accept()).await.expect("stream");
        drop(guard);
        let _newer = raw.dial(&a, Alpn::FastnNet).await;
        let mut challenge = RawStream::accept(&theirs).await;
        challenge.hears(b"\"Ping\"\n").await;
        challenge.end(b"ack\npong\n").await;
        until("the newer one wins", || peer.connection().is_some_and(|connection| !connection.is_dialled())).await;
        tokio::spawn(async move { incoming.stream.abandon(reset::HANDLER_FAILED) });
        assert_eq!(stream.hears_reset().await, reset::HANDLER_FAILED);
        let ConnectionError::ApplicationClosed(told) = soon(theirs.closed()).await else { panic!("not closed") };
        assert_eq!(u64::from(told.error_code), codes::SUPERSEDED);
        raw.close().await;
        close(&[&a]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_endpoints_with_one_key_lose_no_stream() {
    let a = endpoint_with(quick()).await;
    echo(&a, &[Protocol::Tcp]);
    let secret = SecretKey::generate();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (one, other) = (at(&secret, any).await, at(&secret, any).await);
    let asking = async |from: &Endpoint| {
        echo(from, &[Protocol::Tcp]);
        let peer = from.peer(&a.address()).expect("peer");
        for _ in 0..100 {
            ask(from, &peer).await;
        }
    };
    tokio::join!(asking(&one), asking(&other));
    let peer = a.peer(&one.address()).expect("peer");
    ask(&a, &peer).await;
    close(&[&one, &other, &a]).await;
}
