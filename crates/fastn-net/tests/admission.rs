//! Limits of a server on peers that it has not admitted yet: handshakes, streams without a header, denied peers. Known peers pass, and
//! rejected peers get errors.

mod support;

use std::{
    collections::{HashMap, HashSet},
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use fastn_net::{
    Code, Endpoint, Protocol,
    wire::{alpn::Alpn, codes::close as codes},
};
use futures_util::future::join_all;
use iroh::endpoint::ConnectionError;
use support::{
    GENEROUS, ONCE, USUAL, close, echo, endpoint, endpoint_with, exchange, header, incoming, introduce, limits, open,
    open_at, pair,
    raw::{Frozen, Raw, RawStream},
    read_to_end, soon, until, write_all,
};

/// Limit of one peer's streams in negotiation.
const NEGOTIATIONS: usize = 1024;

/// Handshakes in flight of unproven addresses.
const UNVALIDATED: usize = 64;

/// The first packets of this many handshakes. None continues.
async fn first_packets(endpoint: &Endpoint, count: usize) -> Vec<Vec<u8>> {
    let sink = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("socket");
    let at = sink.local_addr().expect("address");
    let raw = Arc::new(Raw::bind(&[]).await);
    let id = endpoint.id();
    let dial = |_| {
        let raw = raw.clone();
        tokio::spawn(async move { raw.dial_at(id, at, Alpn::FastnNet).await })
    };
    let dials: Vec<_> = (0..count).map(dial).collect();
    let (mut seen, mut packets) = (HashSet::new(), Vec::new());
    let mut packet = vec![0; 2048];
    while packets.len() < count {
        let length = soon(sink.recv(&mut packet)).await.expect("packet");
        // An Initial packet of QUIC version 1 (RFC 9000, 17.2.2).
        if packet[0] & 0xf0 == 0xc0 && length >= 1200 && seen.insert(ids(&packet).0.to_vec()) {
            packets.push(packet[..length].to_vec());
        }
    }
    dials.iter().for_each(tokio::task::JoinHandle::abort);
    join_all(dials).await;
    let Ok(raw) = Arc::try_unwrap(raw) else { panic!("the dials have ended") };
    // Not closed: closing waits for the handshakes.
    drop(raw);
    packets
}

/// The destination's and the source's connection id of a packet with a long header (RFC 9000, 17.2).
fn ids(packet: &[u8]) -> (&[u8], &[u8]) {
    let (destination, rest) = packet[6..].split_at(packet[5].into());
    (destination, &rest[1..=rest[0].into()])
}

/// Sends the packets, and counts those that are answered with a Retry packet (RFC 9000, 17.2.5). Sends a packet again while it has no
/// answer, because a busy machine drops some.
fn retries(to: SocketAddr, packets: &[Vec<u8>]) -> usize {
    const AT_ONCE: usize = 16;
    const ATTEMPTS: usize = 10;
    let socket = UdpSocket::bind("127.0.0.1:0").expect("socket");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("socket");
    let (mut retries, mut answer) = (0, [0; 2048]);
    for packets in packets.chunks(AT_ONCE) {
        let mut unanswered: HashMap<&[u8], &[u8]> = packets.iter().map(|packet| (ids(packet).1, &packet[..])).collect();
        for _ in 0..ATTEMPTS {
            for packet in unanswered.values() {
                socket.send_to(packet, to).expect("send");
            }
            while !unanswered.is_empty()
                && let Ok(count) = socket.recv(&mut answer)
            {
                let is_first = answer[0] & 0x80 != 0 && unanswered.remove(ids(&answer[..count]).0).is_some();
                retries += usize::from(is_first && answer[0] & 0xf0 == 0xf0);
            }
        }
        assert!(unanswered.is_empty(), "{} packets are not answered", unanswered.len());
    }
    retries
}

async fn closed_with(connection: &iroh::endpoint::Connection) -> u64 {
    match soon(connection.closed()).await {
        ConnectionError::ApplicationClosed(close) => close.error_code.into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_handshakes_lock_out_neither_known_nor_new_peers() {
    for connections in [3, limits().max_connections] {
        let server = endpoint_with(limits().with_max_connections(connections)).await;
        let _served = echo(&server, &[Protocol::Http]);
        let known = endpoint().await;
        introduce(&known, &server);
        let stream = open(&known, &server, &Protocol::Http, USUAL).await.expect("stream");
        let packets = first_packets(&server, 300).await;
        let to = server.address().addresses[0];
        let retries = tokio::task::spawn_blocking(move || retries(to, &packets)).await.expect("thread");
        assert!(retries >= 300 - UNVALIDATED - 20, "only {retries} of 300 had to prove their address");

        let began = Instant::now();
        assert_eq!(exchange(stream, b"known").await.expect("echo"), b"known");
        let lost = known.peer(&server.address()).expect("peer").connection().expect("connection");
        lost.close(0, "");
        let again = open(&known, &server, &Protocol::Http, USUAL).await.expect("reconnected");
        assert_eq!(exchange(again, b"again").await.expect("echo"), b"again");
        let new = endpoint().await;
        introduce(&new, &server);
        let stream = open(&new, &server, &Protocol::Http, USUAL).await.expect("a new peer");
        assert_eq!(exchange(stream, b"new").await.expect("echo"), b"new");
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        close(&[&known, &new, &server]).await;
    }
}

#[tokio::test]
async fn full_and_draining_endpoints_reject_with_their_own_codes() {
    let server = endpoint_with(limits().with_max_connections(1)).await;
    let _served = echo(&server, &[Protocol::Http]);
    let (first, second) = (endpoint().await, endpoint().await);
    introduce(&first, &server);
    introduce(&second, &server);
    open(&first, &server, &Protocol::Http, USUAL).await.expect("stream");
    let full = open(&second, &server, &Protocol::Http, ONCE).await.expect_err("full");
    assert_eq!(full.code(), Code::Busy, "{full}");
    server.drain();
    for client in [&first, &second] {
        let drains = open(client, &server, &Protocol::Http, ONCE).await.expect_err("drains");
        assert_eq!(drains.code(), Code::ShuttingDown, "{drains}");
    }
    let raw = Raw::bind(&[]).await;
    for (alpn, code) in [(Alpn::FastnNet, codes::SHUTDOWN), (Alpn::Entity, 0)] {
        assert_eq!(closed_with(&raw.dial(&server, alpn).await).await, code);
    }
    raw.close().await;
    close(&[&first, &second, &server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_waits_for_an_acknowledgement_rejects_with_the_shutdown_code() {
    let server = endpoint().await;
    let _served = echo(&server, &[Protocol::Http]);
    let (silent, frozen) = Frozen::start(Alpn::FastnNet, b"\"Tcp\"\n").await;
    let mut stream = open_at(&server, &silent.address, &Protocol::Tcp, USUAL).await.expect("stream");
    write_all(&mut stream, b"freeze").await.expect("write");
    soon(frozen).await.expect("frozen");
    let client = endpoint().await;
    introduce(&client, &server);
    write_all(&mut stream, b"last").await.expect("write");
    stream.finish();
    let closing = tokio::spawn({
        let server = server.clone();
        async move { server.close(GENEROUS).await }
    });
    until("it closes", || server.peers().is_empty()).await;
    let refused = open(&client, &server, &Protocol::Http, ONCE).await.expect_err("closing");
    assert_eq!(refused.code(), Code::ShuttingDown, "{refused}");
    silent.thaw().await;
    soon(closing).await.expect("closed");
    close(&[&client]).await;
}

#[tokio::test]
async fn streams_without_a_header_are_bounded_per_peer_across_connections() {
    let server = endpoint().await;
    let _served = echo(&server, &[Protocol::Http]);
    let raw = Raw::bind(&[]).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let connection = raw.dial(&server, Alpn::FastnNet).await;
        let mut streams = Vec::new();
        for _ in 0..1000 {
            streams.push(RawStream::open(&connection).await);
        }
        // Also opens those before it, and needs no wait itself.
        RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
        held.push((connection, streams));
    }
    for stream in &mut held[1].1[NEGOTIATIONS - 1000 + 1..NEGOTIATIONS - 1000 + 20] {
        stream.is_refused("too-many-streams").await;
    }
    let mut whole = RawStream::start(&held[1].0, b"\"Http\"\n").await;
    whole.hears(b"ack\n").await;
    let other = Raw::bind(&[]).await;
    let connection = other.dial(&server, Alpn::FastnNet).await;
    let mut slow = RawStream::start(&connection, b"\"Ht").await;
    RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    slow.say(b"tp\"\n").await;
    slow.hears(b"ack\n").await;
    raw.close().await;
    other.close().await;
    close(&[&server]).await;
}

#[tokio::test]
async fn complete_headers_are_bounded_while_their_streams_wait_for_a_permit() {
    const HEADER: usize = 1000;
    const ROOM: usize = 20;
    let receive_window_per_peer = (ROOM * HEADER) as u64;
    let server =
        endpoint_with(limits().with_max_queued_streams(1).with_receive_window_per_peer(receive_window_per_peer)).await;
    let listener = server.listen(None, &[], true).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&server, Alpn::FastnNet).await;
    let header = format!("{{\"Generic\":\"{}\"}}\n", "x".repeat(HEADER - 15));
    assert_eq!(header.len(), HEADER);
    let mut placed = RawStream::start(&connection, header.as_bytes()).await;
    placed.hears(b"ack\n").await;
    let mut waiting = Vec::new();
    for _ in 0..ROOM {
        waiting.push(RawStream::start(&connection, header.as_bytes()).await);
        // Each header arrives completely before the next one starts.
        RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    }
    RawStream::start(&connection, header.as_bytes()).await.is_refused("too-many-streams").await;
    // Each served stream releases its bytes.
    let _served = incoming(&listener).await;
    waiting[0].hears(b"ack\n").await;
    let mut next = RawStream::start(&connection, header.as_bytes()).await;
    for stream in &mut waiting[1..] {
        incoming(&listener).await;
        stream.hears(b"ack\n").await;
    }
    incoming(&listener).await;
    next.hears(b"ack\n").await;
    raw.close().await;
    close(&[&server]).await;
}

#[tokio::test]
async fn queued_streams_of_a_denied_peer_reach_no_listener() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    let mut queued = Vec::new();
    for _ in 0..100 {
        let mut stream = open(&client, &server, &Protocol::Http, USUAL).await.expect("stream");
        write_all(&mut stream, b"whole").await.expect("write");
        stream.finish();
        queued.push(stream);
    }
    let inbound = server.listen_connections().expect("inbound");
    until("all wait", || server.queued() == 100).await;
    server.change_access(|lists| lists.deny(client.id()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(listener.poll_accept(&mut cx, 100).is_pending(), "a denied peer is served");
    assert!(inbound.poll_accept(&mut cx).is_pending());
    let refused = read_to_end(&mut queued[0]).await.expect_err("denied");
    assert_eq!(refused.code(), Code::Unauthorized, "{refused}");
    // Its slots are free again, and other peers are served.
    server.change_access(|lists| lists.allow(client.id()));
    let other = endpoint().await;
    introduce(&other, &server);
    open(&other, &server, &Protocol::Http, USUAL).await.expect("stream");
    assert_eq!(incoming(&listener).await.stream.connection().remote(), other.id());
    close(&[&client, &other, &server]).await;
}

#[tokio::test]
async fn remembered_peers_are_bounded_and_those_in_use_are_kept() {
    let server = endpoint_with(limits().with_max_connections(2)).await;
    let _served = echo(&server, &[Protocol::Http]);
    let friend = Raw::bind(&[]).await;
    let connection = friend.dial(&server, Alpn::FastnNet).await;
    RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    for _ in 0..20 {
        let raw = Raw::bind(&[]).await;
        let stranger = raw.dial(&server, Alpn::FastnNet).await;
        RawStream::start(&stranger, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
        let id = raw.id();
        raw.close().await;
        let gone = || server.peers().iter().all(|peer| peer.id != id || peer.connections.is_empty());
        until("its connection has ended", gone).await;
        assert!(server.peers().len() <= 2, "{} peers are remembered", server.peers().len());
    }
    RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    assert!(server.peers().iter().any(|peer| peer.id == friend.id()));
    friend.close().await;
    close(&[&server]).await;
}

#[tokio::test]
async fn listening_on_one_connection_admits_no_other_peer() {
    let server = endpoint().await;
    let friend = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let peer = server.peer(&friend.address()).expect("peer");
    let (guard, connection) = tokio::join!(soon(server.connect(&peer, GENEROUS)), friend.accept());
    let guard = guard.expect("connection");
    let listener = server.listen(Some(guard.id()), &[Protocol::Http], false).expect("listen");
    let mut stream = RawStream::start(&connection, &header(&Protocol::Http)).await;
    stream.hears(b"ack\n").await;
    incoming(&listener).await;
    let stranger = Raw::bind(&[]).await;
    assert!(stranger.try_dial(&server, Alpn::FastnNet).await.is_none(), "a stranger is let in");
    stranger.close().await;
    friend.close().await;
    close(&[&server]).await;
}
