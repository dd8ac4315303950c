//! Repeated authorization of admitted peers and queued streams, and refusals from a queue.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use fastn_net::{
    AuthorizationRequest, Authorize, Code, Config, Endpoint, Listener, Protocol, SecretKey,
    wire::{alpn::Alpn, codes::close as codes},
};
use support::{
    GENEROUS, USUAL, close, config, endpoint, header, incoming, introduce, limits, open,
    raw::{Raw, RawStream},
    soon, until,
};

const RULES: Authorize =
    Authorize { peer: true, stream: true, timeout: GENEROUS, max_pending: 64, max_pending_per_peer: 16 };

/// Answers requests, and counts them.
#[derive(Default)]
struct Answers {
    refuses_peers: AtomicBool,
    refuses_streams: AtomicBool,
    peers: AtomicUsize,
    streams: AtomicUsize,
}

impl Answers {
    fn answer(&self, request: &AuthorizationRequest) -> bool {
        let (refuses, count) = match request.protocol {
            None => (&self.refuses_peers, &self.peers),
            Some(_) => (&self.refuses_streams, &self.streams),
        };
        count.fetch_add(1, Ordering::SeqCst);
        !refuses.load(Ordering::SeqCst)
    }

    fn asked(&self) -> (usize, usize) {
        (self.peers.load(Ordering::SeqCst), self.streams.load(Ordering::SeqCst))
    }
}

async fn asking(rules: Authorize) -> (Endpoint, Arc<Answers>) {
    let config = Config { authorize: Some(rules), ..config(limits()) };
    let endpoint = Endpoint::bind(SecretKey::generate(), config).await.expect("bind");
    let requests = endpoint.authorization_requests().expect("requests");
    let answers = Arc::new(Answers::default());
    let answering = answers.clone();
    tokio::spawn(async move {
        while let Ok(asked) = std::future::poll_fn(|cx| requests.poll_take(cx, 64)).await {
            for request in asked {
                requests.answer(request.number, answering.answer(&request));
            }
        }
    });
    (endpoint, answers)
}

fn is_empty(listener: &Listener) -> bool {
    listener.poll_accept(&mut Context::from_waker(Waker::noop()), 0).is_pending()
}

/// Waits until a stream is queued, without taking it.
async fn arrived(listener: &Listener) {
    while is_empty(listener) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn queued_streams_denied_on_reauthorization_reach_no_listener() {
    // The limit of pending requests is lower than the number of streams, so requests wait for slots.
    let (server, answers) = asking(Authorize { peer: false, max_pending: 4, max_pending_per_peer: 4, ..RULES }).await;
    let client = endpoint().await;
    introduce(&client, &server);
    let listener = server.listen(None, &[Protocol::Tcp], true).expect("listen");
    let mut held = Vec::new();
    for count in 0..150 {
        let protocol = if count % 2 == 0 { Protocol::Tcp } else { support::generic("Other") };
        held.push(open(&client, &server, &protocol, USUAL).await.expect("stream"));
    }
    assert_eq!(answers.asked(), (0, 150));
    let asked_again = server.reauthorize();
    assert!(is_empty(&listener), "no stream is handed out before it is authorized again");
    soon(asked_again).await;
    assert_eq!(answers.asked(), (0, 300));
    // The queue keeps its order.
    let taken = incoming(&listener).await;
    assert_eq!((taken.stream.id(), taken.route), (held[0].id(), Some(0)));
    let taken = incoming(&listener).await;
    assert_eq!((taken.stream.id(), taken.protocol), (held[1].id(), Some(support::generic("Other"))));
    answers.refuses_streams.store(true, Ordering::SeqCst);
    soon(server.reauthorize()).await;
    assert_eq!(answers.asked(), (0, 448));
    assert!(is_empty(&listener));
    let reset = support::read_to_end(&mut held[2]).await.expect_err("reset");
    assert_eq!((reset.code(), reset.error_code()), (Code::StreamReset, Some(0)));
    answers.refuses_streams.store(false, Ordering::SeqCst);
    // The permits of refused streams are free.
    for _ in 0..200 {
        held.push(open(&client, &server, &Protocol::Tcp, USUAL).await.expect("stream"));
    }
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_peer_denied_on_reauthorization_is_disconnected_and_its_queued_streams_reach_no_listener() {
    let (server, answers) = asking(Authorize { stream: false, ..RULES }).await;
    let listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        answers.refuses_peers.store(false, Ordering::SeqCst);
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&server, alpn).await;
        let mut stream = RawStream::start(&connection, b"\"Http\"\n").await;
        stream.hears(b"ack\n").await;
        soon(server.reauthorize()).await;
        assert!(!is_empty(&listener), "it is authorized again");
        answers.refuses_peers.store(true, Ordering::SeqCst);
        soon(server.reauthorize()).await;
        let iroh::endpoint::ConnectionError::ApplicationClosed(closed) = soon(connection.closed()).await else {
            panic!("it was not closed")
        };
        let expected = if alpn == Alpn::FastnNet { codes::UNAUTHORIZED } else { 0 };
        assert_eq!(u64::from(closed.error_code), expected);
        assert!(is_empty(&listener));
        raw.close().await;
    }
    close(&[&server]).await;
}

