//! Reused connections, and the tasks that drive them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{support::soon, tunnelled::Tunnelled};

/// More bytes than all buffers on the path hold.
const MUCH: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn a_connection_that_the_service_closed_is_not_used_again() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/1").await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1").await;
    assert_eq!(client.answer().await.1, "1");
    drop(service);
    client.send(&format!("GET /2 HTTP/1.1\r\nhost: {}\r\n\r\n", tunnelled.host())).await;
    let mut service = tunnelled.accept().await;
    assert!(service.head().await.starts_with("GET /2 "));
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2").await;
    assert_eq!(client.answer().await.1, "2");
    tunnelled.close().await;
}

#[tokio::test]
async fn an_idle_connection_to_the_service_is_closed_cleanly() {
    let tunnelled = Tunnelled::new().await;
    let (mut client, mut service, _) = tunnelled.get("/").await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(client.answer().await.1, "ok");
    assert_eq!(service.rest().await, "");
    tunnelled.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_does_not_wait_for_the_reader_of_its_answer() {
    let tunnelled = Tunnelled::new().await;
    let mut client = tunnelled.connect().await;
    client.send(&format!("PUT / HTTP/1.1\r\nhost: {}\r\ncontent-length: {MUCH}\r\n\r\n", tunnelled.host())).await;
    let mut service = tunnelled.accept().await;
    service.head().await;
    service.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {MUCH}\r\n\r\n")).await;
    let (mut reads, mut writes) = service.0.into_split();
    let answering = tokio::spawn(async move { writes.write_all(&vec![1; MUCH]).await.map(|()| writes) });
    let receiving = tokio::spawn(async move { reads.read_exact(&mut vec![0; MUCH]).await.map(|_| reads) });
    soon(client.0.write_all(&vec![2; MUCH])).await.expect("the whole request");
    let _reads = soon(receiving).await.expect("no panic").expect("the whole request");
    client.head().await;
    assert!(client.bytes(MUCH).await.iter().all(|&byte| byte == 1));
    let _writes = soon(answering).await.expect("no panic").expect("the whole answer");
    tunnelled.close().await;
}
