//! A stream: header, extra line, ack, payload.

use std::time::Duration;

use super::goes_on;
use crate::support::{
    USUAL, close, incoming, kulfi_endpoint, limits, open_at, pattern,
    raw::{Raw, RawStream},
    read_exact, read_to_end, soon, write_all,
};
use fastn_net::{Code, Protocol, wire::alpn::Alpn};

#[tokio::test]
async fn a_stream_is_acknowledged_and_carries_bytes_both_ways() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        goes_on(&raw.dial(&endpoint, alpn).await, &listener).await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn our_streams_have_the_header_the_extra_line_and_the_payload() {
    let endpoint = kulfi_endpoint(limits()).await;
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let peer = endpoint.peer(&raw.address()).expect("peer");
        let header = fastn_net::wire::header::encode(&Protocol::HttpProxy, Some(b"{\"extra\":1}")).expect("header");
        let options = USUAL.with_extra(true);
        let mut getting = Box::pin(endpoint.get_stream(&peer, &header, options));
        let (connection, mut other) = tokio::select! {
            _ = &mut getting => panic!("a stream without an ack"),
            accepted = async {
                let connection = raw.accept().await;
                let mut other = RawStream::accept(&connection).await;
                other.hears(b"\"HttpProxy\"\n{\"extra\":1}\n").await;
                (connection, other)
            } => accepted,
        };
        assert_eq!(connection.alpn(), alpn.as_bytes());
        other.say(b"ack\nanswer").await;
        let mut stream = soon(getting).await.expect("stream");
        write_all(&mut stream, b"payload").await.expect("write");
        stream.finish();
        other.hears_last(b"payload").await;
        assert_eq!(read_exact(&mut stream, 6).await.expect("answer"), b"answer");
        other.end(b"").await;
        assert_eq!(read_to_end(&mut stream).await.expect("end"), b"");
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn the_ack_does_not_wait_for_the_extra_line() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::HttpProxy], false).expect("listen");
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut other = RawStream::start(&connection, b"\"HttpProxy\"\n").await;
        other.hears(b"ack\n").await;
        other.end(b"{\"extra\":1}\nbody").await;
        let mut stream = incoming(&listener).await.stream;
        assert_eq!(read_to_end(&mut stream).await.expect("rest"), b"{\"extra\":1}\nbody");
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn the_ack_for_an_older_peer_does_not_wait_for_the_listener() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::HttpProxy], false).expect("listen");
    for alpn in [Alpn::Entity, Alpn::Kulfi] {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut other = RawStream::start(&connection, b"\"HttpProxy\"\n{\"extra\":1}\n").await;
        let mut stream = incoming(&listener).await.stream;
        other.hears(b"ack\n").await;
        other.end(b"body").await;
        assert_eq!(read_to_end(&mut stream).await.expect("rest"), b"{\"extra\":1}\nbody");
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn payload_may_come_with_the_header() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Tcp], false).expect("listen");
    let payload = pattern(100_000);
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut other = RawStream::open(&connection).await;
        other.end(&[b"\"Tcp\"\n", &payload[..]].concat()).await;
        other.hears(b"ack\n").await;
        let mut stream = incoming(&listener).await.stream;
        assert_eq!(read_to_end(&mut stream).await.expect("payload"), payload);
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_peer_that_blocks_its_ack_holds_no_queue_permit() {
    let header_timeout = Duration::from_secs(1);
    let few =
        limits().with_header_timeout(header_timeout).with_max_queued_streams(2).with_max_queued_streams_per_peer(2);
    let endpoint = kulfi_endpoint(few).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in Alpn::ALL {
        let (deaf, raw) = (Raw::bind_deaf().await, Raw::bind(&[]).await);
        let held = deaf.dial(&endpoint, alpn).await;
        let mut unanswered = Vec::new();
        for header in ["\"Http\"\n", "\"Http\"\n", "\"Ping\"\n", "nothing\n"] {
            unanswered.push(RawStream::start(&held, header.as_bytes()).await);
        }
        goes_on(&raw.dial(&endpoint, alpn).await, &listener).await;
        for stream in &mut unanswered {
            assert_eq!(stream.hears_reset().await, 0);
        }
        deaf.close().await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn no_acknowledgement_in_time_is_an_error_that_ends_the_stream() {
    let endpoint = kulfi_endpoint(limits().with_ack_timeout(Duration::from_millis(300))).await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let answer = async {
        let connection = raw.accept().await;
        let mut other = RawStream::accept(&connection).await;
        other.hears(b"\"Http\"\n").await;
        assert_eq!(other.hears_reset().await, 0);
        connection
    };
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&endpoint, &address, &Protocol::Http, USUAL), answer);
    assert_eq!(opened.expect_err("no ack").code(), Code::AckTimeout);
    // The connection continues.
    RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    raw.close().await;
    close(&[&endpoint]).await;
}
