//! Older peers accept the streams of a connection one after another. After a stream that they refuse or ignore, they accept no more.

mod support;

use std::time::Duration;

use fastn_net::{Code, OpenOptions, Peer, Protocol, Stream, wire::alpn::Alpn};
use iroh::endpoint::{Connection, ConnectionError};
use support::{
    GENEROUS, LATER, USUAL, close, header, kulfi_endpoint, limits,
    raw::{Raw, RawStream},
    read_exact, read_to_end, read_until_error, soon, until, write_all,
};

/// How the peer ends its accept loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dislikes {
    /// It stays silent.
    Ignores,
    Refuses,
    Ends,
}

/// Long enough for an acknowledgement on a busy machine.
const PATIENCE: Duration = Duration::from_millis(1500);

async fn get(endpoint: &fastn_net::Endpoint, peer: &Peer, options: OpenOptions) -> fastn_net::Result<Stream> {
    soon(endpoint.get_stream(peer, &header(&Protocol::Tcp), options)).await
}

/// A stream to the raw peer, from both ends, acknowledged.
async fn stream(endpoint: &fastn_net::Endpoint, peer: &Peer, connection: &Connection) -> (Stream, RawStream) {
    let (ours, theirs) = tokio::join!(get(endpoint, peer, USUAL), async {
        let mut stream = RawStream::accept(connection).await;
        stream.hears(b"\"Tcp\"\n").await;
        stream.say(b"ack\n").await;
        stream
    });
    (ours.expect("stream"), theirs)
}

/// Opens a stream that the peer dislikes, as its dialler sees it.
async fn disliked(
    endpoint: &fastn_net::Endpoint,
    peer: &Peer,
    connection: &Connection,
    how: Dislikes,
    options: OpenOptions,
) -> RawStream {
    let opened = async {
        let mut stream = match get(endpoint, peer, options).await {
            Ok(stream) => stream,
            Err(error) => return error,
        };
        read_until_error(&mut stream).await.1
    };
    let (error, theirs) = tokio::join!(opened, async {
        let mut stream = RawStream::accept(connection).await;
        stream.hears(b"\"Tcp\"\n").await;
        match how {
            Dislikes::Ignores => {}
            Dislikes::Refuses => stream.end(b"no\n").await,
            Dislikes::Ends => stream.end(b"").await,
        }
        stream
    });
    let expected = if how == Dislikes::Ignores { Code::AckTimeout } else { Code::Refused };
    assert_eq!(error.code(), expected, "{how:?}: {error}");
    theirs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_refused_stream_the_next_one_uses_a_new_connection() {
    let endpoint = kulfi_endpoint(limits().with_ack_timeout(PATIENCE)).await;
    for alpn in [Alpn::Entity, Alpn::Kulfi] {
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let peer = endpoint.peer(&raw.address()).expect("peer");
        for how in [Dislikes::Ignores, Dislikes::Refuses, Dislikes::Ends] {
            for options in [USUAL, LATER] {
                let (guard, first) = tokio::join!(endpoint.connect(&peer, GENEROUS), raw.accept());
                drop(guard.expect("connection"));
                let (mut running, mut other) = stream(&endpoint, &peer, &first).await;
                let _disliked = disliked(&endpoint, &peer, &first, how, options).await;
                // The next stream uses the new connection at once.
                let (next, second) = tokio::join!(get(&endpoint, &peer, USUAL), async {
                    let connection = raw.accept().await;
                    let mut stream = RawStream::accept(&connection).await;
                    stream.say(b"ack\n").await;
                    stream.end(b"answer").await;
                    connection
                });
                assert_eq!(read_to_end(&mut next.expect("stream")).await.expect("answer"), b"answer");
                // Streams on the old connection continue. Then it is closed.
                assert!(first.close_reason().is_none(), "{how:?}");
                other.say(b"still there").await;
                assert_eq!(read_exact(&mut running, 11).await.expect("bytes"), b"still there");
                write_all(&mut running, b"and here").await.expect("write");
                running.finish();
                other.hears_last(b"and here").await;
                other.end(b"").await;
                assert_eq!(read_to_end(&mut running).await.expect("end"), b"");
                drop(running);
                let ConnectionError::ApplicationClosed(told) = soon(first.closed()).await else { panic!("not closed") };
                assert_eq!(u64::from(told.error_code), 0);
                until("the new one is left", || peer.connections().len() == 1).await;
                second.close(0u8.into(), b"");
                until("it is gone", || peer.connections().is_empty()).await;
            }
        }
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_limit_of_the_caller_retires_the_connection_too() {
    let endpoint = kulfi_endpoint(limits()).await;
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let (guard, first) = tokio::join!(endpoint.connect(&peer, GENEROUS), raw.accept());
    let guard = guard.expect("connection");
    let short = USUAL.with_timeout(PATIENCE);
    assert_eq!(get(&endpoint, &peer, short).await.expect_err("ignored").code(), Code::AckTimeout);
    // A holder of the connection cannot open a stream on it either.
    let error = soon(endpoint.open_bi(&guard, &header(&Protocol::Tcp), USUAL)).await.expect_err("stalled");
    assert_eq!(error.code(), Code::ConnectionLost, "{error}");
    let (next, second) = tokio::join!(endpoint.connect(&peer, GENEROUS), raw.accept());
    assert_ne!(next.expect("connection").id(), guard.id());
    drop(guard);
    soon(first.closed()).await;
    drop(second);
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_new_alpn_a_refused_stream_does_not_affect_the_next() {
    let endpoint = kulfi_endpoint(limits().with_ack_timeout(PATIENCE)).await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let (guard, connection) = tokio::join!(endpoint.connect(&peer, GENEROUS), raw.accept());
    drop(guard.expect("connection"));
    for how in [Dislikes::Ignores, Dislikes::Refuses, Dislikes::Ends] {
        for options in [USUAL, LATER] {
            let _disliked = disliked(&endpoint, &peer, &connection, how, options).await;
            stream(&endpoint, &peer, &connection).await;
        }
    }
    raw.close().await;
    close(&[&endpoint]).await;
}
