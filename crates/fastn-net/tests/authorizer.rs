//! Authorizers in Rust.

mod support;

use fastn_net::{
    AuthorizationRequest, Authorize, Authorizer, Code, Config, Endpoint, Protocol, SecretKey,
    wire::{alpn::Alpn, codes::close as codes},
};
use support::{
    USUAL, close, config, echo, endpoint, exchange, introduce, limits, open,
    raw::{Raw, RawStream, closed_with},
    soon, waits,
};

#[tokio::test]
async fn an_authorizer_in_rust_answers_for_peers_and_streams() {
    struct Only(fastn_net::PublicKey);
    impl Authorizer for Only {
        async fn authorize(&self, request: AuthorizationRequest) -> bool {
            tokio::task::yield_now().await;
            request.peer == self.0 && request.protocol != Some(Protocol::Http)
        }
    }
    let config =
        Config { authorize: Some(Authorize { peer: true, stream: true, ..Authorize::default() }), ..config(limits()) };
    let server = Endpoint::bind(SecretKey::generate(), config).await.expect("bind");
    let _served = echo(&server, &[Protocol::Tcp, Protocol::Http]);
    let client = endpoint().await;
    introduce(&client, &server);
    server.set_authorizer(Only(client.id())).expect("the first");
    let second = server.set_authorizer(async |_| true).expect_err("the second");
    assert_eq!(second.code(), Code::InvalidArgument);
    assert_eq!(server.authorization_requests().expect_err("has one").code(), Code::InvalidArgument);
    let stream = open(&client, &server, &Protocol::Tcp, USUAL).await.expect("admitted");
    assert_eq!(exchange(stream, b"hello").await.expect("echo"), b"hello");
    let refused = open(&client, &server, &Protocol::Http, USUAL).await.expect_err("denied");
    assert_eq!((refused.code(), refused.remote_code()), (Code::Unauthorized, Some("unauthorized")));
    let stranger = Raw::bind(&[]).await;
    assert_eq!(closed_with(&stranger.dial(&server, Alpn::FastnNet).await).await, codes::UNAUTHORIZED);
    let rejected = "fastn_net_connections_rejected_total{reason=\"unauthorized\"} 1\n";
    assert!(server.metrics().contains(rejected), "{}", server.metrics());
    let other = endpoint().await;
    introduce(&other, &server);
    let refused = open(&other, &server, &Protocol::Tcp, USUAL).await.expect_err("denied");
    assert_eq!(refused.code(), Code::Unauthorized);
    assert!(refused.message().ends_with(&format!("allow {}", other.id())), "names the key to allow: {refused}");
    stranger.close().await;
    close(&[&client, &other, &server]).await;
}

#[tokio::test]
async fn an_authorizer_needs_rules() {
    let endpoint = endpoint().await;
    assert_eq!(endpoint.set_authorizer(async |_| true).expect_err("no rules").code(), Code::InvalidArgument);
    assert_eq!(endpoint.authorization_requests().expect_err("no rules").code(), Code::InvalidArgument);
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_reset_stream_drops_the_authorizers_future() {
    let config = Config { authorize: Some(Authorize { stream: true, ..Authorize::default() }), ..config(limits()) };
    let server = Endpoint::bind(SecretKey::generate(), config).await.expect("bind");
    let _listener = server.listen(None, &[Protocol::Http], false).expect("listen");
    let (begun, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let authorizer = move |_| {
        let (running, dropped) = tokio::sync::oneshot::channel::<()>();
        let sent = begun.send(dropped).is_ok();
        async move {
            std::future::pending::<()>().await;
            drop(running);
            sent
        }
    };
    server.set_authorizer(authorizer).expect("the first");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&server, Alpn::FastnNet).await;
    let mut stream = RawStream::start(&connection, b"\"Http\"\n").await;
    let mut dropped = soon(requests.recv()).await.expect("a request");
    assert!(waits(&mut dropped).await);
    stream.send.reset(0u8.into()).expect("reset");
    soon(dropped).await.expect_err("dropped without an answer");
    raw.close().await;
    close(&[&server]).await;
}
