//! Streams that arrive before the owner of their connection has registered its listeners.

mod support;

use fastn_net::{Code, Endpoint, Protocol};
use support::{
    GENEROUS, LATER, USUAL, close, endpoint, exchange, incoming, introduce, next_connection, open, pair, read_to_end,
    soon, write_all,
};

/// Waits until everything sent before has arrived: the peer answers a ping.
async fn pinged(from: &Endpoint, to: &Endpoint) {
    let peer = from.peer(&to.address()).expect("peer");
    soon(from.ping(&peer, GENEROUS)).await.expect("pong");
}

async fn request(from: &Endpoint, to: &Endpoint) -> fastn_net::Stream {
    let mut stream = open(from, to, &Protocol::Tcp, LATER).await.expect("stream");
    write_all(&mut stream, b"early").await.expect("write");
    stream.finish();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_arrives_before_its_listener_waits_for_it() {
    let (a, b) = pair().await;
    let inbound = b.listen_connections().expect("inbound");
    let mut asking = request(&a, &b).await;
    pinged(&a, &b).await;
    let guard = next_connection(&inbound).await;
    pinged(&a, &b).await;
    let listener = b.listen(Some(guard.id()), &[Protocol::Tcp], false).expect("listen");
    let mut stream = incoming(&listener).await.stream;
    assert_eq!(read_to_end(&mut stream).await.expect("request"), b"early");
    write_all(&mut stream, b"answer").await.expect("write");
    stream.finish();
    assert_eq!(read_to_end(&mut asking).await.expect("answer"), b"answer");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_on_a_dialled_connection_waits_for_its_listener_too() {
    let (a, b) = (endpoint().await, endpoint().await);
    introduce(&a, &b);
    let inbound = b.listen_connections().expect("inbound");
    let peer = a.peer(&b.address()).expect("peer");
    let (guard, asking) = tokio::join!(soon(a.connect(&peer, GENEROUS)), async {
        next_connection(&inbound).await;
        request(&b, &a).await
    });
    let guard = guard.expect("connection");
    pinged(&b, &a).await;
    let listener = a.listen(Some(guard.id()), &[Protocol::Tcp], false).expect("listen");
    let mut stream = incoming(&listener).await.stream;
    assert_eq!(read_to_end(&mut stream).await.expect("request"), b"early");
    drop(asking);
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unserved_stream_is_refused_after_the_grace_period() {
    let (a, b) = pair().await;
    let inbound = b.listen_connections().expect("inbound");
    let asking = open(&a, &b, &Protocol::Tcp, USUAL);
    let serving = async {
        let guard = next_connection(&inbound).await;
        (b.listen(Some(guard.id()), &[Protocol::Http], false).expect("listen"), guard)
    };
    let (refused, (listener, _guard)) = tokio::join!(asking, serving);
    assert_eq!(refused.expect_err("no listener").code(), Code::ProtocolUnsupported);
    let served = open(&a, &b, &Protocol::Http, LATER).await.expect("stream");
    let answering = async {
        let mut stream = incoming(&listener).await.stream;
        assert_eq!(read_to_end(&mut stream).await.expect("request"), b"hello");
        stream.finish();
    };
    let (answer, ()) = tokio::join!(exchange(served, b"hello"), answering);
    assert_eq!(answer.expect("answer"), b"");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_refused_if_the_owner_of_its_connection_registers_no_listener() {
    let (a, b) = pair().await;
    let inbound = b.listen_connections().expect("inbound");
    let (refused, _guard) = tokio::join!(open(&a, &b, &Protocol::Tcp, USUAL), next_connection(&inbound));
    assert_eq!(refused.expect_err("no listener").code(), Code::ProtocolUnsupported);
    close(&[&a, &b]).await;
}
