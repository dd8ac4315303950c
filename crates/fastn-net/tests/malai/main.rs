//! malai peers, on raw connections: what its commands send and expect, stream by stream (docs/wire.md, malai).

#[path = "../support/mod.rs"]
mod support;

mod http;
mod peer;
mod proxy;
mod tcp;

use fastn_net::{
    Endpoint,
    tunnel::{SocketName, Tunnel},
};
use serde_json::Value;
use support::{kulfi_endpoint, limits, raw::RawStream, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn endpoint() -> Endpoint {
    kulfi_endpoint(limits()).await
}

/// Plays malai's side of an exchange of the golden file, its `dialler` or its `acceptor`, and checks the other side's bytes. `address`
/// takes the place of ADDRESS.
async fn play(stream: &mut RawStream, exchange: &str, side: &str, address: &str) {
    let golden: Value = serde_json::from_str(include_str!("../golden/malai.json")).expect("golden file");
    for step in golden[exchange].as_array().expect(exchange) {
        let text = step[1].as_str().map(|text| text.replace("ADDRESS", address));
        match (step[0] == side, text) {
            (true, Some(text)) => stream.say(text.as_bytes()).await,
            (true, None) => stream.end(b"").await,
            (false, Some(text)) => stream.hears(text.as_bytes()).await,
            (false, None) => stream.hears_last(b"").await,
        }
    }
}

/// A service on a local port that answers each connection, once it has read `question`, with `answer` and EOF.
async fn service(question: &'static [u8], answer: &'static [u8]) -> SocketName {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut read = vec![0; question.len()];
                socket.read_exact(&mut read).await.expect("the question");
                assert_eq!(read, question);
                socket.write_all(answer).await.expect("write");
            });
        }
    });
    SocketName::loopback(port)
}

/// A web server that answers each request with `answer`, one with a body once it has read that: `question`. Returns its address.
async fn web_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let target = listener.local_addr().expect("address").to_string();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer(socket));
        }
    });
    target
}

async fn answer(mut socket: TcpStream) {
    while let Some(head) = head(&mut socket).await {
        if head.starts_with("POST ") {
            assert_eq!(&read::<8>(&mut socket).await, b"question");
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nanswer").await.expect("write");
    }
}

/// A head of HTTP/1.1. `None` at the end.
async fn head(socket: &mut TcpStream) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(socket.read_u8().await.ok()?));
    }
    Some(head)
}

async fn connect(tunnel: &Tunnel) -> TcpStream {
    soon(TcpStream::connect(("127.0.0.1", tunnel.port()))).await.expect("connect")
}

async fn read<const COUNT: usize>(socket: &mut TcpStream) -> [u8; COUNT] {
    let mut bytes = [0; COUNT];
    soon(socket.read_exact(&mut bytes)).await.expect("bytes");
    bytes
}

async fn read_to_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    soon(socket.read_to_end(&mut bytes)).await.expect("a clean end");
    bytes
}
