//! Which listener gets a stream.

mod support;

use fastn_net::{Code, Protocol};
use support::{USUAL, close, endpoint, generic, incoming, introduce, next_connection, open, pair};

#[tokio::test]
async fn one_protocol_has_one_listener() {
    let a = endpoint().await;
    let in_use = |result: fastn_net::Result<fastn_net::Listener>| {
        assert_eq!(result.expect_err("in use").code(), Code::ProtocolInUse);
    };
    let first = a.listen(None, &[Protocol::Tcp, generic("Echo")], true).expect("listen");
    in_use(a.listen(None, &[Protocol::Tcp], false));
    in_use(a.listen(None, &[Protocol::Http, generic("Echo")], false));
    in_use(a.listen(None, &[], true));
    in_use(a.listen(None, &[Protocol::Http, Protocol::Http], false));
    // A failed call registers nothing.
    drop(a.listen(None, &[Protocol::Http], false).expect("listen"));
    drop(first);
    drop(a.listen(None, &[Protocol::Tcp, generic("Echo")], true).expect("listen"));
    let inbound = a.listen_connections().expect("inbound");
    assert_eq!(a.listen_connections().expect_err("in use").code(), Code::ProtocolInUse);
    drop(inbound);
    drop(a.listen_connections().expect("given back"));
    close(&[&a]).await;
}

#[tokio::test]
async fn dropping_a_listener_resets_its_queued_streams() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut waiting = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("acknowledged");
    drop(listener);
    let (_, error) = support::read_until_error(&mut waiting).await;
    assert_eq!(error.code(), Code::StreamReset);
    close(&[&a, &b]).await;
}

#[tokio::test]
async fn a_connections_own_listener_comes_first() {
    let (a, b) = pair().await;
    let c = endpoint().await;
    introduce(&c, &b);
    let everyone = b.listen(None, &[Protocol::Tcp, Protocol::Http], false).expect("listen");
    let inbound = b.listen_connections().expect("inbound");
    drop(open(&a, &b, &Protocol::Http, USUAL).await.expect("stream"));
    assert_eq!(incoming(&everyone).await.route, Some(1));
    let guard = next_connection(&inbound).await;
    let own = b.listen(Some(guard.id()), &[Protocol::Tcp], false).expect("listen");
    let in_use = b.listen(Some(guard.id()), &[Protocol::Tcp], false);
    assert_eq!(in_use.expect_err("in use").code(), Code::ProtocolInUse);

    let _one = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(incoming(&own).await.stream.connection().remote(), a.id());
    let _two = open(&a, &b, &Protocol::Http, USUAL).await.expect("stream");
    assert_eq!(incoming(&everyone).await.route, Some(1));
    let _three = open(&c, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(incoming(&everyone).await.stream.connection().remote(), c.id());
    drop(own);
    let _four = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    assert_eq!(incoming(&everyone).await.stream.connection().remote(), a.id());
    close(&[&a, &b, &c]).await;
}
