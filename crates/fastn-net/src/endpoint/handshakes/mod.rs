//! Admission of inbound handshakes, apart from connections.
//!
//! Anyone can send the first packet of a handshake, from an address that is not its own. Above a watermark of such handshakes, a peer
//! must first prove its address with a Retry packet, which costs this side no memory. A spoofed address is never counted: only proven
//! addresses have a share each.
//!
//! Many proven addresses together can begin more handshakes than there are slots. A new handshake then evicts the oldest one of the
//! source that has the most, unless that one has only just begun, so that a burst of honest peers evicts nothing. QUIC keeps an evicted
//! or failed handshake for [`LINGERS`]. These are counted too, which bounds the rate of failing handshakes, in total and for each source.

mod source;
#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use iroh::endpoint::Incoming;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use source::Source;

/// Handshakes of peers that have not proven their address: in flight, or lingering.
const UNVALIDATED: usize = 64;

/// Handshakes in flight of peers that proved their address.
const VALIDATED: usize = 512;

/// Failed and evicted handshakes of peers that proved their address. Each costs some 50 KB.
const LINGERING: usize = 768;

/// Above this, a source with a lingering handshake gets no further one: the rest is for sources without failures.
const LINGERING_OF_REPEATERS: usize = LINGERING / 2;

/// Time before a handshake can be evicted: a few round trips.
const UNDISTURBED: Duration = Duration::from_secs(1);

/// How long QUIC keeps a handshake that has failed: three probe timeouts of 1.024 s without a round-trip sample (RFC 9000, 10.2).
const LINGERS: Duration = Duration::from_millis(3100);

/// Time limit of an inbound handshake. Independent of [`crate::config::Connect::attempt_timeout`], the limit of a dial.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// In-flight and lingering inbound handshakes.
#[derive(Debug, Default)]
pub(crate) struct Handshakes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    unvalidated: usize,
    validated: usize,
    sources: HashMap<Source, OfSource>,
    /// Failed and evicted handshakes, with the time QUIC forgets them. `None` for an unproven address.
    lingering: VecDeque<(Instant, Option<Source>)>,
    lingering_validated: usize,
    next: u64,
}

/// The handshakes of one source.
#[derive(Debug, Default)]
struct OfSource {
    /// In flight, the oldest first.
    in_flight: VecDeque<InFlight>,
    lingering: usize,
}

#[derive(Debug)]
struct InFlight {
    number: u64,
    began: Instant,
    evicted: CancellationToken,
}

/// Decision about the first packet of a handshake.
#[derive(Debug)]
pub(crate) enum Admission {
    Accept(HandshakePermit),
    /// The peer must prove its address first.
    Retry,
    /// There is no slot now. The peer resends its packet after its timeout, and may be admitted then.
    Ignore,
}

/// A handshake in flight. Dropping it means that the handshake failed: it lingers. [`HandshakePermit::release`] means that
/// QUIC keeps no handshake.
#[derive(Debug)]
pub(crate) struct HandshakePermit {
    handshakes: Arc<Handshakes>,
    /// `None` for an unproven address.
    source: Option<Source>,
    number: u64,
    evicted: CancellationToken,
    released: bool,
}

impl Handshakes {
    pub(crate) fn admit(self: &Arc<Self>, incoming: &Incoming) -> Admission {
        self.admit_from(incoming.remote_addr_validated().then(|| Source::of(incoming.remote_addr())))
    }

    /// `source`: the peer's address or relay, if it was validated.
    fn admit_from(self: &Arc<Self>, source: Option<Source>) -> Admission {
        let mut state = self.lock();
        let now = Instant::now();
        state.forget_expired(now);
        let number = state.next;
        let evicted = CancellationToken::new();
        match &source {
            None if state.unvalidated >= UNVALIDATED => return Admission::Retry,
            None => state.unvalidated += 1,
            Some(source) => {
                if !state.make_room(source, now) {
                    return Admission::Ignore;
                }
                state.validated += 1;
                let of_source = state.sources.entry(source.clone()).or_default();
                of_source.in_flight.push_back(InFlight { number, began: now, evicted: evicted.clone() });
            }
        }
        state.next += 1;
        Admission::Accept(HandshakePermit { handshakes: self.clone(), source, number, evicted, released: false })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while held")
    }
}

