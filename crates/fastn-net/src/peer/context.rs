//! The parts of an endpoint that its peers' actors use.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

use super::Peer;
use crate::{
    config::Limits, connection::Connection, counters::Counters, identity::PublicKey, lifecycle::Lifecycle,
    quota::Quota, transport::Transport,
};

/// Accepts the streams of a connection until it ends, within the quota of its peer.
pub(crate) type Serve = Box<dyn Fn(Arc<Quota>, Connection) -> BoxFuture<'static, ()> + Send + Sync>;

/// Shared by all peers' actors of an endpoint.
pub(crate) struct PeerContext {
    /// The endpoint's own key.
    pub(crate) id: PublicKey,
    pub(crate) limits: Limits,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) serve: Serve,
}

/// The endpoint's registries of peers and connections, as the actors see them.
pub(crate) trait Registry: fmt::Debug + Send + Sync {
    /// Adds a connection. Closes it with the shutdown code if the endpoint is closing.
    fn connection_opened(&self, connection: &Connection);

    /// Offers an incoming connection to a program that takes connections.
    fn connection_accepted(&self, connection: &Connection);

    /// Watches the paths of a connection while the peer has a watcher.
    fn follow_paths(self: Arc<Self>, connection: &Connection);

    fn connection_ended(&self, connection: &Connection);

    /// Reports a change of a peer: its state, its preferred connection, or the loss of a connection.
    fn peer_changed(&self, peer: &PublicKey);

    /// Forgets the peer, with its actor and addresses, unless it is held elsewhere. `is_quiet`: the actor's mailbox is empty.
    fn forget(&self, peer: &Arc<Peer>, is_quiet: &dyn Fn() -> bool) -> bool;
}

impl fmt::Debug for PeerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerContext").field("id", &self.id).finish_non_exhaustive()
    }
}
