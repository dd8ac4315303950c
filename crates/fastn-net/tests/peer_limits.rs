//! Limits of a server on the streams and connections of each peer, and of all peers.

mod support;

use std::time::Duration;

use fastn_net::{
    Code, Protocol, Rate,
    wire::{alpn::Alpn, codes::close as codes},
};
use futures_util::future::join_all;
use support::{
    ONCE, USUAL, close, echo, endpoint, endpoint_with, exchange, header, incoming, introduce, limits, open,
    raw::{Raw, RawStream, closed_with},
    soon, until,
};

#[tokio::test]
async fn the_open_streams_of_a_peer_are_bounded_across_its_connections() {
    let server = endpoint_with(limits().with_max_streams_per_peer(3).with_max_streams_total(4)).await;
    let listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connections = [raw.dial(&server, Alpn::FastnNet).await, raw.dial(&server, Alpn::Entity).await];
    let mut held = Vec::new();
    for connection in [&connections[0], &connections[1], &connections[0]] {
        let mut stream = RawStream::start(connection, b"\"Http\"\n").await;
        stream.hears(b"ack\n").await;
        held.push((stream, incoming(&listener).await));
    }
    for connection in &connections {
        RawStream::start(connection, b"\"Http\"\n").await.is_refused("too-many-streams").await;
        RawStream::start(connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    }
    let other = Raw::bind(&[]).await;
    let connection = other.dial(&server, Alpn::FastnNet).await;
    let mut fourth = RawStream::start(&connection, b"\"Http\"\n").await;
    fourth.hears(b"ack\n").await;
    RawStream::start(&connection, b"\"Http\"\n").await.is_refused("busy").await;
    held.pop();
    let mut again = RawStream::start(&connections[0], b"\"Http\"\n").await;
    again.hears(b"ack\n").await;
    raw.close().await;
    other.close().await;
    close(&[&server]).await;
}

#[tokio::test]
async fn the_stream_rate_of_a_peer_spans_its_connections() {
    let rate = Rate { per_second: 1, burst: 2 };
    let server = endpoint_with(limits().with_stream_rate(Some(rate))).await;
    let client = endpoint().await;
    introduce(&client, &server);
    let _served = echo(&server, &[Protocol::Http]);
    let mut errors = 0;
    for _ in 0..20 {
        match open(&client, &server, &Protocol::Http, USUAL).await {
            Ok(stream) => assert_eq!(exchange(stream, b"x").await.expect("echo"), b"x"),
            Err(error) => {
                assert_eq!(error.code(), Code::Busy, "{error}");
                errors += 1;
            }
        }
    }
    assert!(errors > 0, "20 streams at once where 2 are allowed");
    // A waiting stream gets its turn.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(open(&client, &server, &Protocol::Http, USUAL).await.is_ok());
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn an_excess_connection_fails_as_busy_and_not_as_unreachable() {
    let server = endpoint_with(limits().with_max_connections_per_peer(1)).await;
    let _served = echo(&server, &[Protocol::Http]);
    let raw = Raw::bind(&[]).await;
    let first = raw.dial(&server, Alpn::FastnNet).await;
    RawStream::start(&first, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    assert_eq!(closed_with(&raw.dial(&server, Alpn::FastnNet).await).await, codes::LIMIT);
    raw.close().await;

    // The error that a client of this library gets from that close.
    let client = endpoint().await;
    let peer = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let to = client.peer(&peer.address()).expect("peer");
    let refuse = async || peer.accept().await.close(u32::try_from(codes::LIMIT).expect("code").into(), b"full");
    let header = header(&Protocol::Http);
    let (opened, ()) = tokio::join!(soon(client.get_stream(&to, &header, ONCE)), refuse());
    assert_eq!(opened.expect_err("full").code(), Code::Busy);
    // It is retried, because no handler got the stream.
    let (opened, _held) = tokio::join!(soon(client.get_stream(&to, &header, USUAL)), async {
        refuse().await;
        let connection = peer.accept().await;
        let mut stream = RawStream::accept(&connection).await;
        stream.say(b"ack\n").await;
        (connection, stream)
    });
    assert!(opened.is_ok());
    peer.close().await;
    close(&[&client, &server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_of_one_peer_and_of_all_are_bounded() {
    let b = endpoint_with(limits().with_max_connections_per_peer(4).with_max_connections(6)).await;
    echo(&b, &[Protocol::Tcp]);
    let raw = Raw::bind(&[]).await;
    let connections = join_all((0..12).map(|_| raw.try_dial(&b, Alpn::FastnNet))).await;
    let connections: Vec<_> = connections.into_iter().flatten().collect();
    let live = || connections.iter().filter(|connection| connection.close_reason().is_none()).count();
    // Newer connections of one dialler replace older ones, and excess ones are closed.
    until("no more than allowed", || live() <= 4).await;
    let last = connections.iter().rev().find(|connection| connection.close_reason().is_none()).expect("one is live");
    RawStream::start(last, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    raw.close().await;

    let many = join_all((0..10).map(|_| Raw::bind(&[]))).await;
    let connections = join_all(many.iter().map(|raw| raw.try_dial(&b, Alpn::FastnNet))).await;
    let connections: Vec<_> = connections.into_iter().flatten().collect();
    until("no more than allowed", || connections.iter().filter(|c| c.close_reason().is_none()).count() <= 6).await;
    join_all(many.into_iter().map(Raw::close)).await;
    close(&[&b]).await;
}
