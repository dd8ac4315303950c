//! `malai http` and `malai http-bridge`.

use fastn_net::{Endpoint, Peer, Protocol, Stream};
use iroh::endpoint::Connection;

use crate::{
    endpoint,
    peer::{accept, malai},
    support::{GENEROUS, USUAL, close, header, raw::RawStream, read_to_end, soon, until, write_all},
};

async fn request(endpoint: &Endpoint, peer: &Peer) -> Stream {
    soon(endpoint.get_stream(peer, &header(&Protocol::Http), USUAL)).await.expect("stream")
}

/// `malai http` takes its next stream behind the answer to the last one.
async fn take(connection: &Connection) -> RawStream {
    let (send, recv) = soon(accept(connection, "\"Http\"")).await.expect("a stream");
    RawStream { send, recv }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_has_a_connection_of_its_own() {
    let (endpoint, raw) = (endpoint().await, malai().await);
    let peer = endpoint.peer(&raw.address()).expect("peer");
    // The first one goes over the connection that is there.
    let (guard, first) = tokio::join!(endpoint.connect(&peer, GENEROUS), raw.accept());
    drop(guard.expect("connection"));
    let pinged_and_requested = async {
        soon(endpoint.ping(&peer, GENEROUS)).await.expect("pong");
        request(&endpoint, &peer).await
    };
    let (mut one, mut of_one) = tokio::join!(pinged_and_requested, take(&first));
    // While it is not answered, others are.
    let (mut two, (second, mut of_two)) = tokio::join!(request(&endpoint, &peer), async {
        let connection = raw.accept().await;
        let stream = take(&connection).await;
        (connection, stream)
    });
    for (ours, theirs, answer) in [(&mut two, &mut of_two, b"two"), (&mut one, &mut of_one, b"one")] {
        write_all(ours, b"head\n").await.expect("write");
        ours.finish();
        theirs.hears_last(b"head\n").await;
        theirs.end(answer).await;
        assert_eq!(read_to_end(ours).await.expect("answer"), answer);
    }
    drop((one, two));
    // Neither is kept.
    soon(first.closed()).await;
    soon(second.closed()).await;
    until("no connection is left", || peer.connections().is_empty()).await;
    close(&[&endpoint]).await;
    raw.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_the_same_time_share_no_connection() {
    let (endpoint, raw) = (endpoint().await, malai().await);
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let requests =
        async { tokio::join!(request(&endpoint, &peer), request(&endpoint, &peer), request(&endpoint, &peer)) };
    let taken = async {
        let mut taken = Vec::new();
        for _ in 0..3 {
            let connection = raw.accept().await;
            taken.push((take(&connection).await, connection));
        }
        taken
    };
    let (_requests, taken) = tokio::join!(requests, taken);
    assert_eq!(taken.len(), 3);
    close(&[&endpoint]).await;
    raw.close().await;
}
