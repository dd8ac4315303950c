//! Headers: whole, broken, slow, at their limits.

use std::time::Duration;

use super::goes_on;
use crate::support::{
    USUAL, close, generic, header, incoming, kulfi_endpoint, limits, open_at,
    raw::{Raw, RawStream, code},
    soon, until,
};
use fastn_net::{Code, OpenOptions, Protocol, wire::alpn::Alpn};
use futures_util::{FutureExt, future::join_all};

#[tokio::test]
async fn a_broken_header_ends_only_its_own_stream() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http], true).expect("listen");
    let too_long = format!("{{\"Generic\":\"{}\"}}\n", "x".repeat(64 * 1024 - 14 + 1));
    let endless = vec![b' '; 200_000];
    let broken: [(&[u8], &str); 10] = [
        (b"\n", "header-invalid"),
        (b"Http\n", "header-invalid"),
        (b"\"http\"\n", "header-invalid"),
        (b"{\"Generic\":\"Echo\"\n", "header-invalid"),
        (b"\"Http\" x\n", "header-invalid"),
        (b"{\"Generic\":\"\xff\"}\n", "header-invalid"),
        (b"\x00\n", "header-invalid"),
        (b"ack\n", "header-invalid"),
        (too_long.as_bytes(), "header-too-large"),
        (&endless, "header-too-large"),
    ];
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        for (header, word) in broken {
            RawStream::start(&connection, header).await.is_refused(word).await;
            goes_on(&connection, &listener).await;
        }
        let mut cut_short = RawStream::open(&connection).await;
        cut_short.end(b"\"Http\"").await;
        let line = cut_short.rest().await;
        assert!(line.starts_with(b"{\"error\":\"header-invalid\""), "{line:?}");
        goes_on(&connection, &listener).await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_header_at_the_limit_is_read() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[], true).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&endpoint, Alpn::Entity).await;
    let name = "x".repeat(64 * 1024 - 14);
    let header = format!("{{\"Generic\":\"{name}\"}}\n");
    assert_eq!(header.len() - 1, 64 * 1024);
    let mut other = RawStream::start(&connection, header.as_bytes()).await;
    other.hears(b"ack\n").await;
    assert_eq!(incoming(&listener).await.protocol, Some(generic(&name)));
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn headers_with_white_space_or_cut_into_bytes_are_read() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Tcp, generic("Echo")], false).expect("listen");
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let headers: [&[u8]; 4] = [
            b"\"Tcp\"\r\n",
            b" \t{ \"Tcp\" : null } \n",
            b"{\"Generic\":\"Echo\"}\r\n",
            b"{\"Generic\": \"Ech\\u006f\"}\n",
        ];
        for (at, header) in headers.into_iter().enumerate() {
            let mut other = RawStream::open(&connection).await;
            for byte in header {
                other.say(&[*byte]).await;
                tokio::task::yield_now().await;
            }
            other.hears(b"ack\n").await;
            assert_eq!(incoming(&listener).await.route, Some(at / 2));
        }
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

async fn silent_and_slow_headers(alpn: Alpn) {
    // Longer than the exchange beside them takes on a busy machine.
    let endpoint = kulfi_endpoint(limits().with_header_timeout(Duration::from_secs(3))).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&endpoint, alpn).await;
    // Opens implicitly with the next one, and never sends anything.
    let mut never_written = RawStream::open(&connection).await;
    let mut cut_short = RawStream::start(&connection, b"\"Ht").await;
    let mut slow = RawStream::start(&connection, b"{\"Generic\":\"").await;
    goes_on(&connection, &listener).await;
    assert!(cut_short.recv.read(&mut [0]).now_or_never().is_none(), "answered before its deadline");
    let drip = async {
        // Never complete, however fast: only the deadline ends it.
        while slow.send.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(drip).await;
    slow.is_refused("header-timeout").await;
    cut_short.is_refused("header-timeout").await;
    never_written.is_refused("header-timeout").await;
    goes_on(&connection, &listener).await;
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn silent_and_slow_headers_end_at_their_deadline_and_delay_no_other() {
    join_all(Alpn::ALL.into_iter().map(silent_and_slow_headers)).await;
}

#[tokio::test]
async fn a_stream_that_ends_before_its_header_is_complete_is_refused_at_once() {
    let endpoint = kulfi_endpoint(limits()).await;
    let _listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    let deaf = Raw::bind_deaf().await;
    let connection = deaf.dial(&endpoint, Alpn::FastnNet).await;
    let address = deaf.address();
    let peer = endpoint.peer(&address).expect("peer");
    until("it is connected", || peer.connection().is_some()).await;
    let ours = peer.connection().expect("connection");
    let (opened, _refused) = tokio::join!(open_at(&endpoint, &address, &Protocol::Http, USUAL), async {
        until("its header waits", || ours.active_count() == 1).await;
        // The peer has no byte of it, and learns of it from the end of a later stream.
        drop(ours.try_open(&header(&Protocol::Http), OpenOptions::default()).expect("connection").expect("stream"));
        let mut stream = RawStream::accept(&connection).await;
        stream.recv.stop(code(0)).expect("stop");
        stream.end(b"").await;
        stream
    });
    assert_eq!(opened.expect_err("refused").code(), Code::Refused);
    assert!(ours.is_live());
    deaf.close().await;
    close(&[&endpoint]).await;
}
