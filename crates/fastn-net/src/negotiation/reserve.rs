//! Finds the listener of a stream, authorizes the stream, and acquires a permit of the listener's queue.

use super::{Admitted, Negotiation, Unserved, refused};
use crate::{
    connection::grant::Grant,
    protocol::{Protocol, ProtocolKey},
    routing::Route,
    wire::{alpn::Alpn, refusal::word},
};

impl Negotiation {
    /// Authorizes the stream and acquires a permit of the listener's queue. Waits for one as long as the peer does.
    pub(super) async fn reserve(&mut self, protocol: &Protocol) -> Result<Admitted, Unserved> {
        let negotiator = self.negotiator.clone();
        let unserved = || {
            if negotiator.router.is_closed() || negotiator.lifecycle.is_closing() {
                return refused(word::SHUTDOWN, "this endpoint is shutting down");
            }
            refused(word::UNSUPPORTED, format!("nothing here serves {protocol}"))
        };
        let is_spoken = self.connection.alpn() != Alpn::Kulfi || protocol.is_kulfi();
        let key = protocol.key();
        let route = if is_spoken { self.route(protocol, &key).await? } else { None };
        let Some(Route { queue, index }) = route else {
            return Err(unserved());
        };
        let Some(active) = self.connection.acquire() else {
            // The connection is shut, and its close code promises the peer that no handler got this stream. A reset before
            // the close makes no such promise, so the peer would not open the stream again.
            self.connection.closed().await;
            return Err(Unserved::Gone);
        };
        let active =
            active.with_permit(negotiator.authorization.take_stream_permit(&self.quota).map_err(Unserved::Refused)?);
        self.has_stream_permit = true;
        self.wait_permit = None;
        let peer = self.connection.remote();
        let (authorization, quota) = (&negotiator.authorization, &self.quota);
        let grant = authorization.apply_policy(quota, &peer, protocol, key).map_err(Unserved::Refused)?;
        let active = match &grant {
            // From here on, a changed policy revokes it.
            Some(grant) => active.with_grant(self.send.id().into(), grant.clone()),
            None => active,
        };
        let grant = grant.as_deref();
        let mut epoch = self.authorize(protocol, grant).await?;
        let permit = match queue.try_reserve(peer) {
            Ok(Some(permit)) => permit,
            Ok(None) => {
                self.count_header()?;
                self.unless_reset(queue.reserve(peer)).await?.map_err(|()| unserved())?
            }
            Err(()) => return Err(unserved()),
        };
        // Access may have changed while this stream waited.
        while negotiator.authorization.epoch() != epoch {
            epoch = self.authorize(protocol, grant).await?;
        }
        if let Some(grant) = grant {
            negotiator.authorization.check_grant(&peer, protocol, grant).map_err(Unserved::Refused)?;
        }
        negotiator.authorization.check_lists(&peer).map_err(|rejection| Unserved::Refused(rejection.into_refusal()))?;
        Ok(Admitted { permit, route: index, active, epoch })
    }

    /// Authorizes the stream. Returns the epoch whose answers admit it. `grant`, the policy's permission, tells whether the authorizer is
    /// asked.
    async fn authorize(&mut self, protocol: &Protocol, grant: Option<&Grant>) -> Result<u64, Unserved> {
        let negotiator = self.negotiator.clone();
        let epoch = negotiator.authorization.epoch();
        let asks = grant.map(|grant| grant.asks_authorizer);
        if asks == Some(true) && !negotiator.authorization.asks_about_streams() {
            return Err(refused(word::UNAUTHORIZED, format!("this key may not use {protocol}")));
        }
        if negotiator.authorization.checks_streams(&self.connection, epoch) {
            self.count_header()?;
            let connection = self.connection.clone();
            let protocol = (asks != Some(false)).then_some(protocol);
            let check = negotiator.authorization.check_stream(&connection, protocol, epoch);
            self.unless_reset(check).await?.map_err(Unserved::Refused)?;
        }
        Ok(epoch)
    }

    /// Looks up the listener of the protocol. Waits for the owner of an accepted connection to register its listeners.
    async fn route(&mut self, protocol: &Protocol, key: &ProtocolKey) -> Result<Option<Route>, Unserved> {
        let negotiator = self.negotiator.clone();
        loop {
            let changed = negotiator.router.changed();
            let route = negotiator.router.route(self.connection.id(), protocol, key);
            if route.is_some() || negotiator.router.is_closed() {
                return Ok(route);
            }
            let Some(wait) = self.connection.listener_grace_left(negotiator.limits.header_timeout) else {
                return Ok(None);
            };
            self.begin_waiting()?;
            let _ = self.unless_reset(tokio::time::timeout(wait, changed)).await?;
        }
    }
}
