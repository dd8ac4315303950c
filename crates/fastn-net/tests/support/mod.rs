//! Helpers of the integration tests: endpoints on loopback, whole reads and writes of streams, and a raw peer without this
//! library.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod echoes;
pub(crate) mod initial;
pub(crate) mod raw;

use std::{
    future::{Future, poll_fn},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Wake},
    time::{Duration, Instant},
};

use fastn_net::{
    Config, Connection, ConnectionGuard, ConnectionListener, Endpoint, Error, IncomingStream, Limits, Listener,
    Network, OpenOptions, Peer, PeerAddress, Protocol, Result, SecretKey, Stream, wire::header,
};
use serde_json::json;
use tokio::task::JoinHandle;

/// A port of the system's choice.
pub(crate) const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A timeout that no test reaches.
pub(crate) const GENEROUS: Duration = Duration::from_secs(30);

/// How long a test waits for an event that must happen: longer than every timeout.
const PATIENCE: Duration = Duration::from_mins(1);

/// The defaults of an open: waits for the ack, and retries.
pub(crate) const USUAL: OpenOptions = OpenOptions::new().with_timeout(GENEROUS);

/// Without waiting for the acknowledgement.
pub(crate) const LATER: OpenOptions = USUAL.with_await_ack(false);

/// Without retries.
pub(crate) const ONCE: OpenOptions = USUAL.with_retry(false);

/// The defaults that users get.
pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn config(limits: Limits) -> Config {
    Config { limits, ..Config::new(Network::Loopback) }
}

pub(crate) async fn endpoint() -> Endpoint {
    endpoint_with(limits()).await
}

pub(crate) async fn endpoint_with(limits: Limits) -> Endpoint {
    Endpoint::bind(SecretKey::generate(), config(limits)).await.expect("bind")
}

/// An endpoint that also speaks `/kulfi/identity/0.1`.
pub(crate) async fn kulfi_endpoint(limits: Limits) -> Endpoint {
    Endpoint::bind(SecretKey::generate(), Config { kulfi: true, ..config(limits) }).await.expect("bind")
}

/// Two endpoints that know each other.
pub(crate) async fn pair() -> (Endpoint, Endpoint) {
    let (a, b) = (endpoint().await, endpoint().await);
    introduce(&a, &b);
    (a, b)
}

/// Gives each the address of the other.
pub(crate) fn introduce(a: &Endpoint, b: &Endpoint) {
    a.peer(&b.address()).expect("peer");
    b.peer(&a.address()).expect("peer");
}

pub(crate) async fn close(endpoints: &[&Endpoint]) {
    for endpoint in endpoints {
        soon(endpoint.close(Duration::ZERO)).await;
    }
}

/// Waits for an event that must happen. Fails after a time that even a busy machine does not need.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.unwrap_or_else(|_| panic!("it did not happen within {PATIENCE:?}"))
}

/// Polls once. Returns whether the future is pending.
pub(crate) async fn waits<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// Counts its wakes.
#[derive(Default)]
pub(crate) struct Woken(AtomicUsize);

impl Woken {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits until a condition is true. Fails like [`soon`].
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within {PATIENCE:?}: {what}");
}

/// Repeats an action that a busy machine may delay. Fails unless one of five attempts takes less than `limit`.
pub(crate) async fn once_within(limit: Duration, mut attempt: impl AsyncFnMut() -> Duration) {
    let mut times = Vec::new();
    while times.len() < 5 {
        let time = attempt().await;
        if time < limit {
            return;
        }
        times.push(time);
    }
    panic!("each attempt took {limit:?} or longer: {times:?}");
}

/// The live connection with a peer. The accepting side may serve its streams before the peer knows it.
pub(crate) async fn live_connection(peer: &Peer) -> Connection {
    let live = || peer.connection().filter(Connection::is_live);
    until("connected", || live().is_some()).await;
    live().expect("connection")
}

