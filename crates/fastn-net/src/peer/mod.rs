//! One actor for each remote key: the only owner of that peer's connections.
//!
//! - `table`: what to do, as a table of state and event; no network, no clock
//! - `actor`: does it: dials, pings, hands out, gives up
//! - `dial`: one attempt
//! - `status`: what it publishes

mod actor;
mod dial;
mod status;
mod table;

pub use status::{PeerState, PeerStatus};

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{
    mpsc::{self, error::SendError},
    oneshot,
};

use crate::{
    config::PeerAddress,
    connection::Connection,
    error::{Code, Error, Result},
    identity::PublicKey,
    shared::Shared,
    wire::codes::close,
};

/// A peer of an endpoint: its addresses, and the connection in use if there is one.
#[derive(Debug)]
pub struct Peer {
    id: PublicKey,
    address: Mutex<PeerAddress>,
    /// What new streams go over. Kept here so that opening one needs no actor.
    preferred: Mutex<Option<Connection>>,
    /// Written by the actor, read by everyone.
    status: Mutex<PeerStatus>,
    mailbox: mpsc::UnboundedSender<Message>,
}

/// What an actor is told. Each sender is bounded by what it stands for: a request, a connection.
#[derive(Debug)]
pub(crate) enum Message {
    Wanted(oneshot::Sender<Result<Connection>>),
    Inbound(Connection),
    Dialled(Result<Connection>),
    Pinged(u64, bool),
    Lost(u64),
    Shutdown,
}

impl Peer {
    /// A peer with its actor running.
    pub(crate) fn start(shared: &Arc<Shared>, address: PeerAddress) -> Arc<Self> {
        let (mailbox, messages) = mpsc::unbounded_channel();
        let peer = Arc::new(Self {
            id: address.id,
            address: Mutex::new(address),
            preferred: Mutex::default(),
            status: Mutex::default(),
            mailbox,
        });
        shared.spawn(actor::run(shared.clone(), peer.clone(), messages));
        peer
    }

    /// Who.
    #[must_use]
    pub fn id(&self) -> PublicKey {
        self.id
    }

    /// Everything that is known of where it is.
    #[must_use]
    pub fn address(&self) -> PeerAddress {
        lock(&self.address).clone()
    }

    /// Adds to what is known of where it is.
    pub fn add_address(&self, address: &PeerAddress) {
        lock(&self.address).merge(address);
    }

    /// The connection that new streams go over, if there is a live one.
    #[must_use]
    pub fn connection(&self) -> Option<Connection> {
        lock(&self.preferred).clone().filter(Connection::is_live)
    }

    /// How it stands with the peer, without asking its actor.
    #[must_use]
    pub fn status(&self) -> PeerStatus {
        lock(&self.status).clone()
    }

    /// The connection that new streams go over; makes one if there is none. Callers share one dial.
    /// Cancel safe: the dial goes on for the others.
    ///
    /// # Errors
    ///
    /// `ERR_UNREACHABLE`, `ERR_PEER_ADDRESS`, `ERR_UNAUTHORIZED`, `ERR_PROTOCOL_UNSUPPORTED`, `ERR_CLOSED`.
    pub async fn connect(&self) -> Result<Connection> {
        if let Some(connection) = self.connection() {
            return Ok(connection);
        }
        let (answer, result) = oneshot::channel();
        self.tell(Message::Wanted(answer));
        result.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(crate) fn tell(&self, message: Message) {
        // An actor that is gone drops what it is asked, which its asker sees as closed. Its peer must see that too.
        if let Err(SendError(Message::Inbound(connection) | Message::Dialled(Ok(connection)))) =
            self.mailbox.send(message)
        {
            connection.close_own(close::SHUTDOWN, "this endpoint is closing");
        }
    }

    fn publish(&self, status: PeerStatus) {
        *lock(&self.status) = status;
    }

    fn prefer(&self, connection: Option<Connection>) {
        *lock(&self.preferred) = connection;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while held")
}

pub(crate) fn closed() -> Error {
    Error::new(Code::Closed, "the endpoint was closed")
}
