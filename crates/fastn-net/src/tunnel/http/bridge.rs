//! Bridges local HTTP clients to the services of peers.

use std::sync::Arc;

use hyper::{Method, Request, Response, StatusCode, body::Incoming, header::HOST};
use tokio::sync::Semaphore;
use tracing::warn;

use super::{
    answer::Answer, body::Body, client::serve_client, exchange::Exchange, options::BridgeHttpOptions, page::page,
    peer_services::Peers, route::Routes,
};
use crate::{
    endpoint::Endpoint,
    error::Result,
    log_target,
    tunnel::{
        SocketName, Tunnel,
        listener::{LocalListener, listen_error},
        options::http_protocol,
        running::TunnelTasks,
        socket::Socket,
    },
};

const UNKNOWN_HOST: &str = "this bridge knows no service of this host. Ask for http://<id52>.localhost:<port>/ or \
    http://<service>.<id52>.localhost:<port>/ of a peer, or for a host that the bridge was given";

impl Endpoint {
    /// Serves HTTP/1.1 on `local`, a TCP port or a Unix socket, and sends each request to the service of a peer that exposes it
    /// ([`Endpoint::expose_http`]). The request's Host selects the service: see [`BridgeHttpOptions`]. Requests to other hosts get status
    /// 421, so that a page of another site cannot use the bridge under its own name.
    ///
    /// Older peers are reached over their protocol `Http`: without trailers, interim answers, upgrades and named services.
    ///
    /// Dials a peer when the first request to it arrives. Without an answer, a client gets status 502, 503 or 504 with a text, and 403 if
    /// the peer does not let this endpoint use the service. A truncated answer ends with a reset. Anyone who can reach `local` can use
    /// the services.
    ///
    /// # Errors
    ///
    /// `ERR_LISTEN` if `local` cannot be listened on. `ERR_INVALID_ARGUMENT` for the name of a service or host. `ERR_PEER_ADDRESS` for
    /// this endpoint's own key. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
    pub async fn bridge_http(&self, local: &SocketName, options: BridgeHttpOptions) -> Result<Tunnel> {
        let routes = Routes::new(&options)?;
        for destination in routes.configured() {
            http_protocol(destination.service.as_deref())?;
            self.peer(&destination.peer)?;
        }
        self.check_accepts()?;
        let listener = LocalListener::bind(local).await?;
        let name = listener.name().map_err(|error| listen_error(local, error))?;
        let work = TunnelTasks::new(self);
        let known = routes.configured().map(|destination| destination.peer.clone());
        let peers = Peers::new(known, options.open_timeout, &work);
        let bridge = Arc::new(Bridge { routes, peers, work: work.clone() });
        work.accept(accept(listener, options.max_connections, bridge));
        Ok(Tunnel::new(work, Some(name)))
    }
}

struct Bridge {
    routes: Routes,
    peers: Peers,
    work: TunnelTasks,
}

async fn accept(listener: LocalListener, most: usize, bridge: Arc<Bridge>) {
    let places = Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)));
    while let Ok(place) = places.clone().acquire_owned().await {
        let socket = listener.accept().await;
        let connection = bridge.clone();
        let serving = async move {
            connection.serve(socket).await;
            drop(place);
        };
        bridge.work.start(serving).await;
    }
}

impl Bridge {
    /// Answers the requests of a client, one after the other.
    async fn serve(self: Arc<Self>, socket: Socket) {
        let bridge = self.clone();
        let answer = Answer::new(move |request| {
            let bridge = bridge.clone();
            async move { bridge.answer(request).await }
        });
        serve_client(socket, &self.work, answer).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::CONNECT {
            return page(StatusCode::METHOD_NOT_ALLOWED, "this is a bridge to services of peers, not a proxy");
        }
        let host = match request.uri().authority() {
            Some(authority) => Some(authority.as_str()),
            None => request.headers().get(HOST).and_then(|host| host.to_str().ok()),
        };
        let Some(destination) = host.and_then(|host| self.routes.find(host)) else {
            return page(StatusCode::MISDIRECTED_REQUEST, UNKNOWN_HOST);
        };
        let (request, exchange) = match Exchange::begin(request) {
            Ok(begun) => begun,
            Err(text) => return page(StatusCode::BAD_REQUEST, text),
        };
        match self.peers.send(&destination, request, &exchange).await {
            Ok(response) => exchange.finish(response, &self.work),
            Err(failure) => {
                let (peer, status) = (destination.peer.id, failure.status.as_u16());
                warn!(target: log_target::TUNNEL, %peer, status, error = failure.text, "a request failed");
                page(failure.status, &failure.text)
            }
        }
    }
}
