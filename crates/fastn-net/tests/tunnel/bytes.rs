//! Bytes, ends and resets of a connection; back-pressure.

use std::{io::ErrorKind, time::Duration};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    Tunnelled, read_exact, read_to_end, read_to_reset, reset,
    support::{pattern, soon, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_pass_both_ways_and_each_direction_ends_separately() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    let (request, answer) = (pattern(3_000_000), pattern(2_000_000));
    let serving = async {
        assert_eq!(read_to_end(&mut service).await, request);
        service.write_all(&answer).await.expect("write");
        service.shutdown().await.expect("shutdown");
    };
    let asking = async {
        client.write_all(&request).await.expect("write");
        client.shutdown().await.expect("shutdown");
        assert_eq!(read_to_end(&mut client).await, answer);
    };
    tokio::join!(serving, asking);
    until("both sides have let go", || {
        tunnelled.exposed.connection_count() == 0 && tunnelled.bridge.connection_count() == 0
    })
    .await;
    tunnelled.close().await;
}

#[tokio::test]
async fn the_service_may_speak_first_and_end_first() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    service.write_all(b"220 ready\n").await.expect("write");
    service.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut client).await, b"220 ready\n");
    client.write_all(b"quit\n").await.expect("write");
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut service).await, b"quit\n");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_reset_on_either_side_is_a_reset_on_the_other() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, service) = tunnelled.connected().await;
    reset(service);
    assert_eq!(read_to_reset(&mut client).await, b"");

    let (client, mut service) = tunnelled.connected().await;
    reset(client);
    assert_eq!(read_to_reset(&mut service).await, b"");
    tunnelled.close().await;
}

#[tokio::test]
async fn a_reset_after_the_end_of_a_direction_is_carried_too() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    client.write_all(b"last words").await.expect("write");
    client.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut service).await, b"last words");
    reset(client);
    // A service that has read the end notices only by the failed write.
    let failed = async {
        loop {
            if let Err(error) = service.write_all(b"are you there?").await {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let kind = soon(failed).await.kind();
    assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
    tunnelled.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_carried_while_the_other_side_reads_nothing() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    fill(&mut client).await;
    reset(client);
    read_to_reset(&mut service).await;
    tunnelled.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_reads_nothing_keeps_no_connection_of_a_lost_peer() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service) = tunnelled.connected().await;
    fill(&mut client).await;
    let revoked = tunnelled.client.id();
    tunnelled.server.change_access(|lists| lists.deny(revoked));
    until("the connection has ended", || tunnelled.exposed.connection_count() == 0).await;
    read_to_reset(&mut service).await;
    tunnelled.close().await;
}

/// Writes until no more is accepted for a while. Returns the number of bytes.
async fn fill(socket: &mut TcpStream) -> usize {
    let chunk = vec![7; 64 * 1024];
    let mut taken = 0;
    loop {
        match tokio::time::timeout(Duration::from_secs(1), socket.write(&chunk)).await {
            Ok(count) => taken += count.expect("write"),
            Err(_) => return taken,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_reads_nothing_holds_up_its_client_and_no_other() {
    let tunnelled = Tunnelled::new().await;
    let (mut stalled, mut unread) = tunnelled.connected().await;
    let taken = fill(&mut stalled).await;
    assert!(taken <= 16 * 1024 * 1024, "{taken} bytes were taken");

    let (mut client, mut service) = tunnelled.connected().await;
    client.write_all(b"ping").await.expect("write");
    assert_eq!(read_exact(&mut service, 4).await, b"ping");

    // All accepted bytes arrive.
    stalled.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut unread).await.len(), taken);
    tunnelled.close().await;
}
