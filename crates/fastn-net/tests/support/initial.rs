//! First packets of handshakes, sealed by hand: any number of them, from any address, with or without a Retry token.
//!
//! RFC 9000, 17.2.2 and 17.2.5, has the packets; RFC 9001, 5, their keys.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use fastn_net::{PublicKey, wire::alpn::Alpn};
use rustls::{
    Side, SupportedCipherSuite,
    crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
    quic::{Keys, Version},
};

use super::{raw::Raw, soon};

const VERSION_1: [u8; 4] = [0, 0, 0, 1];
const TAG: usize = 16;

/// The first message of an iroh dialler: a whole `ClientHello`.
pub(crate) struct ClientHello {
    source_id: Vec<u8>,
    payload: Vec<u8>,
}

/// An answer to a first packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Prove the address: with this token, and this as the next destination id.
    Retry { id: Vec<u8>, token: Vec<u8> },
    /// The handshake continues.
    Hello,
    /// It is over, with this transport error.
    Close(u64),
}

/// Reads a packet from its start.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn id(&mut self) -> &'a [u8] {
        let length = self.take(1)[0];
        self.take(length.into())
    }

    /// A number of variable length (RFC 9000, 16).
    fn number(&mut self) -> u64 {
        let first = self.take(1)[0];
        let more = self.take((1 << (first >> 6)) - 1);
        more.iter().fold(u64::from(first & 0x3f), |number, byte| number << 8 | u64::from(*byte))
    }

    fn length(&mut self) -> usize {
        self.number().try_into().expect("length")
    }
}

fn keys(destination: &[u8], side: Side) -> Keys {
    let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else { unreachable!("a suite of TLS 1.3") };
    Keys::initial(Version::V1, suite, suite.quic.expect("for QUIC"), destination, side)
}

/// The payload of the Initial packet that a datagram starts with, and its source id, if it belongs to the client's first packet
/// with this destination id.
fn opened(datagram: &[u8], destination: &[u8], side: Side) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut reader = Reader(&datagram[5..]);
    reader.id();
    let source_id = reader.id().to_vec();
    let token = reader.length();
    reader.take(token);
    let length = reader.length();
    let at = datagram.len() - reader.0.len();
    let mut packet = datagram[..at + length].to_vec();
    let keys = keys(destination, side).remote;
    let (sample, mut first) = (packet[at + 4..at + 4 + keys.header.sample_len()].to_vec(), packet[0]);
    let mut number = packet[at..at + 4].to_vec();
    keys.header.decrypt_in_place(&sample, &mut first, &mut number).expect("header");
    let number = &number[..=usize::from(first & 3)];
    packet[0] = first;
    packet[at..at + number.len()].copy_from_slice(number);
    let (header, payload) = packet.split_at_mut(at + number.len());
    let number = number.iter().fold(0, |whole, byte| whole << 8 | u64::from(*byte));
    let payload = keys.packet.decrypt_in_place(number, header, payload).ok()?;
    Some((payload.to_vec(), source_id))
}

impl ClientHello {
    /// The `ClientHello` for a peer with this key.
    pub(crate) async fn to(id: PublicKey) -> Self {
        let sink = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("socket");
        let at = sink.local_addr().expect("address");
        let raw = Raw::bind(&[]).await;
        let mut packet = vec![0; 2048];
        let received = tokio::select! {
            received = soon(sink.recv(&mut packet)) => received.expect("packet"),
            () = raw.dial_at(id, at, Alpn::FastnNet) => panic!("nothing answers"),
        };
        packet.truncate(received);
        let destination = packet[6..6 + usize::from(packet[5])].to_vec();
        let (mut payload, source_id) = opened(&packet, &destination, Side::Server).expect("payload");
        // PADDING: shorter datagrams are dropped.
        payload.resize(payload.len().max(1200), 0);
        // Not closed: that waits for the handshake.
        drop(raw);
        Self { source_id, payload }
    }

