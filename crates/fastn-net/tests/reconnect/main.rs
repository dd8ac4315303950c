//! Managed connections: redialled, kept, closed when idle, and ended with their endpoint.

#[path = "../support/mod.rs"]
mod support;

mod dials;
mod idle;
mod replaced;

use std::{net::SocketAddr, time::Duration};

use fastn_net::{
    Code, Config, Connect, CustomNetwork, Endpoint, Limits, Network, Peer, Protocol, SecretKey,
    wire::codes::close as codes,
};
use support::{
    USUAL, config, exchange, header, limits,
    raw::{Raw, code},
    soon,
};

/// Short timeouts, so that tests are fast.
fn quick() -> Limits {
    let connect = Connect {
        min_delay: Duration::from_millis(10),
        max_delay: Duration::from_millis(100),
        attempt_timeout: Duration::from_millis(500),
        ..limits().connect
    };
    limits().with_connect(connect)
}

fn short() -> Limits {
    quick().with_idle_timeout(Duration::from_millis(300))
}

/// An endpoint with this key, at this address if the system gives it.
async fn at(secret: &SecretKey, bind: SocketAddr) -> Endpoint {
    let network = Network::Custom(CustomNetwork { bind: vec![bind], ..CustomNetwork::default() });
    loop {
        match Endpoint::bind(secret.clone(), Config { network: network.clone(), ..config(quick()) }).await {
            Ok(endpoint) => return endpoint,
            // The system gives a closed socket's port back a moment later.
            Err(error) => assert_eq!(error.code(), Code::Bind),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn ask(from: &Endpoint, to: &Peer) {
    let stream = soon(from.get_stream(to, &header(&Protocol::Tcp), USUAL)).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
}

async fn refuse(raw: &Raw) {
    let connection = raw.accept().await;
    connection.close(code(u32::try_from(codes::UNAUTHORIZED).expect("small")), b"");
}
