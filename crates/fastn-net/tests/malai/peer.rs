//! The side of malai's commands that accept connections: `malai tcp`, `malai http` and `malai http-proxy-remote`.

use std::net::SocketAddr;

use fastn_net::wire::alpn::Alpn;
use iroh::endpoint::{Connection, RecvStream, SendStream};
use serde_json::Value;
use tokio::{
    io::{copy, split},
    net::TcpStream,
};

use crate::support::raw::Raw;

/// A peer that speaks malai's ALPN only.
pub(crate) async fn malai() -> Raw {
    Raw::bind(&[Alpn::Kulfi.as_bytes()]).await
}

/// `malai tcp`: connects each stream to the target, in a task of its own.
pub(crate) async fn serve_tcp(connection: Connection, target: SocketAddr) {
    while let Some((send, recv)) = accept(&connection, "\"Tcp\"").await {
        tokio::spawn(pipe_to(target, send, recv));
    }
}

/// `malai http-proxy-remote`, for its requests to connect.
pub(crate) async fn serve_proxy(connection: Connection) {
    while let Some((send, mut recv)) = accept(&connection, "\"HttpProxy\"").await {
        let Some(line) = line(&mut recv).await else { return };
        let request: Value = serde_json::from_str(&line).expect("one line of JSON");
        let target = request["Connect"]["addr"].as_str().expect("a request to connect").parse().expect("ip:port");
        tokio::spawn(pipe_to(target, send, recv));
    }
}

/// The next stream of this protocol, acknowledged before the protocol is known. Answers pings. `None` after a stream of another protocol,
/// or one that ended early: malai then accepts no other stream, and drops the connection.
pub(crate) async fn accept(connection: &Connection, protocol: &str) -> Option<(SendStream, RecvStream)> {
    loop {
        let (mut send, mut recv) = connection.accept_bi().await.ok()?;
        let header = line(&mut recv).await?;
        send.write_all(b"ack\n").await.ok()?;
        if header == protocol {
            return Some((send, recv));
        }
        if header != "\"Ping\"" {
            return None;
        }
        send.write_all(b"pong\n").await.ok()?;
        // Dropping both halves finishes the one and stops the other.
    }
}

/// One line, byte by byte. `None` if the stream ends before.
pub(crate) async fn line(recv: &mut RecvStream) -> Option<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    loop {
        recv.read_exact(&mut byte).await.ok()?;
        if byte == *b"\n" {
            return String::from_utf8(line).ok();
        }
        line.extend(byte);
    }
}

/// Copies both ways. The FIN of the stream does not become the EOF of the socket. A target that cannot be reached looks like a silent
/// one.
async fn pipe_to(target: SocketAddr, mut send: SendStream, mut recv: RecvStream) {
    let Ok(socket) = TcpStream::connect(target).await else { return };
    let (mut from, mut to) = split(socket);
    let back = tokio::spawn(async move { copy(&mut recv, &mut to).await });
    if copy(&mut from, &mut send).await.is_ok() {
        let _ = send.finish();
    }
    drop(send);
    let _ = back.await;
}
