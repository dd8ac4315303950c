//! A stream as tokio's `AsyncRead` and `AsyncWrite`, and its errors as `io::Error`.

mod support;

use std::io::ErrorKind;

use fastn_net::{Code, Endpoint, Error, Listener, OpenOptions, Protocol, Stream};
use support::{LATER, USUAL, close, generic, incoming, open, pair, pattern, soon, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split};

async fn streams() -> (Endpoint, Endpoint, Listener, Stream, Stream) {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let (ours, theirs) = stream(&a, &b, &Protocol::Tcp, &listener).await;
    (a, b, listener, ours, theirs)
}

fn code(error: &std::io::Error) -> Code {
    error.get_ref().and_then(|error| error.downcast_ref::<Error>()).expect("the error").code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_a_request_and_its_response_until_eof() {
    let (a, b, _listener, mut ours, mut theirs) = streams().await;
    let request = pattern(3_000_000);
    let server = tokio::spawn(async move {
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).await.expect("request");
        assert_eq!(AsyncReadExt::read(&mut theirs, &mut [0; 8]).await.expect("EOF stays"), 0);
        copy(&mut received.as_slice(), &mut theirs).await.expect("response");
        theirs.shutdown().await.expect("FIN");
        theirs.shutdown().await.expect("idempotent");
        theirs
    });
    AsyncWriteExt::write_all(&mut ours, &request).await.expect("request");
    soon(ours.shutdown()).await.expect("FIN");
    let mut response = Vec::new();
    soon(ours.read_to_end(&mut response)).await.expect("response");
    assert_eq!(response, request);
    let error = ours.write_all(b"more").await.expect_err("finished");
    assert_eq!(error.code(), Code::StreamFinished);
    soon(server).await.expect("server");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn split_halves_work_in_two_tasks() {
    let (a, b, _listener, ours, theirs) = streams().await;
    let bytes = pattern(3_000_000);
    let ends = [ours, theirs].map(|end| {
        let bytes = bytes.clone();
        let (mut reader, mut writer) = split(end);
        let sending = tokio::spawn(async move {
            writer.write_all(&bytes).await.expect("write");
            writer.shutdown().await.expect("FIN");
        });
        let receiving = tokio::spawn(async move {
            let mut received = Vec::new();
            reader.read_to_end(&mut received).await.expect("read");
            received
        });
        (sending, receiving)
    });
    for (sending, receiving) in ends {
        assert_eq!(soon(receiving).await.expect("reader"), bytes);
        soon(sending).await.expect("writer");
    }
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flush_sends_the_header_the_ack_and_corked_bytes() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    // The second stream is opened without waiting: its header waits for the first bytes.
    drop(stream(&a, &b, &Protocol::Tcp, &listener).await);
    let connection = a.peer(&b.address()).expect("peer").connection().expect("connection");
    let mut ours =
        connection.try_open(&support::header(&Protocol::Tcp), OpenOptions::default()).expect("open").expect("room");
    ours.cork();
    ours.write_all(b"hello").await.expect("corked");
    assert!(ours.is_corked());
    soon(AsyncWriteExt::flush(&mut ours)).await.expect("flush");
    let mut theirs = incoming(&listener).await.stream;
    let mut hello = [0; 5];
    soon(theirs.read_exact(&mut hello)).await.expect("bytes");
    assert_eq!(&hello, b"hello");
    soon(AsyncWriteExt::flush(&mut theirs)).await.expect("flush");
    soon(ours.acknowledged()).await.expect("ack");
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_waits_for_the_ack_and_reports_a_refusal() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut ours = open(&a, &b, &Protocol::Tcp, LATER).await.expect("stream");
    let (acknowledged, mut theirs) = tokio::join!(soon(ours.acknowledged()), async {
        let mut theirs = incoming(&listener).await.stream;
        AsyncWriteExt::flush(&mut theirs).await.expect("flush");
        theirs
    });
    acknowledged.expect("ack");
    soon(theirs.acknowledged()).await.expect("nothing to wait for");
    let mut refused = open(&a, &b, &generic("unknown"), LATER).await.expect("stream");
    assert_eq!(soon(refused.acknowledged()).await.expect_err("refused").code(), Code::ProtocolUnsupported);
    let error = soon(AsyncReadExt::read(&mut refused, &mut [0; 8])).await.expect_err("refused");
    assert_eq!((error.kind(), code(&error)), (ErrorKind::ConnectionRefused, Code::ProtocolUnsupported));
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reset_stop_and_loss_are_io_errors_with_the_error_inside() {
    let (a, b, listener, mut ours, mut theirs) = streams().await;
    theirs.reset(7);
    let error = soon(AsyncReadExt::read(&mut ours, &mut [0; 8])).await.expect_err("reset");
    assert_eq!((error.kind(), code(&error)), (ErrorKind::ConnectionReset, Code::StreamReset));
    let error = error.downcast::<Error>().expect("the error");
    assert_eq!(error.error_code(), Some(7));

    theirs.stop(8);
    let error = soon(async {
        loop {
            if let Err(error) = AsyncWriteExt::write_all(&mut ours, &[0; 1024]).await {
                return error;
            }
        }
    })
    .await;
    assert_eq!((error.kind(), code(&error)), (ErrorKind::BrokenPipe, Code::StreamStopped));

    let mut lost = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    drop(incoming(&listener));
    b.close_now();
    let error = soon(AsyncReadExt::read(&mut lost, &mut [0; 8])).await.expect_err("lost");
    assert_eq!((error.kind(), code(&error)), (ErrorKind::ConnectionAborted, Code::ConnectionLost));
    close(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debug_output_has_no_payload() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    drop(stream(&a, &b, &Protocol::Tcp, &listener).await);
    let connection = a.peer(&b.address()).expect("peer").connection().expect("connection");
    let mut ours =
        connection.try_open(&support::header(&Protocol::Tcp), OpenOptions::default()).expect("open").expect("room");
    ours.cork();
    ours.write_all(b"secret").await.expect("corked");
    let spelled = format!("{:?}", b"secret");
    let inside = spelled.trim_matches(['[', ']']);
    let unsent = format!("{ours:?}");
    ours.finish();
    // The header and the payload arrive in one packet, so the bytes after the header are buffered.
    let mut theirs = incoming(&listener).await;
    support::until("the payload is buffered", || {
        theirs.stream.read_ahead(&mut std::task::Context::from_waker(std::task::Waker::noop()), 64);
        !format!("{theirs:?}").contains("buffered_bytes: 0")
    })
    .await;
    for text in [unsent, format!("{theirs:?}")] {
        assert!(!text.contains(inside) && !text.contains("secret"), "{text}");
    }
    close(&[&a, &b]).await;
}
