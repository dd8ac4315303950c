//! The bytes of docs/wire.md, exactly, against a peer without this library, on every ALPN.

mod support;

use std::time::Duration;

use fastn_net::{Code, OpenOptions, Protocol, wire::alpn::Alpn};
use futures_util::{FutureExt, future::join_all};
use iroh::endpoint::Connection;
use support::{
    GENEROUS, LATER, USUAL, close, generic, header, incoming, kulfi_endpoint, limits, open_at, pattern,
    raw::{Raw, RawStream, code},
    read_exact, read_to_end, read_until_error, soon, until, write_all,
};

/// The connection still serves: one exchange of `"Http"`, which `served` takes.
async fn goes_on(connection: &Connection, listener: &fastn_net::Listener) {
    let mut raw = RawStream::start(connection, b"\"Http\"\n").await;
    raw.hears(b"ack\n").await;
    raw.end(b"request").await;
    let mut stream = incoming(listener).await.stream;
    assert_eq!(read_to_end(&mut stream).await.expect("request"), b"request");
    write_all(&mut stream, b"response").await.expect("write");
    stream.finish();
    raw.hears_last(b"response").await;
}

#[tokio::test]
async fn a_stream_is_acknowledged_and_carries_bytes_both_ways() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        goes_on(&raw.dial(&endpoint, alpn).await, &listener).await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn what_we_send_is_the_header_the_extra_line_and_the_payload() {
    let endpoint = kulfi_endpoint(limits()).await;
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let peer = endpoint.peer(&raw.address()).expect("peer");
        let header = fastn_net::wire::header::encode(&Protocol::HttpProxy, Some(b"{\"extra\":1}")).expect("header");
        let options = USUAL.with_extra(true);
        let mut getting = Box::pin(endpoint.get_stream(&peer, &header, options));
        let (connection, mut other) = tokio::select! {
            _ = &mut getting => panic!("a stream that nobody acknowledged"),
            accepted = async {
                let connection = raw.accept().await;
                let mut other = RawStream::accept(&connection).await;
                other.hears(b"\"HttpProxy\"\n{\"extra\":1}\n").await;
                (connection, other)
            } => accepted,
        };
        assert_eq!(connection.alpn(), alpn.as_bytes());
        other.say(b"ack\nanswer").await;
        let mut stream = soon(getting).await.expect("stream");
        write_all(&mut stream, b"payload").await.expect("write");
        stream.finish();
        other.hears_last(b"payload").await;
        assert_eq!(read_exact(&mut stream, 6).await.expect("answer"), b"answer");
        other.end(b"").await;
        assert_eq!(read_to_end(&mut stream).await.expect("end"), b"");
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn the_ack_waits_for_no_extra_line() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::HttpProxy], false).expect("listen");
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut other = RawStream::start(&connection, b"\"HttpProxy\"\n").await;
        other.hears(b"ack\n").await;
        other.end(b"{\"extra\":1}\nbody").await;
        let mut stream = incoming(&listener).await.stream;
        assert_eq!(read_to_end(&mut stream).await.expect("rest"), b"{\"extra\":1}\nbody");
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn the_ack_for_an_older_peer_does_not_wait_for_the_listener() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::HttpProxy], false).expect("listen");
    for alpn in [Alpn::Entity, Alpn::Kulfi] {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut other = RawStream::start(&connection, b"\"HttpProxy\"\n{\"extra\":1}\n").await;
        let mut stream = incoming(&listener).await.stream;
        other.hears(b"ack\n").await;
        other.end(b"body").await;
        assert_eq!(read_to_end(&mut stream).await.expect("rest"), b"{\"extra\":1}\nbody");
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn payload_may_come_with_the_header() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Tcp], false).expect("listen");
    let payload = pattern(100_000);
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut other = RawStream::open(&connection).await;
        other.end(&[b"\"Tcp\"\n", &payload[..]].concat()).await;
        other.hears(b"ack\n").await;
        let mut stream = incoming(&listener).await.stream;
        assert_eq!(read_to_end(&mut stream).await.expect("payload"), payload);
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

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
async fn kulfi_peers_get_the_protocols_they_know_only() {
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
async fn a_broken_header_ends_its_own_stream_only() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http], true).expect("listen");
    let too_long = format!("{{\"Generic\":\"{}\"}}\n", "x".repeat(64 * 1024 - 14 + 1));
    let endless = vec![b' '; 200_000];
    let broken: [(&[u8], &str); 10] = [
        (b"\n", "header-invalid"),
        (b"Http\n", "header-invalid"),
        (b"\"http\"\n", "header-invalid"),
        (b"{\"Generic\":\"Echo\"\n", "header-invalid"),
        (b"\"Http\" x\n", "header-invalid"),
        (b"{\"Generic\":\"\xff\"}\n", "header-invalid"),
        (b"\x00\n", "header-invalid"),
        (b"ack\n", "header-invalid"),
        (too_long.as_bytes(), "header-too-large"),
        (&endless, "header-too-large"),
    ];
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        for (header, word) in broken {
            RawStream::start(&connection, header).await.is_refused(word).await;
            goes_on(&connection, &listener).await;
        }
        let mut cut_short = RawStream::open(&connection).await;
        cut_short.end(b"\"Http\"").await;
        let line = cut_short.rest().await;
        assert!(line.starts_with(b"{\"error\":\"header-invalid\""), "{line:?}");
        goes_on(&connection, &listener).await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_header_at_the_limit_is_read() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[], true).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&endpoint, Alpn::Entity).await;
    let name = "x".repeat(64 * 1024 - 14);
    let header = format!("{{\"Generic\":\"{name}\"}}\n");
    assert_eq!(header.len() - 1, 64 * 1024);
    let mut other = RawStream::start(&connection, header.as_bytes()).await;
    other.hears(b"ack\n").await;
    assert_eq!(incoming(&listener).await.protocol, Some(generic(&name)));
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn headers_with_white_space_or_cut_into_bytes_are_read() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Tcp, generic("Echo")], false).expect("listen");
    for alpn in [Alpn::FastnNet, Alpn::Entity] {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let headers: [&[u8]; 4] = [
            b"\"Tcp\"\r\n",
            b" \t{ \"Tcp\" : null } \n",
            b"{\"Generic\":\"Echo\"}\r\n",
            b"{\"Generic\": \"Ech\\u006f\"}\n",
        ];
        for (at, header) in headers.into_iter().enumerate() {
            let mut other = RawStream::open(&connection).await;
            for byte in header {
                other.say(&[*byte]).await;
                tokio::task::yield_now().await;
            }
            other.hears(b"ack\n").await;
            assert_eq!(incoming(&listener).await.route, Some(at / 2));
        }
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

async fn silent_and_slow_headers(alpn: Alpn) {
    // Longer than the exchange beside them takes on a busy machine.
    let endpoint = kulfi_endpoint(limits().with_header_timeout(Duration::from_secs(3))).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    let raw = Raw::bind(&[]).await;
    let connection = raw.dial(&endpoint, alpn).await;
    // Opens implicitly with the next one, and never says anything.
    let mut never_written = RawStream::open(&connection).await;
    let mut cut_short = RawStream::start(&connection, b"\"Ht").await;
    let mut slow = RawStream::start(&connection, b"{\"Generic\":\"").await;
    goes_on(&connection, &listener).await;
    assert!(cut_short.recv.read(&mut [0]).now_or_never().is_none(), "answered before its deadline");
    let drip = async {
        // Never done, however fast: only the deadline ends it.
        while slow.send.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(drip).await;
    slow.is_refused("header-timeout").await;
    cut_short.is_refused("header-timeout").await;
    never_written.is_refused("header-timeout").await;
    goes_on(&connection, &listener).await;
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn silent_and_slow_headers_end_at_their_deadline_and_delay_no_other() {
    join_all(Alpn::ALL.into_iter().map(silent_and_slow_headers)).await;
}

#[tokio::test]
async fn a_peer_that_blocks_its_ack_holds_no_queue_permit() {
    let header_timeout = Duration::from_secs(1);
    let few =
        limits().with_header_timeout(header_timeout).with_max_queued_streams(2).with_max_queued_streams_per_peer(2);
    let endpoint = kulfi_endpoint(few).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in Alpn::ALL {
        let (deaf, raw) = (Raw::bind_deaf().await, Raw::bind(&[]).await);
        let held = deaf.dial(&endpoint, alpn).await;
        let mut unanswered = Vec::new();
        for header in ["\"Http\"\n", "\"Http\"\n", "\"Ping\"\n", "nothing\n"] {
            unanswered.push(RawStream::start(&held, header.as_bytes()).await);
        }
        goes_on(&raw.dial(&endpoint, alpn).await, &listener).await;
        for stream in &mut unanswered {
            assert_eq!(stream.hears_reset().await, 0);
        }
        deaf.close().await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn what_a_peer_ends_before_its_header_is_whole_is_refused_and_not_waited_for() {
    let endpoint = kulfi_endpoint(limits()).await;
    let _listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    let deaf = Raw::bind_deaf().await;
    let connection = deaf.dial(&endpoint, Alpn::FastnNet).await;
    let address = deaf.address();
    let peer = endpoint.peer(&address).expect("peer");
    until("it is connected", || peer.connection().is_some()).await;
    let ours = peer.connection().expect("connection");
    let (opened, _refused) = tokio::join!(open_at(&endpoint, &address, &Protocol::Http, USUAL), async {
        until("its header waits", || ours.active_count() == 1).await;
        // The peer has no byte of it, and learns of it by the end of a later one.
        drop(ours.try_open(&header(&Protocol::Http), OpenOptions::default()).expect("connection").expect("stream"));
        let mut stream = RawStream::accept(&connection).await;
        stream.recv.stop(code(0)).expect("stop");
        stream.end(b"").await;
        stream
    });
    assert_eq!(opened.expect_err("refused").code(), Code::Refused);
    assert!(ours.is_live());
    deaf.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_ping_is_answered_with_fin_at_once() {
    let endpoint = kulfi_endpoint(limits()).await;
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[]).await;
        let connection = raw.dial(&endpoint, alpn).await;
        let mut ping = RawStream::start(&connection, b"\"Ping\"\n").await;
        ping.hears_last(b"ack\npong\n").await;
        ping.end(b"").await;
        goes_on(&connection, &listener).await;
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_ping_is_answered_on_a_connection_that_we_dialled() {
    let endpoint = kulfi_endpoint(limits()).await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let (guard, connection) = tokio::join!(soon(endpoint.connect(&peer, GENEROUS)), raw.accept());
    RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    RawStream::start(&connection, b"\"Http\"\n").await.is_refused("unsupported").await;
    // And served, once something listens.
    let listener = endpoint.listen(None, &[Protocol::Http], false).expect("listen");
    goes_on(&connection, &listener).await;
    drop(guard);
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn our_ping_is_exact_and_keeps_its_side_open() {
    let endpoint = kulfi_endpoint(limits()).await;
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let peer = endpoint.peer(&raw.address()).expect("peer");
        let answer = async {
            let connection = raw.accept().await;
            let mut other = RawStream::accept(&connection).await;
            other.hears(b"\"Ping\"\n").await;
            other.say(b"ack\n").await;
            if alpn == Alpn::FastnNet {
                // A round trip later it is still open.
                RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
            }
            assert!(other.recv.read(&mut [0]).now_or_never().is_none(), "our side ended before the answer");
            other.end(b"pong\n").await;
            other.hears_last(b"").await;
            connection
        };
        let (pinged, _connection) = tokio::join!(soon(endpoint.ping(&peer, GENEROUS)), answer);
        assert!(pinged.expect("pong") > Duration::ZERO);
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn a_ping_that_is_answered_wrongly_or_not_at_all_fails() {
    let endpoint = kulfi_endpoint(limits().with_ping_timeout(Duration::from_secs(2))).await;
    let raw = Raw::bind(&[Alpn::Entity.as_bytes()]).await;
    let peer = endpoint.peer(&raw.address()).expect("peer");
    let (guard, connection) = tokio::join!(soon(endpoint.connect(&peer, GENEROUS)), raw.accept());
    let _guard = guard.expect("connection");
    for (answer, expected) in [
        (Some(&b"ack\npang\n"[..]), Code::Ping),
        (Some(b"ack\npong\npong\n"), Code::Ping),
        (Some(b"ack\n"), Code::Ping),
        (None, Code::Ping),
        // The last, for an older peer takes no stream behind it.
        (Some(b"no\n"), Code::Refused),
    ] {
        let reply = async {
            let mut other = RawStream::accept(&connection).await;
            if let Some(answer) = answer {
                other.end(answer).await;
            }
            other
        };
        let (pinged, _other) = tokio::join!(soon(endpoint.ping(&peer, GENEROUS)), reply);
        assert_eq!(pinged.expect_err("a wrong answer").code(), expected, "{answer:?}");
    }
    raw.close().await;
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn user_codes_pass_unchanged_and_our_own_on_the_new_alpn_only() {
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
        // Nothing that comes later changes how it ended.
        guard.close(79, "late");
        let info = guard.close_reason().expect("it has ended");
        assert_eq!((info.code, info.reason.as_str(), info.by), (78, "good night", fastn_net::ClosedBy::Peer));
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn whatever_is_said_in_place_of_the_ack_is_a_refusal() {
    let endpoint = kulfi_endpoint(limits()).await;
    let answers: [(&[u8], Code, Option<&str>); 11] = [
        (b"{\"error\":\"unsupported\",\"message\":\"m\"}\n", Code::ProtocolUnsupported, Some("unsupported")),
        (b"{\"error\":\"unauthorized\",\"message\":\"m\"}\n", Code::Unauthorized, Some("unauthorized")),
        (b"{\"error\":\"busy\",\"message\":\"m\"}\n", Code::Busy, Some("busy")),
        (b"{\"error\":\"shutdown\",\"message\":\"m\"}\n", Code::ShuttingDown, Some("shutdown")),
        (b"{\"error\":\"header-timeout\",\"message\":\"m\"}\n", Code::HeaderTimeout, Some("header-timeout")),
        (b"{\"error\":\"target-unreachable\",\"message\":\"m\"}\n", Code::Target, Some("target-unreachable")),
        (b"{\"error\":\"teapot\",\"message\":\"m\"}\n", Code::Refused, Some("teapot")),
        (b"go away\n", Code::Refused, Some("")),
        (b"ack", Code::Refused, None),
        (b"acknowledged\n", Code::Refused, Some("")),
        (b"", Code::Refused, None),
    ];
    for alpn in Alpn::ALL {
        let raw = Raw::bind(&[alpn.as_bytes()]).await;
        let peer = endpoint.peer(&raw.address()).expect("peer");
        let mut connection = None;
        for (answer, expected, word) in answers {
            for options in [USUAL, LATER] {
                // Behind a refusal an older peer takes no other stream on the same connection.
                let (_guard, connection) = match connection.take().filter(|_| alpn.is_native()) {
                    Some(made) => connection.insert(made),
                    None => connection.insert(tokio::join!(soon(endpoint.connect(&peer, GENEROUS)), raw.accept())),
                };
                let reply = async {
                    let mut other = RawStream::accept(connection).await;
                    other.hears(b"\"Http\"\n").await;
                    other.end(answer).await;
                    other
                };
                let address = raw.address();
                let (opened, mut other) = tokio::join!(open_at(&endpoint, &address, &Protocol::Http, options), reply);
                let error = match opened {
                    Err(error) => error,
                    Ok(mut stream) => {
                        let (bytes, error) = read_until_error(&mut stream).await;
                        assert!(bytes.is_empty());
                        assert_eq!(write_all(&mut stream, b"x").await.expect_err("refused").code(), expected);
                        error
                    }
                };
                let text = String::from_utf8_lossy(answer);
                assert_eq!((error.code(), error.remote_code()), (expected, word), "{text}");
                // The refused stream ends on our side too, though we never finished it.
                assert_eq!(other.hears_reset().await, 0);
            }
        }
        raw.close().await;
    }
    close(&[&endpoint]).await;
}

#[tokio::test]
async fn no_acknowledgement_in_time_is_an_error_that_ends_the_stream() {
    let endpoint = kulfi_endpoint(limits().with_ack_timeout(Duration::from_millis(300))).await;
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let answer = async {
        let connection = raw.accept().await;
        let mut other = RawStream::accept(&connection).await;
        other.hears(b"\"Http\"\n").await;
        assert_eq!(other.hears_reset().await, 0);
        connection
    };
    let address = raw.address();
    let (opened, connection) = tokio::join!(open_at(&endpoint, &address, &Protocol::Http, USUAL), answer);
    assert_eq!(opened.expect_err("no ack").code(), Code::AckTimeout);
    // The connection goes on.
    RawStream::start(&connection, b"\"Ping\"\n").await.hears_last(b"ack\npong\n").await;
    raw.close().await;
    close(&[&endpoint]).await;
}
