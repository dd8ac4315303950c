//! Pings, both ways.

use std::time::Duration;

use super::goes_on;
use crate::support::{
    GENEROUS, close, kulfi_endpoint, limits,
    raw::{Raw, RawStream},
    soon,
};
use fastn_net::{Code, Protocol, wire::alpn::Alpn};
use futures_util::FutureExt;

#[tokio::test]
async fn a_ping_is_answered_with_fin_at_once() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut ping = RawStream::start(&connection, b"\"Ping\"\n").await;
        ping.hears_last(b"ack\npong\n").await;
        ping.end(b"").await;
        goes_on(&connection, &listener).await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_ping_is_answered_on_a_connection_that_we_dialled() {
    let endpoint = kulfi_endpoint(limits()).await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let (guard, connection) = tokio::join!(soon(endpoint.connect(&peer, GENEROUS)), raw.accept());
    RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    RawStream::start(&connection, b"\"Http\"\n").await.is_refused("unsupported").await;
    // And served, once there is a listener.
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    goes_on(&connection, &listener).await;
    drop(guard);
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn our_ping_is_exact_and_keeps_its_half_open() {
    let endpoint = kulfi_endpoint(limits()).await;
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let peer = endpoint.peer(&raw.address()).expect("peer");
        let answer = async {
            let connection = raw.accept().await;
            let mut other = RawStream::accept(&connection).await;
            other.hears(b"\"Ping\"\n").await;
            other.say(b"ack\n").await;
            if alpn == Alpn::FastnNet {
                // A round trip later it is still open.
                RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
            }
            assert!(other.recv.read(&mut [0]).now_or_never().is_none(), "our side ended before the answer");
            other.end(b"pong\n").await;
            other.hears_last(b"").await;
            connection
        };
        let (pinged, _connection) = tokio::join!(soon(endpoint.ping(&peer, GENEROUS)), answer);
        assert!(pinged.expect("pong") > Duration::ZERO);
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_ping_that_is_answered_wrongly_or_not_at_all_fails() {
    let endpoint = kulfi_endpoint(limits().with_ping_timeout(Duration::from_secs(2))).await;
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let (guard, connection) = tokio::join!(soon(endpoint.connect(&peer, GENEROUS)), raw.accept());
    let _guard = guard.expect("connection");
    for (answer, expected) in [
        (Some(&b"ack\npang\n"[..]), Code::Ping),
        (Some(b"ack\npong\npong\n"), Code::Ping),
        (Some(b"ack\n"), Code::Ping),
        (None, Code::Ping),
        // Last, because an older peer accepts no stream after it.
        (Some(b"no\n"), Code::Refused),
    ] {
        let reply = async {
            let mut other = RawStream::accept(&connection).await;
            if let Some(answer) = answer {
                other.end(answer).await;
            }
            other
        };
        let (pinged, _other) = tokio::join!(soon(endpoint.ping(&peer, GENEROUS)), reply);
        assert_eq!(pinged.expect_err("a wrong answer").code(), expected, "{answer:?}");
    }
    raw.close().await;
    close(&[&endpoint]).await;
}