    /// The first packet of a handshake.
    pub(crate) fn sealed(&self, destination: &[u8], token: &[u8]) -> Vec<u8> {
        const NUMBER: [u8; 4] = [0; 4];
        let mut packet = vec![0xc3];
        packet.extend(VERSION_1);
        for id in [destination, &self.source_id] {
            packet.push(u8::try_from(id.len()).expect("id"));
            packet.extend(id);
        }
        for length in [token.len(), NUMBER.len() + self.payload.len() + TAG] {
            packet.extend((u16::try_from(length).expect("length") | 0x4000).to_be_bytes());
            if length == token.len() {
                packet.extend(token);
            }
        }
        let at = packet.len();
        packet.extend(NUMBER);
        let keys = keys(destination, Side::Client).local;
        let mut payload = self.payload.clone();
        let tag = keys.packet.encrypt_in_place(0, &packet, &mut payload).expect("payload");
        packet.extend(payload);
        packet.extend(tag.as_ref());
        let sample = packet[at + 4..at + 4 + keys.header.sample_len()].to_vec();
        let (header, rest) = packet.split_at_mut(at);
        keys.header.encrypt_in_place(&sample, &mut header[0], &mut rest[..4]).expect("header");
        packet
    }

    /// Begins a handshake, and returns the answer, if any. Sends the packet again while there is none, as a client would. No other
    /// handshake of this socket may be in flight.
    pub(crate) fn ask(&self, from: &UdpSocket, to: SocketAddr, destination: &[u8], token: &[u8]) -> Option<Answer> {
        const ATTEMPTS: usize = 10;
        let mut answer = [0; 2048];
        from.set_read_timeout(Some(Duration::from_millis(500))).expect("socket");
        for _ in 0..ATTEMPTS {
            from.send_to(&self.sealed(destination, token), to).expect("send");
            while let Ok(count) = from.recv(&mut answer) {
                if let Some(answer) = Answer::of(&answer[..count], destination) {
                    return Some(answer);
                }
            }
        }
        None
    }

    /// Begins a handshake from an address that must be validated, validates it, and sends nothing more. Begins again when a client would.
    pub(crate) fn begin_proven(&self, from: &UdpSocket, to: SocketAddr) {
        const ATTEMPTS: usize = 100;
        for _ in 0..ATTEMPTS {
            let (id, token) = match self.ask(from, to, &destination(), &[]) {
                Some(Answer::Retry { id, token }) => (id, token),
                // A slot for unproven addresses was free again, and is taken now.
                Some(Answer::Hello) => continue,
                other => panic!("{other:?} in place of a Retry"),
            };
            match self.ask(from, to, &id, &token) {
                Some(Answer::Hello) => return,
                // noq chooses the id of a Retry at random, out of 2^24. There is no answer if a handshake in flight has the same one. A
                // second Retry may answer a first packet that was sent again.
                None | Some(Answer::Retry { .. }) => {}
                other => panic!("{other:?} in place of a Hello"),
            }
        }
        panic!("no handshake in {ATTEMPTS} attempts");
    }
}

impl Answer {
    /// `None`: it belongs to another handshake. `destination`: of the first packet.
    pub(crate) fn of(datagram: &[u8], destination: &[u8]) -> Option<Self> {
        match datagram[0] & 0xf0 {
            0xc0 => {}
            0xf0 => {
                let mut reader = Reader(&datagram[5..]);
                reader.id();
                let id = reader.id().to_vec();
                return Some(Self::Retry { id, token: reader.0[..reader.0.len() - TAG].to_vec() });
            }
            _ => return None,
        }
        let payload = opened(datagram, destination, Side::Client)?.0;
        let mut frames = Reader(&payload);
        while !frames.0.is_empty() {
            match frames.number() {
                // PADDING, PING
                0 | 1 => {}
                // ACK without further ranges
                2 => {
                    let _ = [(); 4].map(|()| frames.number());
                }
                6 => return Some(Self::Hello),
                0x1c => return Some(Self::Close(frames.number())),
                other => panic!("frame {other}"),
            }
        }
        None
    }
}

/// A socket on 127.0.0.x; each is a source of its own.
pub(crate) fn socket(x: u8) -> UdpSocket {
    UdpSocket::bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, x), 0))).expect("socket")
}

/// A destination id of its own.
pub(crate) fn destination() -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec()
}

/// The memory of this process that is in use, in bytes.
#[cfg(target_os = "linux")]
pub(crate) fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().expect("kB")
}
