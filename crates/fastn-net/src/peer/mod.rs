//! One actor per remote key. It alone owns that peer's connections.
//!
//! - `table`: the state machine, as a table of state and event; no network, no clock
//! - `actor`: executes the table's actions
//! - `connections`: the actor's connections; `connection_task`: the task of one connection
//! - `context`: the part of the endpoint that the actor uses
//! - `message`, `mailbox`: messages to the actor
//! - `backoff`: delay between two dials
//! - `liveness`: sampled liveness and idleness of a connection
//! - `immediate_check`: why a connection is checked at once, and the check
//! - `supervisor`: runs the actor, and replaces one that panicked
//! - `dial`: one attempt to connect; `ways`: the addresses and look-ups that it tries, `failures`: why dials failed, in words
//! - `keep_connected`: a peer that is kept connected
//! - `status`: status published by the actor
//! - `receive_windows`: receive window of a peer

mod actor;
mod backoff;
mod connection_task;
mod connections;
mod context;
mod dial;
mod failures;
mod immediate_check;
mod keep_connected;
mod liveness;
mod mailbox;
mod message;
mod receive_windows;
mod status;
mod supervisor;
mod table;
mod ways;

pub(crate) use context::{PeerContext, Registry};
pub(crate) use immediate_check::Check;
pub use keep_connected::KeepConnected;
pub(crate) use message::Message;
pub(crate) use receive_windows::first as first_window;
pub use status::{PeerState, PeerStatus};

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    config::PeerAddress,
    connection::Connection,
    deadline,
    error::{Error, Result},
    identity::PublicKey,
    quota::Quota,
};
use mailbox::Mailbox;

/// A peer of an endpoint: its addresses, and the connection in use if there is one.
#[derive(Debug)]
pub struct Peer {
    id: PublicKey,
    /// All given addresses.
    address: Mutex<PeerAddress>,
    /// Recently working addresses: iroh forgets them a minute after the last connection.
    worked: Mutex<PeerAddress>,
    requests: AtomicU64,
    dials: AtomicU64,
    /// Number of [`KeepConnected`] handles.
    keeps: AtomicUsize,
    /// Number of callers that want to own the next connection. See [`Peer::offer_connections`].
    offers: AtomicUsize,
    /// Limits of its streams.
    pub(crate) quota: Arc<Quota>,
    /// The connection for new streams. Kept here so that opening one needs no actor.
    preferred: Mutex<Option<Connection>>,
    /// All live connections, for readers outside the actor.
    connections: Mutex<Vec<Connection>>,
    /// Time of the actor's last event.
    active_at: Mutex<Instant>,
    /// Written by the actor, read by all.
    status: Mutex<PeerStatus>,
    mailbox: Mailbox,
}

/// The remaining tries of a request for a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tries {
    pub(crate) retries: Option<u32>,
    /// Whether this is the first attempt. It does not wait for a backoff that other requests caused.
    pub(crate) first_attempt: bool,
}

impl Tries {
    /// Tries of a new request. Only one without `retry`.
    pub(crate) fn new(retries: Option<u32>, retry: bool) -> Self {
        Self { retries: if retry { retries } else { Some(0) }, first_attempt: true }
    }

    /// The tries left after a failed one.
    pub(crate) fn next(self) -> Self {
        Self { retries: self.retries.map(|left| left.saturating_sub(1)), first_attempt: false }
    }
}

impl Peer {
    /// A peer with its actor running.
    pub(crate) fn start(context: &Arc<PeerContext>, address: PeerAddress, quota: Arc<Quota>) -> Arc<Self> {
        let (mailbox, messages) = Mailbox::new();
        let peer = Arc::new(Self {
            id: address.id,
            worked: Mutex::new(PeerAddress::new(address.id)),
            address: Mutex::new(address),
            quota,
            requests: AtomicU64::new(0),
            dials: AtomicU64::new(0),
            keeps: AtomicUsize::new(0),
            offers: AtomicUsize::new(0),
            preferred: Mutex::default(),
            connections: Mutex::default(),
            active_at: Mutex::new(Instant::now()),
            status: Mutex::default(),
            mailbox,
        });
        context.lifecycle.spawn(supervisor::run(context.clone(), peer.clone(), messages));
        peer
    }

    /// The peer's key.
    #[must_use]
    pub fn id(&self) -> PublicKey {
        self.id
    }

    /// The known addresses: the newest 32 that were given, and those that worked recently.
    #[must_use]
    pub fn address(&self) -> PeerAddress {
        let mut address = lock(&self.address).clone();
        address.merge(&lock(&self.worked));
        address
    }

    /// Adds an address of the peer. Waiting requests try a new address at once.
    pub fn add_address(&self, address: &PeerAddress) {
        let new = lock(&self.address).merge(address);
        if new && !(self.connection().is_some() && self.works_at(address)) {
            self.tell(Message::AddressAdded);
        }
    }

    /// Whether every part of this address is in use by a live connection.
    fn works_at(&self, address: &PeerAddress) -> bool {
        let worked = lock(&self.worked);
        address.addresses.iter().all(|address| worked.addresses.contains(address))
            && address.relays.iter().all(|relay| worked.relays.contains(relay))
    }