/// Seconds for which a peer was dialled, as the error of a request that timed out says.
pub(crate) fn seconds_dialled(error: &Error) -> f64 {
    let message = error.message();
    let seconds = message.split(" times in ").nth(1).and_then(|rest| rest.strip_suffix(" s"));
    seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or_else(|| panic!("no time in {message:?}"))
}

pub(crate) fn generic(name: &str) -> Protocol {
    Protocol::Generic(json!(name))
}

pub(crate) fn header(protocol: &Protocol) -> Vec<u8> {
    header::encode(protocol, None).expect("header")
}

/// Opens a stream to an endpoint.
pub(crate) async fn open(from: &Endpoint, to: &Endpoint, protocol: &Protocol, options: OpenOptions) -> Result<Stream> {
    open_at(from, &PeerAddress::new(to.id()), protocol, options).await
}

pub(crate) async fn open_at(
    from: &Endpoint,
    to: &PeerAddress,
    protocol: &Protocol,
    options: OpenOptions,
) -> Result<Stream> {
    let peer = from.peer(to)?;
    soon(from.get_stream(&peer, &header(protocol), options)).await
}

/// A stream and its other end.
pub(crate) async fn stream(
    from: &Endpoint,
    to: &Endpoint,
    protocol: &Protocol,
    listener: &Listener,
) -> (Stream, Stream) {
    let opened = open(from, to, protocol, USUAL).await.expect("stream");
    (opened, incoming(listener).await.stream)
}

pub(crate) async fn incoming(listener: &Listener) -> IncomingStream {
    soon(listener.accept()).await.expect("a stream")
}

pub(crate) async fn write_all(stream: &mut Stream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let count = soon(poll_fn(|cx| stream.poll_write(cx, bytes))).await?;
        bytes = &bytes[count..];
    }
    Ok(())
}

/// Reads exactly `count` bytes.
pub(crate) async fn read_exact(stream: &mut Stream, count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while filled < count {
        let read = soon(poll_fn(|cx| stream.poll_read(cx, &mut bytes[filled..]))).await?;
        filled += read.count;
        assert!(!read.end || filled == count, "the stream ended after {filled} of {count} bytes");
    }
    Ok(bytes)
}

/// Reads up to the FIN.
pub(crate) async fn read_to_end(stream: &mut Stream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = soon(poll_fn(|cx| stream.poll_read(cx, &mut chunk))).await?;
        bytes.extend_from_slice(&chunk[..read.count]);
        if read.end {
            return Ok(bytes);
        }
    }
}

/// Reads until an error. Returns it with the bytes before.
pub(crate) async fn read_until_error(stream: &mut Stream) -> (Vec<u8>, Error) {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match soon(poll_fn(|cx| stream.poll_read(cx, &mut chunk))).await {
            Ok(read) => {
                assert!(!read.end, "a clean end after {} bytes", bytes.len());
                bytes.extend_from_slice(&chunk[..read.count]);
            }
            Err(error) => return (bytes, error),
        }
    }
}

/// Sends a request, finishes, and reads the answer.
pub(crate) async fn exchange(mut stream: Stream, request: &[u8]) -> Result<Vec<u8>> {
    write_all(&mut stream, request).await?;
    stream.finish();
    read_to_end(&mut stream).await
}

/// Serves an echo of these protocols until the endpoint closes.
pub(crate) fn echo(endpoint: &Endpoint, protocols: &[Protocol]) -> JoinHandle<()> {
    let listener = endpoint.listen(None, protocols, false).expect("listen");
    tokio::spawn(async move {
        while let Ok(IncomingStream { mut stream, .. }) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(request) = read_to_end(&mut stream).await else { return };
                if write_all(&mut stream, &request).await.is_ok() {
                    stream.finish();
                }
            });
        }
    })
}

/// Pseudo-random bytes, so that a lost, repeated or misplaced piece shows.
pub(crate) fn pattern(count: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(step).collect()
}

/// The next connection that a peer makes.
pub(crate) async fn next_connection(inbound: &ConnectionListener) -> ConnectionGuard {
    soon(poll_fn(|cx| inbound.poll_accept(cx))).await.expect("connection")
}
