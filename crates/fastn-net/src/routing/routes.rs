//! Maps a protocol to its listener, for one scope: an endpoint or a connection.

use std::{collections::HashMap, sync::Arc};

use super::queue::StreamQueue;
use crate::{
    error::{Code, Error, Result},
    protocol::{Protocol, ProtocolKey},
};

/// The listeners of an endpoint, or of one connection. Each protocol has at most one.
#[derive(Debug, Default)]
pub(super) struct Routes {
    protocols: HashMap<ProtocolKey, (Arc<StreamQueue>, usize)>,
    /// Listener for every other Generic protocol.
    fallback: Option<Arc<StreamQueue>>,
}

/// The destination of a stream.
pub(crate) struct Route {
    pub(crate) queue: Arc<StreamQueue>,
    /// Index among the listener's protocols; `None` for the fallback.
    pub(crate) index: Option<usize>,
}

impl Routes {
    /// Registers a listener.
    ///
    /// # Errors
    ///
    /// `ERR_PROTOCOL_IN_USE`; nothing is registered then.
    pub(super) fn add(&mut self, protocols: &[Protocol], fallback: bool, queue: &Arc<StreamQueue>) -> Result<()> {
        let in_use = |what: &str| {
            Error::new(
                Code::ProtocolInUse,
                format!("{what} has a listener already: one protocol has one listener on an endpoint"),
            )
        };
        let keys: Vec<ProtocolKey> = protocols.iter().map(Protocol::key).collect();
        for (at, key) in keys.iter().enumerate() {
            if self.protocols.contains_key(key) || keys[..at].contains(key) {
                return Err(in_use(&protocols[at].to_string()));
            }
        }
        if fallback && self.fallback.is_some() {
            return Err(in_use("every other Generic protocol"));
        }
        for (index, key) in keys.into_iter().enumerate() {
            self.protocols.insert(key, (queue.clone(), index));
        }
        if fallback {
            self.fallback = Some(queue.clone());
        }
        Ok(())
    }

    pub(super) fn find(&self, key: &ProtocolKey, protocol: &Protocol) -> Option<Route> {
        if let Some((queue, index)) = self.protocols.get(key) {
            return Some(Route { queue: queue.clone(), index: Some(*index) });
        }
        let generic = matches!(protocol, Protocol::Generic(_));
        self.fallback.as_ref().filter(|_| generic).map(|queue| Route { queue: queue.clone(), index: None })
    }

    pub(super) fn remove(&mut self, queue: &Arc<StreamQueue>) {
        self.protocols.retain(|_, (owner, _)| !Arc::ptr_eq(owner, queue));
        self.fallback.take_if(|owner| Arc::ptr_eq(owner, queue));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.protocols.is_empty() && self.fallback.is_none()
    }

    /// All queues. A queue with several protocols occurs several times.
    pub(super) fn into_queues(self) -> impl Iterator<Item = Arc<StreamQueue>> {
        self.protocols.into_values().map(|(queue, _)| queue).chain(self.fallback)
    }
}
