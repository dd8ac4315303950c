//! Access lists, authorization requests, and stream limits.

mod support;

use std::{collections::HashSet, time::Duration};

use fastn_net::{
    AccessLists, AuthorizationRequest, AuthorizationRequests, Authorize, Code, Config, Endpoint, Protocol, SecretKey,
    wire::{alpn::Alpn, codes::close as codes},
};
use support::{
    GENEROUS, LATER, ONCE, USUAL, close, config, echo, endpoint, exchange, generic, header, incoming, introduce,
    limits, open, pair,
    raw::{Raw, RawStream, closed_with},
    read_to_end, soon, stream, until, waits, write_all,
};

const RULES: Authorize =
    Authorize { peer: true, stream: true, timeout: GENEROUS, max_pending: 64, max_pending_per_peer: 16 };
const PEERS: Authorize = Authorize { stream: false, ..RULES };
const STREAMS: Authorize = Authorize { peer: false, ..RULES };

async fn asking(rules: Authorize) -> (Endpoint, AuthorizationRequests) {
    let config = Config { authorize: Some(rules), ..config(limits()) };
    let endpoint = Endpoint::bind(SecretKey::generate(), config).await.expect("bind");
    let requests = endpoint.authorization_requests().expect("requests");
    (endpoint, requests)
}

async fn listed(access: AccessLists) -> Endpoint {
    Endpoint::bind(SecretKey::generate(), Config { access, ..config(limits()) }).await.expect("bind")
}

async fn asked(requests: &AuthorizationRequests) -> AuthorizationRequest {
    soon(std::future::poll_fn(|cx| requests.poll_take(cx, 1))).await.expect("open").remove(0)
}

