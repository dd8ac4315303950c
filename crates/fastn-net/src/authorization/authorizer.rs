//! The trait by which a program answers authorization requests.

use futures_util::future::BoxFuture;

use crate::{identity::PublicKey, protocol::Protocol};

/// A request whether a peer may connect, or may use a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationRequest {
    /// Unique on its endpoint. [`AuthorizationRequests::answer`](super::AuthorizationRequests::answer) takes it.
    pub number: u64,
    /// The peer's key.
    pub peer: PublicKey,
    /// The protocol of the stream; `None` for a request about the peer itself.
    pub protocol: Option<Protocol>,
}

/// Answers the authorization requests of an endpoint. Install it with [`crate::Endpoint::set_authorizer`].
/// [`Authorize`](crate::config::Authorize) says which requests there are, how many at a time, and how long each may take.
///
/// Any `Fn(AuthorizationRequest) -> impl Future<Output = bool>` is one.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> fastn_net::Result<()> {
/// use std::collections::HashSet;
/// use fastn_net::{AuthorizationRequest, Authorize, Authorizer, Config, Endpoint, Network, PublicKey, SecretKey};
///
/// struct Friends(HashSet<PublicKey>);
///
/// impl Authorizer for Friends {
///     async fn authorize(&self, request: AuthorizationRequest) -> bool {
///         self.0.contains(&request.peer)
///     }
/// }
///
/// let rules = Authorize { peer: true, ..Authorize::default() };
/// let config = Config { authorize: Some(rules), ..Config::new(Network::Loopback) };
/// let endpoint = Endpoint::bind(SecretKey::generate(), config).await?;
/// endpoint.set_authorizer(Friends(HashSet::new()))?;
/// # Ok(())
/// # }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Returns whether to admit the peer or stream. Requests run concurrently. The future is dropped when the peer gives up, the time
    /// limit passes, or the endpoint closes. A panic denies the request.
    fn authorize(&self, request: AuthorizationRequest) -> impl Future<Output = bool> + Send;
}

impl<F, A> Authorizer for F
where
    F: Fn(AuthorizationRequest) -> A + Send + Sync + 'static,
    A: Future<Output = bool> + Send,
{
    fn authorize(&self, request: AuthorizationRequest) -> impl Future<Output = bool> + Send {
        self(request)
    }
}

/// [`Authorizer`], object-safe.
pub(super) trait DynAuthorizer: Send + Sync {
    fn authorize(&self, request: AuthorizationRequest) -> BoxFuture<'_, bool>;
}

impl<T: Authorizer> DynAuthorizer for T {
    fn authorize(&self, request: AuthorizationRequest) -> BoxFuture<'_, bool> {
        Box::pin(Authorizer::authorize(self, request))
    }
}