impl State {
    /// Evicts a handshake if needed. Returns false if another one must not begin.
    fn make_room(&mut self, source: &Source, now: Instant) -> bool {
        let (own, own_lingering) =
            self.sources.get(source).map_or((0, 0), |of_source| (of_source.in_flight.len(), of_source.lingering));
        let most = if own_lingering == 0 { LINGERING } else { LINGERING_OF_REPEATERS };
        if own_lingering >= source.share() || self.lingering_validated >= most {
            return false;
        }
        if own >= source.share() {
            return self.evict_oldest(source, now);
        }
        self.validated < VALIDATED || self.greediest().is_some_and(|greediest| self.evict_oldest(&greediest, now))
    }

    /// The source with the most in-flight handshakes. Of equals, the one with the oldest.
    fn greediest(&self) -> Option<Source> {
        let order = |(_, of_source): &(&Source, &OfSource)| {
            (of_source.in_flight.len(), of_source.in_flight.front().map(|oldest| Reverse(oldest.number)))
        };
        self.sources.iter().max_by_key(order).map(|(source, _)| source.clone())
    }

    /// Evicts the oldest handshake of a source. Returns false if it began just now.
    fn evict_oldest(&mut self, source: &Source, now: Instant) -> bool {
        let Some(of_source) = self.sources.get_mut(source) else { return false };
        if of_source.in_flight.front().is_none_or(|oldest| now - oldest.began < UNDISTURBED) {
            return false;
        }
        let Some(oldest) = of_source.in_flight.pop_front() else { return false };
        oldest.evicted.cancel();
        self.validated -= 1;
        self.linger(Some(source.clone()));
        true
    }

    /// Moves a failed handshake from in flight to lingering.
    fn linger(&mut self, source: Option<Source>) {
        if let Some(source) = &source {
            self.sources.entry(source.clone()).or_default().lingering += 1;
            self.lingering_validated += 1;
        }
        self.lingering.push_back((Instant::now() + LINGERS, source));
    }

    fn forget_expired(&mut self, now: Instant) {
        while self.lingering.front().is_some_and(|(expires, _)| *expires <= now) {
            let Some(Some(source)) = self.lingering.pop_front().map(|(_, source)| source) else {
                self.unvalidated -= 1;
                continue;
            };
            self.lingering_validated -= 1;
            if let Some(of_source) = self.sources.get_mut(&source) {
                of_source.lingering -= 1;
            }
            self.forget_unused(&source);
        }
    }

    /// Removes a handshake from those in flight. Returns false if it was evicted.
    fn remove(&mut self, source: &Source, number: u64) -> bool {
        let Some(of_source) = self.sources.get_mut(source) else { return false };
        let Some(at) = of_source.in_flight.iter().position(|handshake| handshake.number == number) else {
            return false;
        };
        of_source.in_flight.remove(at);
        self.validated -= 1;
        true
    }

    fn forget_unused(&mut self, source: &Source) {
        if self.sources.get(source).is_some_and(|of_source| of_source.in_flight.is_empty() && of_source.lingering == 0)
        {
            self.sources.remove(source);
        }
    }
}

impl HandshakePermit {
    /// Waits for the handshake, unless another one evicts it. One that is complete by then stays. Cancel-safe if `handshake` is.
    pub(crate) async fn unless_evicted<T>(&self, handshake: impl Future<Output = T>) -> Option<T> {
        self.evicted.run_until_cancelled(handshake).await
    }

    /// Releases the slot of a handshake that succeeded, or failed in its first packet.
    pub(crate) fn release(mut self) {
        self.released = true;
    }
}

impl Drop for HandshakePermit {
    fn drop(&mut self) {
        let mut state = self.handshakes.lock();
        match self.source.take() {
            None if self.released => state.unvalidated -= 1,
            // It counts towards the watermark until QUIC forgets it.
            None => state.linger(None),
            Some(source) => {
                if state.remove(&source, self.number) && !self.released {
                    state.linger(Some(source));
                } else {
                    state.forget_unused(&source);
                }
            }
        }
    }
}