#[tokio::test]
async fn a_peer_that_is_not_allowed_gets_unauthorized_from_every_call() {
    let server = listed(AccessLists { allow: Some(HashSet::new()), deny: HashSet::new() }).await;
    let _served = echo(&server, &[Protocol::Http]);
    let client = endpoint().await;
    introduce(&client, &server);
    let peer = client.peer(&server.address()).expect("peer");
    for options in [USUAL, ONCE] {
        let refused = open(&client, &server, &Protocol::Http, options).await.expect_err("refused");
        assert_eq!(refused.code(), Code::Unauthorized, "{refused}");
    }
    let refused = match open(&client, &server, &Protocol::Http, LATER).await {
        Ok(mut stream) => read_to_end(&mut stream).await.expect_err("refused"),
        Err(refused) => refused,
    };
    assert_eq!(refused.code(), Code::Unauthorized, "{refused}");
    assert_eq!(soon(client.ping(&peer, GENEROUS)).await.expect_err("refused").code(), Code::Unauthorized);
    if let Ok(guard) = soon(client.connect(&peer, GENEROUS)).await {
        assert_eq!(soon(guard.closed()).await.code, codes::UNAUTHORIZED);
        let header = header(&Protocol::Http);
        let refused = soon(client.open_bi(&guard, &header, USUAL)).await.expect_err("refused");
        assert_eq!(refused.code(), Code::Unauthorized);
    }
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_raw_peer_sees_the_code_and_an_older_one_sees_0() {
    let server = endpoint().await;
    let _served = echo(&server, &[Protocol::Http]);
    for (alpn, code) in [(Alpn::FastnNet, codes::UNAUTHORIZED), (Alpn::Entity, 0)] {
        let raw = Raw::bind(&[]).await;
        server.change_access(|lists| lists.deny(raw.id()));
        assert_eq!(closed_with(&raw.dial(&server, alpn).await).await, code);
        raw.close().await;
    }
    close(&[&server]).await;
}

#[tokio::test]
async fn a_denied_peer_is_disconnected_until_it_is_allowed() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    let (mut ours, _theirs) = stream(&client, &server, &Protocol::Http, &listener).await;
    server.change_access(|lists| lists.deny(client.id()));
    let lost = read_to_end(&mut ours).await.expect_err("lost");
    assert_eq!((lost.code(), lost.error_code()), (Code::Unauthorized, Some(codes::UNAUTHORIZED)));
    let refused = open(&client, &server, &Protocol::Http, USUAL).await.expect_err("denied");
    assert_eq!(refused.code(), Code::Unauthorized);
    server.change_access(|lists| lists.allow(client.id()));
    stream(&client, &server, &Protocol::Http, &listener).await;
    assert_eq!(server.access(), AccessLists::default());
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_dialled_peer_that_had_no_access_keeps_its_connection_until_it_is_denied() {
    let client = listed(AccessLists { allow: Some(HashSet::new()), deny: HashSet::new() }).await;
    let server = endpoint().await;
    introduce(&client, &server);
    let listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    let (mut ours, mut theirs) = stream(&client, &server, &Protocol::Http, &listener).await;
    let friend = SecretKey::generate().public();
    client.change_access(|lists| lists.allow = Some(HashSet::from([friend])));
    client.change_access(|lists| lists.deny(friend));
    write_all(&mut ours, b"still here").await.expect("write");
    ours.finish();
    assert_eq!(read_to_end(&mut theirs).await.expect("read"), b"still here");
    let (_ours, mut theirs) = stream(&client, &server, &Protocol::Http, &listener).await;
    client.change_access(|lists| lists.deny(server.id()));
    let lost = read_to_end(&mut theirs).await.expect_err("lost");
    assert_eq!(lost.code(), Code::Unauthorized);
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn nothing_is_answered_before_the_peer_is_admitted() {
    let (server, requests) = asking(PEERS).await;
    let listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&server, alpn).await;
        let mut ping = RawStream::start(&connection, b"\"Ping\"\n").await;
        let mut http = RawStream::start(&connection, b"\"Http\"\n").await;
        let request = asked(&requests).await;
        assert_eq!((request.peer, request.protocol), (raw.id(), None));
        let mut early = Box::pin(async { ping.recv.read_chunk(1).await.map(|_| ()) });
        assert!(waits(&mut early).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(waits(&mut early).await, "answered before its peer was let in");
        drop(early);
        requests.answer(request.number, true);
        ping.hears_last(b"ack\npong\n").await;
        http.hears(b"ack\n").await;
        incoming(&listener).await;
        // One request per connection.
        RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
        raw.close().await;
    }
    close(&[&server]).await;
}

#[tokio::test]
async fn a_denial_and_a_missing_answer_close_the_connection() {
    // The timeout is short only in the case without an answer: a request that timed out is not sent again.
    for (answered, timeout) in [(true, GENEROUS), (false, Duration::from_millis(50))] {
        let (server, requests) = asking(Authorize { timeout, ..PEERS }).await;
        let _served = echo(&server, &[Protocol::Http]);
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&server, Alpn::FastnNet).await;
        if answered {
            requests.answer(asked(&requests).await.number, false);
        }
        assert_eq!(closed_with(&connection).await, codes::UNAUTHORIZED);
        drop(requests);
        let connection = raw.dial(&server, Alpn::FastnNet).await;
        assert_eq!(closed_with(&connection).await, codes::UNAUTHORIZED);
        raw.close().await;
        close(&[&server]).await;
    }
}

