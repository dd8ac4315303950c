//! Counters of a connection.

use std::sync::atomic::Ordering;

use iroh::endpoint::VarInt;

use super::Connection;

/// Counters of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// UDP payload sent, in bytes.
    pub bytes_sent: u64,
    /// UDP payload received, in bytes.
    pub bytes_received: u64,
    /// UDP datagrams sent.
    pub datagrams_sent: u64,
    /// UDP datagrams received.
    pub datagrams_received: u64,
    /// QUIC packets declared lost.
    pub lost_packets: u64,
    /// Streams and connection guards in use.
    pub streams: u64,
}

/// Traffic counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrafficSnapshot {
    /// UDP bytes received. Any change shows that the peer is alive.
    pub(crate) received: u64,
    /// Stream frames sent and received. QUIC's keep-alive does not count.
    pub(crate) traffic: u64,
    /// Streams and connection guards in use.
    pub(crate) active: usize,
}

impl Connection {
    /// Counters since the connection was made.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let quic = self.0.quic.stats();
        Stats {
            bytes_sent: quic.udp_tx.bytes,
            bytes_received: quic.udp_rx.bytes,
            datagrams_sent: quic.udp_tx.datagrams,
            datagrams_received: quic.udp_rx.datagrams,
            lost_packets: quic.lost_packets,
            streams: self.active_count() as u64,
        }
    }

    /// Samples the traffic for the peer's actor. Arms the activity alarm if the connection is unused.
    pub(crate) fn sample(&self) -> TrafficSnapshot {
        let stats = self.0.quic.stats();
        let traffic = stats.frame_rx.stream + stats.frame_tx.stream;
        TrafficSnapshot { received: stats.udp_rx.bytes, traffic, active: self.0.active.arm_activity_wake() }
    }

    /// Whether the peer has sent a stream frame, such as an ack.
    pub(crate) fn carried_streams(&self) -> bool {
        self.0.quic.stats().frame_rx.stream > 0
    }

    /// Sets the receive window in bytes. QUIC announces only a larger one.
    pub(crate) fn set_receive_window(&self, bytes: u64) {
        self.0.receive_window.store(bytes, Ordering::Relaxed);
        if let Some(quic) = self.0.quic.live() {
            quic.set_receive_window(VarInt::from_u64(bytes).unwrap_or(VarInt::MAX));
        }
    }

    /// Announces the receive window again. The peer's QUIC acknowledges that frame, and flow control never blocks it.
    pub(crate) fn probe(&self) {
        let window = VarInt::from_u64(self.0.receive_window.load(Ordering::Relaxed)).unwrap_or(VarInt::MAX);
        let less = VarInt::from_u64(window.into_inner().saturating_sub(1)).unwrap_or(window);
        if let Some(quic) = self.0.quic.live().filter(|_| window > less) {
            // QUIC announces only a window that grows.
            quic.set_receive_window(less);
            quic.set_receive_window(window);
        }
    }
}
