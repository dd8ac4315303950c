//! Codes of resets, stops and closes; refusals.

use super::goes_on;
use crate::support::{
    GENEROUS, LATER, USUAL, close, incoming, kulfi_endpoint, limits, open_at,
    raw::{Raw, RawStream, code},
    read_exact, read_until_error, soon, write_all,
};
use fastn_net::{Code, Protocol, wire::alpn::Alpn};
use serde_json::Value;

#[tokio::test]
async fn an_unserved_protocol_is_refused() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut other = RawStream::start(&connection, b"\"Tcp\"\n").await;
        other.hears_last(b"{\"error\":\"unsupported\",\"message\":\"nothing here serves 'Tcp'\"}\n").await;
        assert_eq!(other.is_stopped().await, 0);
        goes_on(&connection, &listener).await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn kulfi_peers_get_only_the_protocols_they_know() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http, Protocol::AccountToAccount], true).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&endpoint, Alpn::Kulfi).await;
    for header in [&b"\"AccountToAccount\"\n"[..], b"{\"Generic\":\"Echo\"}\n"] {
        RawStream::start(&connection, header).await.is_refused("unsupported").await;
    }
    goes_on(&connection, &listener).await;
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn user_codes_pass_unchanged_and_our_own_only_on_the_new_alpn() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let start = async || {
            let mut other = RawStream::start(&connection, b"\"Http\"\n").await;
            other.hears(b"ack\n").await;
            (other, incoming(&listener).await.stream)
        };

        let (mut other, mut stream) = start().await;
        stream.reset(7);
        stream.stop(0x1234_5678_9abc);
        assert_eq!(other.hears_reset().await, 7);
        assert_eq!(other.is_stopped().await, 0x1234_5678_9abc);

        let (mut other, mut stream) = start().await;
        let own = if alpn == Alpn::FastnNet { 0x102 } else { 0 };
        stream.abandon(0x102);
        assert_eq!((other.hears_reset().await, other.is_stopped().await), (own, own));

        let (mut other, stream) = start().await;
        drop(stream);
        assert_eq!((other.hears_reset().await, other.is_stopped().await), (0, 0));

        let (mut other, mut stream) = start().await;
        other.say(b"before").await;
        assert_eq!(read_exact(&mut stream, 6).await.expect("bytes"), b"before");
        other.send.reset(code(5)).expect("reset");
        let (_, error) = read_until_error(&mut stream).await;
        assert_eq!((error.code(), error.error_code()), (Code::StreamReset, Some(5)));
        other.recv.stop(code(6)).expect("stop");
        let error = loop {
            if let Err(error) = write_all(&mut stream, b"x").await {
                break error;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!((error.code(), error.error_code()), (Code::StreamStopped, Some(6)));

        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_connection_closed_by_the_user_shows_its_code() {
    let endpoint = kulfi_endpoint(limits()).await;
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let peer = endpoint.peer(&raw.address()).expect("peer");
        let (guard, connection) = tokio::join!(soon(endpoint.connect(&peer, GENEROUS)), raw.accept());
        let guard = guard.expect("connection");
        guard.close(77, "bye");
        let iroh::endpoint::ConnectionError::ApplicationClosed(told) = soon(connection.closed()).await else {
            panic!("no application close")
        };
        assert_eq!((u64::from(told.error_code), &told.reason[..]), (77, &b"bye"[..]));
        let info = soon(guard.closed()).await;
        assert_eq!((info.code, info.reason.as_str(), info.by), (77, "bye", fastn_net::ClosedBy::Local));

        let (guard, connection) = tokio::join!(soon(endpoint.connect(&peer, GENEROUS)), raw.accept());
        connection.close(code(78), b"good night");
        let guard = guard.expect("connection");
        soon(guard.closed()).await;
        // Later events do not change how it ended.
        guard.close(79, "late");
        let info = guard.close_reason().expect("it has ended");
        assert_eq!((info.code, info.reason.as_str(), info.by), (78, "good night", fastn_net::ClosedBy::Peer));
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn any_line_in_place_of_the_ack_is_a_refusal() {
    let endpoint = kulfi_endpoint(limits()).await;
    // Every word of this library, and words that other programs may send.
    let golden = include_str!("../../../fastn-net-proto/tests/golden/wire.json");
    let golden: Value = serde_json::from_str(golden).expect("golden file");
    let field = |case: &Value, name: &str| case[name].as_str().expect("text").to_owned();
    let refusal =
        |word: String, code: String| (format!("{{\"error\":\"{word}\",\"message\":\"m\"}}\n"), code, Some(word));
    let ours = golden["refusals"].as_array().expect("refusals").iter();
    let ours = ours.map(|case| refusal(field(case, "error"), field(case, "becomes")));
    let refused = |line: &str, word: Option<&str>| (line.to_owned(), "ERR_REFUSED".to_owned(), word.map(str::to_owned));
    let others = [
        refusal("teapot".to_owned(), "ERR_REFUSED".to_owned()),
        refused("go away\n", Some("")),
        refused("ack", None),
        refused("acknowledged\n", Some("")),
        refused("", None),
    ];
    let answers: Vec<_> = ours.chain(others).collect();
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let peer = endpoint.peer(&raw.address()).expect("peer");
        let mut connection = None;
        for (answer, expected, word) in &answers {
            for options in [USUAL, LATER] {
                // After a refusal, an older peer accepts no other stream on the same connection.
                let (_guard, connection) = match connection.take().filter(|_| alpn.is_native()) {
                    Some(made) => connection.insert(made),
                    None => connection.insert(tokio::join!(soon(endpoint.connect(&peer, GENEROUS)), raw.accept())),
                };
                let reply = async {
                    let mut other = RawStream::accept(connection).await;
                    other.hears(b"\"Http\"\n").await;
                    other.end(answer.as_bytes()).await;
                    other
                };
                let address = raw.address();
                let (opened, mut other) = tokio::join!(open_at(&endpoint, &address, &Protocol::Http, options), reply);
                let error = match opened {
                    Err(error) => error,
                    Ok(mut stream) => {
                        let (bytes, error) = read_until_error(&mut stream).await;
                        assert!(bytes.is_empty());
                        assert_eq!(write_all(&mut stream, b"x").await.expect_err("refused").code().as_str(), expected);
                        error
                    }
                };
                assert_eq!(
                    (error.code().as_str(), error.remote_code()),
                    (expected.as_str(), word.as_deref()),
                    "{answer}"
                );
                // The refused stream ends on our side too, though we never finished it.
                assert_eq!(other.hears_reset().await, 0);
            }
        }
        raw.close().await;
    }
    close(&[&endpoint]).await;
}
