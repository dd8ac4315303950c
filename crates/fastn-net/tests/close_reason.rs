//! Close reasons that arrive together with a stateless reset.

mod support;

use std::{
    net::{Ipv6Addr, SocketAddr},
    time::Duration,
};

use fastn_net::{PeerAddress, wire::alpn::Alpn};
use iroh::endpoint::ConnectionError;
use support::{
    ANY,
    raw::{Raw, RawStream},
    soon,
};
use tokio::{net::UdpSocket, sync::watch, task::JoinHandle};

/// How long the closing side may take to drain: 3 PTO, far less on loopback.
const DRAINED: Duration = Duration::from_secs(3);

/// A UDP proxy from `::1` to an address on 127.0.0.1.
struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Forward,
    /// Keep the first and the last datagram from the target.
    Hold,
    /// Deliver both, then drop all others.
    Release,
}

impl Proxy {
    async fn to(target: SocketAddr) -> Self {
        let front = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await.expect("bind");
        let back = UdpSocket::bind(ANY).await.expect("bind");
        let address = front.local_addr().expect("address");
        let (state, mut states) = watch::channel(State::Forward);
        let task = tokio::spawn(async move {
            let (mut client, mut first, mut last) = (None, None, None);
            let (mut from_client, mut from_target) = ([0; 2048], [0; 2048]);
            loop {
                tokio::select! {
                    received = front.recv_from(&mut from_client) => {
                        let Ok((length, from)) = received else { continue };
                        client = Some(from);
                        let _ = back.send_to(&from_client[..length], target).await;
                    }
                    received = back.recv_from(&mut from_target) => {
                        let (Ok((length, _)), Some(client)) = (received, client) else { continue };
                        let datagram = &from_target[..length];
                        let state = *states.borrow();
                        match state {
                            State::Forward => drop(front.send_to(datagram, client).await),
                            State::Hold if first.is_none() => first = Some(datagram.to_vec()),
                            State::Hold => last = Some(datagram.to_vec()),
                            State::Release => {}
                        }
                    }
                    Ok(()) = states.changed() => {
                        if *states.borrow() == State::Release {
                            // Without a pause: the other side reads both at once.
                            for datagram in [first.take(), last.take()] {
                                let datagram = datagram.expect("a close and a reset");
                                let sent = front.try_send_to(&datagram, client.expect("client"));
                                assert_eq!(sent.expect("sent"), datagram.len());
                            }
                        }
                    }
                }
            }
        });
        Self { address, state, task }
    }
}

#[tokio::test]
async fn a_close_reason_stays_if_a_stateless_reset_follows_at_once() {
    let raw = Raw::bind(&[Alpn::FastnNet.as_bytes()]).await;
    let client = Raw::bind_ipv6().await;
    let proxy = Proxy::to(raw.address().addresses[0]).await;
    let address = PeerAddress { addresses: vec![proxy.address], ..raw.address() };
    let (ours, theirs) = tokio::join!(client.dial_address(&address, Alpn::FastnNet), raw.accept());
    let mut stream = RawStream::start(&ours, b"hello").await;
    let mut accepted = RawStream::accept(&theirs).await;
    accepted.hears(b"hello").await;
    // Late acknowledgements and probes of the path MTU are not held.
    tokio::time::sleep(Duration::from_millis(500)).await;
    proxy.state.send(State::Hold).expect("proxy");
    theirs.close(7_u32.into(), b"the reason");
    drop((theirs, accepted));
    tokio::time::sleep(DRAINED).await;
    // A stateless reset is shorter than its cause.
    stream.say(&[0; 1000]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(ours.close_reason().is_none(), "nothing has arrived");
    proxy.state.send(State::Release).expect("proxy");
    match soon(ours.closed()).await {
        ConnectionError::ApplicationClosed(close) => {
            assert_eq!((u64::from(close.error_code), &close.reason[..]), (7, &b"the reason"[..]));
        }
        reason => panic!("{reason}"),
    }
    proxy.task.abort();
    client.close().await;
    raw.close().await;
}
