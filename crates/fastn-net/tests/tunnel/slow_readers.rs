//! Clients that read nothing, and one beside them that does. Over Unix sockets, whose buffers are small.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use fastn_net::{
    Endpoint,
    tunnel::{
        Allow, BridgeHttpOptions, BridgeOptions, ExposeHttpOptions, ExposeOptions, HttpDestination, SocketName, Tunnel,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::support::{close, pair, soon, until};

const SLOW: usize = 200;

/// Time limit of one answer: 1 s in which the others are stalled, and a margin for a busy machine.
const LIMIT: Duration = Duration::from_secs(3);

const BIG: &[u8] = b"GET /big HTTP/1.1\r\nhost: localhost\r\n\r\n";
const SMALL: &[u8] = b"GET /small HTTP/1.1\r\nhost: localhost\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A service that answers one request per connection. A large answer never ends.
async fn serve(service: UnixListener) {
    while let Ok((mut socket, _)) = service.accept().await {
        tokio::spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                assert_ne!(socket.read_buf(&mut request).await.expect("a request"), 0);
            }
            if request.starts_with(b"GET /small ") {
                return socket.write_all(ANSWER.as_bytes()).await.expect("write");
            }
            let chunk = vec![0; 64 * 1024];
            let mut written = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n").await;
            while written.is_ok() {
                written = socket.write_all(&chunk).await;
            }
        });
    }
}

/// Sockets in a folder of the test's own.
struct Sockets(tempfile::TempDir);

impl Sockets {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> SocketName {
        SocketName::Unix(self.path(name))
    }
}

async fn check(start: impl AsyncFn(&Endpoint, &Endpoint, &Sockets) -> [Tunnel; 2]) {
    let (client, server) = pair().await;
    let sockets = Sockets(tempfile::tempdir().expect("folder"));
    tokio::spawn(serve(UnixListener::bind(sockets.path("service")).expect("bind")));
    let [exposed, bridge] = start(&server, &client, &sockets).await;
    let connect = async |request: &[u8]| {
        let mut socket = soon(UnixStream::connect(sockets.path("bridge"))).await.expect("connect");
        socket.write_all(request).await.expect("write");
        socket
    };
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        slow.push(connect(BIG).await);
    }
    let started = Instant::now();
    // While the window fills, while it is full, and afterwards.
    while started.elapsed() < 3 * LIMIT {
        let mut honest = connect(SMALL).await;
        let answered = timeout(LIMIT, async {
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\nok") {
                assert_ne!(honest.read_buf(&mut answer).await.expect("an answer"), 0, "{answer:?}");
            }
        });
        answered.await.expect("an answer in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The number that the window has room for.
    until("the others are given up", || exposed.connection_count() < 40).await;
    // The client of a stream that was given up sees its end.
    let mut rest = vec![0; 1 << 20];
    let ended = async { while slow[0].read(&mut rest).await.is_ok_and(|count| count > 0) {} };
    soon(ended).await;
    drop((slow, bridge));
    close(&[&client, &server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_slow_readers_of_a_port_hold_up_no_other_client() {
    check(async |server, client, sockets| {
        let exposed = server.expose_tcp(sockets.name("service"), ExposeOptions::new(Allow::Public)).expect("expose");
        let local = sockets.name("bridge");
        let bridge = soon(client.bridge_tcp(&local, server.address(), BridgeOptions::default())).await.expect("bridge");
        [exposed, bridge]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_slow_readers_of_a_site_hold_up_no_other_client() {
    check(async |server, client, sockets| {
        let target = sockets.name("service").to_string().parse().expect("target");
        let exposed = server.expose_http(target, ExposeHttpOptions::new(Allow::Public)).expect("expose");
        let options = BridgeHttpOptions::default().with_destination(HttpDestination::new(server.address()));
        let bridge = soon(client.bridge_http(&sockets.name("bridge"), options)).await.expect("bridge");
        [exposed, bridge]
    })
    .await;
}