    /// Keeps the peer connected until the handle is dropped or the endpoint closes.
    ///
    /// # Errors
    ///
    /// `ERR_CLOSED`.
    pub fn keep(self: &Arc<Self>) -> Result<KeepConnected> {
        KeepConnected::new(self)
    }

    /// The live connection for new streams, if there is one.
    #[must_use]
    pub fn connection(&self) -> Option<Connection> {
        lock(&self.preferred).clone().filter(Connection::is_usable)
    }

    /// Its live connections, including retired ones.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        lock(&self.connections).clone()
    }

    /// Snapshot of the peer, without a round trip to its actor.
    #[must_use]
    pub fn status(&self) -> PeerStatus {
        lock(&self.status).clone()
    }

    /// Returns the connection for new streams. Dials if there is none, and redials up to [`crate::config::Connect::retries`]
    /// times. Callers share their dials. Has no time limit of its own. Cancel-safe: a dial in flight continues.
    ///
    /// # Errors
    ///
    /// `ERR_PEER_ADDRESS`, `ERR_UNAUTHORIZED`, `ERR_PROTOCOL_UNSUPPORTED`, `ERR_CLOSED`: at once. `ERR_UNREACHABLE` when the
    /// retries are used up. It comes at once when no address is known and no look-up is configured.
    pub(crate) async fn connect(&self, tries: Tries) -> Result<Connection> {
        if let Some(connection) = self.connection() {
            return Ok(connection);
        }
        let (answer, result) = oneshot::channel();
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut wait = Wait { peer: self, request, answered: false };
        self.tell(Message::Wanted { request, answer, retries: tries.retries, first_attempt: tries.first_attempt });
        let result = result.await.unwrap_or_else(|_| Err(self.unanswered()));
        wait.answered = true;
        result
    }

    /// Runs a request with a time limit. The error says what was tried to reach the peer.
    pub(crate) async fn within<T>(
        &self,
        context: &PeerContext,
        limit: Duration,
        request: impl Future<Output = Result<T>>,
    ) -> Result<Result<T>, Error> {
        let started = Instant::now();
        // Includes the dial in flight, whether or not the actor has counted it yet.
        let under_way = u64::from(self.status().state == PeerState::Dialling);
        let dials = self.dials.load(Ordering::Relaxed).saturating_sub(under_way);
        deadline::within(limit, request).await.ok_or_else(|| {
            let dials = self.dials.load(Ordering::Relaxed).saturating_sub(dials);
            dial::out_of_time(context, self, started, limit, dials)
        })
    }

    /// Offers each connection made until the guard is dropped to a program that takes connections.
    pub(crate) fn offer_connections(&self) -> OfferGuard<'_> {
        self.offers.fetch_add(1, Ordering::AcqRel);
        OfferGuard(self)
    }

    fn offers_connections(&self) -> bool {
        self.offers.load(Ordering::Acquire) > 0
    }

    pub(crate) fn tell(&self, message: Message) {
        // An ended actor drops the request, and its caller sees a closed channel. The peer must see the same.
        if let Err(message) = self.mailbox.send(message) {
            message.reject();
        }
    }

    /// The error of a request whose actor is gone.
    fn unanswered(&self) -> Error {
        if self.mailbox.is_closed() { Error::closed() } else { supervisor::panicked() }
    }

    fn count_dial(&self) {
        self.dials.fetch_add(1, Ordering::Relaxed);
    }

    /// Remembers the paths of a live connection as addresses.
    fn remember(&self, connection: &Connection) {
        let now = connection.remote_addresses();
        let mut worked = lock(&self.worked);
        let mut latest = now.clone();
        latest.addresses.extend(worked.addresses.drain(..).filter(|address| !now.addresses.contains(address)));
        latest.relays.extend(worked.relays.drain(..).filter(|relay| !now.relays.contains(relay)));
        latest.addresses.truncate(WORKED);
        latest.relays.truncate(WORKED);
        *worked = latest;
    }

    fn join(&self, connection: &Connection) {
        lock(&self.connections).push(connection.clone());
    }

    fn leave(&self, connection: &Connection) {
        lock(&self.connections).retain(|other| other.id() != connection.id());
    }

    /// Whether the peer is unused: no connection, no request, not kept. Call under the lock of the peer registry, so that no new
    /// reference is handed out meanwhile.
    pub(crate) fn is_quiet(self: &Arc<Self>) -> bool {
        // The registry, the actor and its supervisor hold one reference each.
        Arc::strong_count(self) <= 3 && self.mailbox.is_quiet()
    }

    pub(crate) fn active_at(&self) -> Instant {
        *lock(&self.active_at)
    }

    fn publish(&self, status: PeerStatus) {
        *lock(&self.active_at) = Instant::now();
        *lock(&self.status) = status;
    }

    fn prefer(&self, connection: Option<Connection>) {
        *lock(&self.preferred) = connection;
    }
}

/// A request that waits for a connection.
struct Wait<'a> {
    peer: &'a Peer,
    request: u64,
    answered: bool,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.peer.tell(Message::Unwanted(self.request));
        }
    }
}

/// A caller that wants to own the next connection.
pub(crate) struct OfferGuard<'a>(&'a Peer);

impl Drop for OfferGuard<'_> {
    fn drop(&mut self) {
        self.0.offers.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Limit of remembered working addresses, and of relays.
const WORKED: usize = 4;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while held")
}
