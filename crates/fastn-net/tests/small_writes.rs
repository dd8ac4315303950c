//! Small writes while the reader pauses: flow control holds the writer, and the connection stays.

mod support;

use std::{
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant},
};

use fastn_net::Protocol;
use support::{USUAL, close, incoming, open, pair, read_to_end};

/// Long enough for most writes to become a packet of their own.
const PACE: Duration = Duration::from_micros(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_pauses_loses_no_small_write() {
    let (a, b) = pair().await;
    let listener = b.listen(None, &[Protocol::Tcp], false).expect("listen");
    let mut writing = open(&a, &b, &Protocol::Tcp, USUAL).await.expect("stream");
    let mut reading = incoming(&listener).await.stream;

    let mut sent = Vec::new();
    loop {
        let event = format!("event {:>200}\n", sent.len());
        // Without a wait: once flow control holds the writer, enough is unread.
        let written = poll_fn(|cx| Poll::Ready(writing.poll_write(cx, event.as_bytes()))).await;
        let Poll::Ready(count) = written else { break };
        sent.extend_from_slice(&event.as_bytes()[..count.expect("the connection stays")]);
        let at = Instant::now();
        while at.elapsed() < PACE {
            tokio::task::yield_now().await;
        }
    }
    writing.finish();
    assert!(read_to_end(&mut reading).await.expect("whole") == sent);
    close(&[&a, &b]).await;
}
