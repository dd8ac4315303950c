//! The connections of a tunnel leave nothing behind. Alone in its file: it measures the process.
#![cfg(target_os = "linux")]

mod support;

use support::{
    close,
    echoes::{echo_service, exchange, tunnel_to},
    soon, until,
};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_thousand_connections_leave_no_socket_and_no_memory_behind() {
    let port = echo_service().await;
    let (client, server, tunnels) = tunnel_to(port).await;
    let bridge = tunnels[1].port();
    let rounds = |count: usize| async move {
        for _ in 0..count {
            let mut clients = JoinSet::new();
            for number in 0..50 {
                clients.spawn(async move { exchange(bridge, number, 2_000).await });
            }
            soon(clients.join_all()).await;
        }
    };
    let none_left = || until("the connections end", || tunnels.iter().all(|tunnel| tunnel.connection_count() == 0));
    // One-time allocations: buffers, and the tables of the connection.
    rounds(10).await;
    none_left().await;
    let (sockets, memory) = (open_files(), resident_kib());
    rounds(40).await;
    none_left().await;
    until("the sockets close", || open_files() <= sockets).await;
    let grown = resident_kib().saturating_sub(memory);
    assert!(grown < 4_096, "{grown} KiB");
    drop(tunnels);
    close(&[&client, &server]).await;
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
