//! Transports other than TCP: Unix sockets, and any reader and writer.

use fastn_net::{
    Code, Protocol,
    tunnel::{Allow, BridgeOptions, ExposeOptions, SocketName},
};
use tokio::io::AsyncWriteExt;

use super::{
    read_to_end,
    support::{GENEROUS, close, pair, soon, stream},
};

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_serve_on_both_sides() {
    use tokio::net::{UnixListener, UnixStream};
    let (client, server) = pair().await;
    let folder = tempfile::tempdir().expect("folder");
    let (service_path, bridge_path) = (folder.path().join("service"), folder.path().join("bridge"));
    let service = UnixListener::bind(&service_path).expect("bind");
    let exposed = server.expose_tcp(SocketName::Unix(service_path), ExposeOptions::new(Allow::Public)).expect("expose");
    // The file of a program that has ended is replaced, and one that is served is not.
    drop(UnixListener::bind(&bridge_path).expect("bind"));
    let name = SocketName::Unix(bridge_path.clone());
    let bridge = client.bridge_tcp(&name, server.address(), BridgeOptions::default()).await.expect("bridge");
    let taken = client.bridge_tcp(&name, server.address(), BridgeOptions::default()).await.expect_err("in use");
    assert_eq!(taken.code(), Code::Listen);

    let mut socket = soon(UnixStream::connect(&bridge_path)).await.expect("connect");
    let mut accepted = soon(service.accept()).await.expect("accept").0;
    socket.write_all(b"question").await.expect("write");
    socket.shutdown().await.expect("shutdown");
    assert_eq!(read_to_end(&mut accepted).await, b"question");
    accepted.write_all(b"answer").await.expect("write");
    drop(accepted);
    assert_eq!(read_to_end(&mut socket).await, b"answer");
    soon(bridge.close(GENEROUS)).await;
    assert!(!bridge_path.exists(), "the socket's file is removed");
    soon(exposed.close(GENEROUS)).await;
    close(&[&client, &server]).await;
}

#[tokio::test]
async fn a_stream_is_piped_to_any_reader_and_writer() {
    let (client, server) = pair().await;
    let listener = server.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (mut opened, mut accepted) = stream(&client, &server, &Protocol::Tcp, &listener).await;
    let (near, mut far) = tokio::io::duplex(16);
    let (reader, writer) = tokio::io::split(near);
    let piped = fastn_net::tunnel::pipe(&mut opened, tokio::io::join(reader, writer));
    let talking = async {
        far.write_all(b"more than the pipe holds at once").await.expect("write");
        far.shutdown().await.expect("shutdown");
        assert_eq!(read_to_end(&mut accepted).await, b"more than the pipe holds at once");
        accepted.write_all(b"and back").await.expect("write");
        accepted.finish();
        assert_eq!(read_to_end(&mut far).await, b"and back");
    };
    let (ended, ()) = soon(async { tokio::join!(piped, talking) }).await;
    ended.expect("both directions ended");
    close(&[&client, &server]).await;
}