#[tokio::test]
async fn a_stream_is_authorized_when_it_is_served_and_delays_no_other() {
    let (server, requests) = asking(STREAMS).await;
    let client = endpoint().await;
    introduce(&client, &server);
    let _served = echo(&server, &[generic("slow"), generic("bad"), generic("good")]);
    let unserved = open(&client, &server, &Protocol::Tcp, USUAL).await.expect_err("unserved");
    assert_eq!(unserved.code(), Code::ProtocolUnsupported);
    let slow = tokio::spawn({
        let (client, server) = (client.clone(), server.clone());
        async move { open(&client, &server, &generic("slow"), USUAL).await }
    });
    let waiting = asked(&requests).await;
    assert_eq!((waiting.peer, waiting.protocol.clone()), (client.id(), Some(generic("slow"))));
    for (name, may) in [("bad", false), ("good", true)] {
        let answers = async {
            let request = asked(&requests).await;
            requests.answer(request.number, may);
        };
        let protocol = generic(name);
        let (opened, ()) = tokio::join!(open(&client, &server, &protocol, USUAL), answers);
        match opened {
            Ok(stream) => assert_eq!((may, exchange(stream, b"hello").await.expect("echo")), (true, b"hello".to_vec())),
            Err(error) => {
                assert_eq!((may, error.code(), error.remote_code()), (false, Code::Unauthorized, Some("unauthorized")));
            }
        }
    }
    assert!(!slow.is_finished());
    requests.answer(waiting.number, true);
    assert!(soon(slow).await.expect("join").is_ok());
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_reset_stream_withdraws_its_request() {
    let rules = Authorize { max_pending: 1, max_pending_per_peer: 1, ..STREAMS };
    let (server, requests) = asking(rules).await;
    let _listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&server, Alpn::FastnNet).await;
    let mut first = RawStream::start(&connection, b"\"Http\"\n").await;
    let request = asked(&requests).await;
    RawStream::start(&connection, b"\"Http\"\n").await.is_refused("busy").await;
    first.send.reset(0u8.into()).expect("reset");
    loop {
        // The one slot is taken until the reset has arrived.
        let mut second = RawStream::start(&connection, b"\"Http\"\n").await;
        let mut refused = Box::pin(async move { second.rest().await });
        let next = tokio::select! {
            next = asked(&requests) => next,
            line = &mut refused => {
                assert!(line.starts_with(b"{\"error\":\"busy\""), "{line:?}");
                continue;
            }
        };
        assert_ne!(next.number, request.number);
        requests.answer(request.number, true);
        requests.answer(next.number, false);
        let line = refused.await;
        assert!(line.starts_with(b"{\"error\":\"unauthorized\""), "{line:?}");
        break;
    }
    raw.close().await;
    close(&[&server]).await;
}

#[tokio::test]
async fn streams_on_a_dialled_connection_are_authorized_too() {
    let (ours, requests) = asking(RULES).await;
    let _served = echo(&ours, &[Protocol::Http]);
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let peer = ours.peer(&raw.address()).expect("peer");
    let (guard, connection) = tokio::join!(soon(ours.connect(&peer, GENEROUS)), raw.accept());
    let _guard = guard.expect("connection");
    // Pings on a dialled connection need no authorization: the peer knows that we exist.
    RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    let mut stream = RawStream::start(&connection, b"\"Http\"\n").await;
    let request = asked(&requests).await;
    assert_eq!((request.peer, request.protocol), (raw.id(), None));
    requests.answer(request.number, true);
    let request = asked(&requests).await;
    assert_eq!(request.protocol, Some(Protocol::Http));
    requests.answer(request.number, true);
    stream.hears(b"ack\n").await;
    let mut stream = RawStream::start(&connection, b"\"Http\"\n").await;
    let request = asked(&requests).await;
    assert_eq!(request.protocol, Some(Protocol::Http), "the peer is asked about once");
    requests.answer(request.number, false);
    stream.is_refused("unauthorized").await;
    ours.change_access(|lists| lists.deny(raw.id()));
    assert_eq!(closed_with(&connection).await, codes::UNAUTHORIZED);
    let (guard, connection) = tokio::join!(soon(ours.connect(&peer, GENEROUS)), raw.accept());
    let _guard = guard.expect("an endpoint may dial a peer that it denies");
    RawStream::start(&connection, b"\"Http\"\n").await.is_refused("unauthorized").await;
    raw.close().await;
    close(&[&ours]).await;
}

#[tokio::test]
async fn an_endpoint_that_closes_waits_for_no_answer() {
    let (server, requests) = asking(RULES).await;
    let _listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&server, Alpn::FastnNet).await;
    let request = asked(&requests).await;
    close(&[&server]).await;
    closed_with(&connection).await;
    requests.answer(request.number, true);
    until("the requests end", || {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        matches!(requests.poll_take(&mut cx, 1), std::task::Poll::Ready(Err(_)))
    })
    .await;
    raw.close().await;
}