#[tokio::test]
async fn the_admitted_peer_of_a_dialled_connection_is_reauthorized() {
    let (ours, answers) = asking(Authorize { stream: false, ..RULES }).await;
    let listener = ours.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let peer = ours.peer(&raw.address()).expect("peer");
    let (guard, connection) = tokio::join!(soon(ours.connect(&peer, GENEROUS)), raw.accept());
    let guard = guard.expect("connection");
    answers.refuses_peers.store(true, Ordering::SeqCst);
    soon(ours.reauthorize()).await;
    assert_eq!(answers.asked(), (0, 0), "its peer has opened nothing");
    RawStream::start(&connection, b"\"Http\"\n").await.is_refused("unauthorized").await;
    assert!(guard.is_live());
    // An earlier denial is void too.
    answers.refuses_peers.store(false, Ordering::SeqCst);
    soon(ours.reauthorize()).await;
    let mut stream = RawStream::start(&connection, b"\"Http\"\n").await;
    stream.hears(b"ack\n").await;
    answers.refuses_peers.store(true, Ordering::SeqCst);
    soon(ours.reauthorize()).await;
    assert_eq!(soon(guard.closed()).await.code, codes::UNAUTHORIZED);
    assert!(is_empty(&listener));
    raw.close().await;
    close(&[&ours]).await;
}

#[tokio::test]
async fn answers_to_earlier_requests_are_void() {
    let config = Config { authorize: Some(Authorize { peer: false, ..RULES }), ..config(limits()) };
    let server = Endpoint::bind(SecretKey::generate(), config).await.expect("bind");
    let requests = server.authorization_requests().expect("requests");
    let asked = async || soon(std::future::poll_fn(|cx| requests.poll_take(cx, 1))).await.expect("open").remove(0);
    let listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&server, Alpn::FastnNet).await;
    let mut stream = RawStream::start(&connection, b"\"Http\"\n").await;
    let before = asked().await;
    soon(server.reauthorize()).await;
    requests.answer(before.number, true);
    let again = asked().await;
    assert!(is_empty(&listener));
    requests.answer(again.number, false);
    stream.is_refused("unauthorized").await;
    raw.close().await;
    close(&[&server]).await;
}

#[tokio::test]
async fn without_authorization_requests_reauthorizing_asks_nothing() {
    let server = endpoint().await;
    soon(server.reauthorize()).await;
    close(&[&server]).await;
}

#[tokio::test]
async fn a_dropped_listener_refuses_queued_streams_and_resets_acknowledged_ones() {
    let server = endpoint().await;
    let _other = server.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&server, alpn).await;
        let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
        let mut acknowledged = RawStream::start(&connection, b"\"Tcp\"\n").await;
        acknowledged.hears(b"ack\n").await;
        until("it waits", || !is_empty(&listener)).await;
        let taken = incoming(&listener).await;
        listener.put_back(vec![taken]);
        drop(listener);
        assert_eq!(acknowledged.hears_reset().await, 0);
        assert_eq!(acknowledged.is_stopped().await, 0);
        // Older peers are acknowledged at once; ours, with their first bytes in the header's packet, with the answer or a while later.
        let mut refused = alpn == Alpn::Entity;
        for _ in 0..50 {
            if refused {
                break;
            }
            let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
            let mut stream = RawStream::start(&connection, b"\"Tcp\"\nhello").await;
            soon(arrived(&listener)).await;
            drop(listener);
            // A reset: the ack went before the listener did.
            let Ok(line) = soon(stream.recv.read_to_end(1024)).await else { continue };
            assert!(
                line.starts_with(b"{\"error\":\"unsupported\",\"message\":\""),
                "{}",
                String::from_utf8_lossy(&line)
            );
            assert_eq!(stream.is_stopped().await, 0);
            refused = true;
        }
        assert!(refused, "no refusal in 50 tries");
        raw.close().await;
    }
    close(&[&server]).await;
}

#[tokio::test]
async fn a_dialler_learns_that_the_listener_ended() {
    let server = endpoint().await;
    let client = endpoint().await;
    introduce(&client, &server);
    let _other = server.listen(None, &[Protocol::Http], false).expect("listen");
    let peer = client.peer(&server.address()).expect("peer");
    let first_bytes = [header(&Protocol::Tcp).as_slice(), b"extra\n"].concat();
    for _ in 0..50 {
        let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
        let opening = client.get_stream(&peer, &first_bytes, USUAL.with_extra(true));
        let (opened, ()) = tokio::join!(soon(opening), async {
            soon(arrived(&listener)).await;
            drop(listener);
        });
        match opened {
            Err(error) if error.code() == Code::ProtocolUnsupported => {
                assert_eq!(error.remote_code(), Some("unsupported"));
                close(&[&client, &server]).await;
                return;
            }
            // The ack went before the listener did.
            Ok(_) => {}
            Err(error) => assert_eq!(error.code(), Code::StreamReset, "{error}"),
        }
    }
    panic!("no refusal in 50 tries");
}

#[tokio::test]
async fn streams_that_were_put_back_are_handed_out_again_in_order() {
    let (client, server) = support::pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut opened = Vec::new();
    for _ in 0..5 {
        opened.push(open(&client, &server, &Protocol::Tcp, USUAL).await.expect("stream"));
    }
    let Poll::Ready(Ok(taken)) = listener.poll_accept(&mut Context::from_waker(Waker::noop()), 3) else {
        panic!("five wait")
    };
    listener.put_back(taken);
    for stream in &opened {
        assert_eq!(incoming(&listener).await.stream.id(), stream.id());
    }
    close(&[&client, &server]).await;
}
