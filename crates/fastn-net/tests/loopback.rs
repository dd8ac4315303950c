//! `Network::Loopback` opens one socket, on 127.0.0.1, and nothing else. The test reads the system's own list of sockets. It is alone in
//! its file, so that no other test's sockets are in this process.

#![cfg(target_os = "linux")]

mod support;

use std::{collections::BTreeSet, fs};

use fastn_net::Protocol;
use support::{close, echo, endpoint, exchange, introduce, open};

/// `protocol local-address:port` of every socket of this process, as the kernel writes them.
fn sockets() -> Vec<(&'static str, String)> {
    let mine: BTreeSet<String> = fs::read_dir("/proc/self/fd")
        .expect("descriptors")
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut found = Vec::new();
    for protocol in ["udp", "udp6", "tcp", "tcp6", "raw", "raw6", "icmp", "icmp6"] {
        let table = fs::read_to_string(format!("/proc/self/net/{protocol}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if mine.contains(fields[9]) {
                found.push((protocol, fields[1].to_owned()));
            }
        }
    }
    found
}

/// 127.0.0.1 in the kernel's notation: one number, in the machine's own byte order.
fn on_loopback(port: u16) -> (&'static str, String) {
    let address = u32::from_ne_bytes([127, 0, 0, 1]);
    ("udp", format!("{address:08X}:{port:04X}"))
}

#[tokio::test]
async fn one_udp_socket_on_127_0_0_1_and_nothing_else() {
    assert_eq!(sockets(), []);
    let a = endpoint().await;
    let bound = a.bound_sockets();
    assert_eq!(bound.len(), 1);
    assert_eq!(sockets(), [on_loopback(bound[0].port())]);

    // Nor does anything else open while it is used.
    let b = endpoint().await;
    introduce(&a, &b);
    echo(&b, &[Protocol::Tcp]);
    let stream = open(&a, &b, &Protocol::Tcp, support::USUAL).await.expect("stream");
    assert_eq!(exchange(stream, b"hello").await.expect("answer"), b"hello");
    let mut expected: Vec<_> = [&a, &b].map(|endpoint| on_loopback(endpoint.bound_sockets()[0].port())).into();
    let mut now = sockets();
    expected.sort();
    now.sort();
    assert_eq!(now, expected);
    for address in a.address().addresses.into_iter().chain(b.address().addresses) {
        assert!(address.ip().is_loopback(), "{address}");
    }
    assert!(a.address().relays.is_empty());

    close(&[&a, &b]).await;
    support::until("the sockets are closed", || sockets().is_empty()).await;
}
