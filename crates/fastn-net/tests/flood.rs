//! Floods of handshakes that never complete. They lock out no peer, and cost bounded memory.

// Each 127.0.0.x is an address of its own, and /proc tells the memory.
#![cfg(target_os = "linux")]

mod support;

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use fastn_net::{Endpoint, PeerAddress, Protocol};
use support::{
    USUAL, close, echo, endpoint, exchange,
    initial::{Answer, ClientHello, destination, resident, socket},
    introduce, open,
};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::{JoinHandle, spawn_blocking},
};

/// Handshakes in flight of unproven addresses: above these, addresses must be proven.
const UNVALIDATED: usize = 64;

/// Handshakes in flight of proven addresses.
const VALIDATED: usize = 512;

/// Limit in bytes of the memory that a flood costs.
const MOST_MEMORY: usize = 100 << 20;

/// Held by each test: floods share memory and processors.
static ALONE: Mutex<()> = Mutex::const_new(());

/// An endpoint under attack, and a connected peer.
struct Attacked {
    server: Endpoint,
    known: Endpoint,
    to: SocketAddr,
    hello: Arc<ClientHello>,
    _alone: MutexGuard<'static, ()>,
}

impl Attacked {
    async fn start() -> Self {
        let alone = ALONE.lock().await;
        let (server, known) = (endpoint().await, endpoint().await);
        echo(&server, &[Protocol::Http]);
        introduce(&known, &server);
        open(&known, &server, &Protocol::Http, USUAL).await.expect("stream");
        let to = server.address().addresses[0];
        let hello = Arc::new(ClientHello::to(server.id()).await);
        Self { server, known, to, hello, _alone: alone }
    }

    /// From now on, peers must prove their addresses.
    fn take_unvalidated(&self) {
        let from = socket(2);
        for _ in 0..2 * UNVALIDATED {
            from.send_to(&self.hello.sealed(&destination(), &[]), self.to).expect("send");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Checks that a known peer and a new one both connect and get an answer.
    async fn serves_others(&self) {
        let began = Instant::now();
        let stream = open(&self.known, &self.server, &Protocol::Http, USUAL).await.expect("a known peer's stream");
        assert_eq!(exchange(stream, b"known").await.expect("echo"), b"known");
        self.known.peer(&self.server.address()).expect("peer").connection().expect("connection").close(0, "");
        let again = open(&self.known, &self.server, &Protocol::Http, USUAL).await.expect("a known peer's connection");
        assert_eq!(exchange(again, b"again").await.expect("echo"), b"again");
        let new = endpoint().await;
        new.peer(&PeerAddress { addresses: vec![self.to], ..PeerAddress::new(self.server.id()) }).expect("peer");
        let stream = open(&new, &self.server, &Protocol::Http, USUAL).await.expect("a new peer's connection");
        assert_eq!(exchange(stream, b"new").await.expect("echo"), b"new");
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        close(&[&new]).await;
    }

    async fn close(self) {
        close(&[&self.known, &self.server]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_token_proves_the_address_that_got_it_and_no_other() {
    const INVALID_TOKEN: u64 = 0x0b;
    let scene = Attacked::start().await;
    scene.take_unvalidated();
    let (hello, to) = (scene.hello.clone(), scene.to);
    let proofs = spawn_blocking(move || {
        let own = socket(2);
        let Some(Answer::Retry { id, token }) = hello.ask(&own, to, &destination(), &[]) else { panic!("no Retry") };
        for other in [socket(3), socket(2)] {
            assert_eq!(hello.ask(&other, to, &id, &token), Some(Answer::Close(INVALID_TOKEN)));
        }
        let mut forged = token.clone();
        forged[0] ^= 1;
        let answer = hello.ask(&socket(4), to, &id, &forged);
        assert!(matches!(answer, Some(Answer::Retry { .. })), "{answer:?}");
        assert_eq!(hello.ask(&own, to, &id, &token), Some(Answer::Hello));
    });
    proofs.await.expect("thread");
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_handshakes_are_evicted_by_new_ones() {
    let scene = Attacked::start().await;
    scene.take_unvalidated();
    let (hello, to) = (scene.hello.clone(), scene.to);
    let held = spawn_blocking(move || {
        for place in 0..VALIDATED {
            let source = u8::try_from(2 + place / 4).expect("address");
            hello.begin_proven(&socket(source), to);
        }
    });
    held.await.expect("thread");
    scene.serves_others().await;
    scene.close().await;
}

/// Runs until the returned guard is dropped.
fn in_background(mut step: impl FnMut() + Send + 'static) -> (tokio::sync::oneshot::Sender<()>, JoinHandle<()>) {
    let (guard, mut ended) = tokio::sync::oneshot::channel();
    let running = spawn_blocking(move || {
        while ended.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
            step();
        }
    });
    (guard, running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_first_packets_costs_little_memory_and_locks_out_no_peer() {
    const COUNT: u32 = 11_000;
    const PACE: Duration = Duration::from_secs(2);
    let scene = Attacked::start().await;
    let before = resident();
    let (hello, to, from) = (scene.hello.clone(), scene.to, socket(2));
    let (began, mut sent) = (Instant::now(), 0);
    let flood = in_background(move || {
        while began.elapsed() > PACE * sent / COUNT {
            from.send_to(&hello.sealed(&destination(), &[]), to).expect("send");
            sent += 1;
        }
        std::thread::sleep(Duration::from_micros(500));
    });
    tokio::time::sleep(PACE).await;
    scene.serves_others().await;
    drop(flood.0);
    flood.1.await.expect("thread");
    let grown = resident().saturating_sub(before);
    assert!(grown < MOST_MEMORY, "grown by {} MB", grown >> 20);
    scene.close().await;
}

/// Takes a Retry, and proves the address with its token.
fn prove(hello: &ClientHello, from: &UdpSocket, to: SocketAddr) {
    let mut answer = [0; 2048];
    while let Ok(count) = from.recv(&mut answer) {
        if let Some(Answer::Retry { id, token }) = Answer::of(&answer[..count], &[]) {
            from.send_to(&hello.sealed(&id, &token), to).expect("send");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_from_proven_addresses_costs_little_memory_and_locks_out_no_peer() {
    let scene = Attacked::start().await;
    scene.take_unvalidated();
    let before = resident();
    let (hello, to) = (scene.hello.clone(), scene.to);
    let sources: Vec<UdpSocket> = (2..=250).map(socket).collect();
    for from in &sources {
        from.set_nonblocking(true).expect("socket");
    }
    // Some 1,000 a second.
    let flood = in_background(move || {
        for from in &sources {
            prove(&hello, from, to);
            from.send_to(&hello.sealed(&destination(), &[]), to).expect("send");
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    scene.serves_others().await;
    drop(flood.0);
    flood.1.await.expect("thread");
    let grown = resident().saturating_sub(before);
    assert!(grown < MOST_MEMORY, "grown by {} MB", grown >> 20);
    scene.close().await;
}
