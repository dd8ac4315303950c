//! The ALPNs, and the features of each (docs/wire.md, Connection).

/// Version of the protocol that two peers negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// `/fastn-net/1`: streams both ways on one connection, refusal lines, codes.
    FastnNet,
    /// `/fastn/entity/0.1`: every fastn peer. Only the dialler opens streams.
    Entity,
    /// `/kulfi/identity/0.1`: malai and kulfi peers, few protocols.
    Kulfi,
}

impl Alpn {
    /// In the order of preference. The last one is offered only on request.
    pub const ALL: [Self; 3] = [Self::FastnNet, Self::Entity, Self::Kulfi];

    /// The bytes in the handshake.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::FastnNet => b"/fastn-net/1",
            Self::Entity => b"/fastn/entity/0.1",
            Self::Kulfi => b"/kulfi/identity/0.1",
        }
    }

    /// The same as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FastnNet => "/fastn-net/1",
            Self::Entity => "/fastn/entity/0.1",
            Self::Kulfi => "/kulfi/identity/0.1",
        }
    }

    /// The negotiated ALPN, if it is one of ours.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|alpn| alpn.as_bytes() == bytes)
    }

    /// Whether the peer uses this library: it then accepts streams on any connection of the pair, whichever side dialled it, and knows
    /// our codes.
    #[must_use]
    pub const fn is_native(self) -> bool {
        matches!(self, Self::FastnNet)
    }

    /// The ALPNs that an endpoint offers.
    #[must_use]
    pub fn offered(kulfi: bool) -> Vec<Vec<u8>> {
        let count = if kulfi { 3 } else { 2 };
        Self::ALL[..count].iter().map(|alpn| alpn.as_bytes().to_vec()).collect()
    }
}
